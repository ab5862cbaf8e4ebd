// SPDX-License-Identifier: Apache-2.0
// Names: of objects as bpf(2) checks them, of machines as files of the user.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep::machine {

// A name of bpf_attr: letters, digits, '_', '.', and a zero within 16 bytes; the rest of `to` is
// zeros. 0 or -EINVAL.
[[nodiscard]] long copy_object_name(std::array<char, 16>& to, const char (&from)[16]);

// The directory of this user's machines: $XDG_RUNTIME_DIR/skep, or /run/user or /tmp with the
// user's number; made with mode 0700 when `make`.
[[nodiscard]] Result<std::string> machine_directory(bool make);
// The file of a machine; refuses names that could lead elsewhere.
[[nodiscard]] Result<std::string> machine_path(std::string_view name);
[[nodiscard]] Result<std::vector<std::string>> machine_names();

}  // namespace skep::machine
