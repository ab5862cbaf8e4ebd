// SPDX-License-Identifier: Apache-2.0
// The types of a BTF as a list, in bpftool's words.
#pragma once

#include <string>

#include "base/json.h"
#include "btf/btf.h"

namespace skep::cli {

[[nodiscard]] std::string dump_text(const btf::Types& types);
void dump_json(JsonWriter& writer, const btf::Types& types);

}  // namespace skep::cli
