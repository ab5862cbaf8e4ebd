// SPDX-License-Identifier: Apache-2.0
#include "base/position.h"

#include <algorithm>

#include "base/format.h"

namespace skep {

namespace {

bool is_printable(char c) { return c >= 0x20 && c < 0x7f; }

void append_printable(std::string& out, char c) {
  if (is_printable(c))
    out += c;
  else
    append_text(out, "\\x{:02x}", static_cast<unsigned char>(c));
}

}  // namespace

Position position_of(std::string_view source, std::size_t offset) {
  const std::string_view before = source.substr(0, std::min(offset, source.size()));
  const std::size_t line_start = before.rfind('\n');
  return {.line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')),
          .column = line_start == before.npos ? before.size() + 1 : before.size() - line_start};
}

std::string quoted_character(std::string_view source, std::size_t offset) {
  if (offset >= source.size()) return "end of text";
  if (source[offset] == '\n') return "end of line";
  std::string out = "'";
  append_printable(out, source[offset]);
  return out + "'";
}

std::string printable(std::string_view piece, std::size_t at_most) {
  std::string out;
  for (const char c : piece.substr(0, at_most)) append_printable(out, c);
  if (piece.size() > at_most) out += "...";
  return out;
}

}  // namespace skep
