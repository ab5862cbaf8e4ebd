// SPDX-License-Identifier: Apache-2.0
// Where in a text something stands, as an editor counts: line and column from 1.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace skep {

struct Position {
  std::size_t line = 1;
  std::size_t column = 1;
  auto operator<=>(const Position&) const = default;
};

[[nodiscard]] Position position_of(std::string_view source, std::size_t offset);

// The character at `offset` as it may be shown in a message: 'x', "\x07", "end of line" or "end of
// text".
[[nodiscard]] std::string quoted_character(std::string_view source, std::size_t offset);

// A piece of outside text made safe for a terminal and short enough for one line.
[[nodiscard]] std::string printable(std::string_view piece, std::size_t at_most = 40);

}  // namespace skep
