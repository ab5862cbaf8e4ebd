// SPDX-License-Identifier: Apache-2.0
// Text to instructions, in the C-like dialect that the kernel and bpftool print:
// "r0 = 1; exit". A map is named by its descriptor: "r1 = map[fd:5]".
#pragma once

#include <string_view>

#include "skep/kernel.h"

namespace skep {

// The first mistake is reported as "name:line:column: ...".
[[nodiscard]] Result<Bytes> assemble(std::string_view text, std::string_view name = "program");

}  // namespace skep
