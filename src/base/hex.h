// SPDX-License-Identifier: Apache-2.0
// Bytes as hexadecimal text, both ways.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep {

using Bytes = std::vector<std::byte>;

// Two digits a byte, any white space between bytes, an optional 0x in front of a run of digits, `#`
// starts a comment that ends with the line. Errors name line and column.
[[nodiscard]] Result<Bytes> parse_hex(std::string_view digits);

// "b7 00 00 00": `per_group` bytes between two blanks, 0 for none.
[[nodiscard]] std::string print_hex(std::span<const std::byte> bytes, std::size_t per_group = 1);

}  // namespace skep
