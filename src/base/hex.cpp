// SPDX-License-Identifier: Apache-2.0
#include "base/hex.h"

#include "base/position.h"

namespace skep {

namespace {

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ','; }

// Where the next run of digits begins, past blanks, comments and a 0x.
std::size_t next_run(std::string_view digits, std::size_t at) {
  while (at < digits.size() && (is_blank(digits[at]) || digits[at] == '#')) {
    if (digits[at] != '#')
      ++at;
    else
      at = std::min(digits.find('\n', at), digits.size());
  }
  const bool prefixed = digits.substr(at).starts_with("0x") || digits.substr(at).starts_with("0X");
  return prefixed ? at + 2 : at;
}

}  // namespace

Result<Bytes> parse_hex(std::string_view digits) {
  Bytes bytes;
  for (std::size_t at = next_run(digits, 0); at < digits.size();) {
    const int high = digit_value(digits[at]);
    const int low = at + 1 < digits.size() ? digit_value(digits[at + 1]) : -1;
    if (high < 0 || low < 0) {
      const Position position = position_of(digits, high < 0 ? at : at + 1);
      return fail(Code::invalid, "{}:{}: expected two hex digits a byte, found {}", position.line,
                  position.column, quoted_character(digits, high < 0 ? at : at + 1));
    }
    bytes.push_back(static_cast<std::byte>(high << 4 | low));
    at += 2;
    if (at < digits.size() && digit_value(digits[at]) < 0) at = next_run(digits, at);
  }
  return bytes;
}

std::string print_hex(std::span<const std::byte> bytes, std::size_t per_group) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 3);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (per_group != 0 && i != 0 && i % per_group == 0) out += ' ';
    const auto value = std::to_integer<unsigned>(bytes[i]);
    out += kDigits[value >> 4];
    out += kDigits[value & 15];
  }
  return out;
}

}  // namespace skep
