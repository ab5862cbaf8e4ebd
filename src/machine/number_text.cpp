// SPDX-License-Identifier: Apache-2.0
#include "machine/number_text.h"

#include <cerrno>
#include <limits>

namespace skep::machine {

namespace {

constexpr std::uint64_t kBaseMask = 31;
constexpr std::size_t kMostLetters = 63;  // Linux looks at so many behind the sign

bool is_space(char letter) { return letter == ' ' || (letter >= '\t' && letter <= '\r'); }

// 36 and more for what is no digit of any base.
unsigned digit_of(char letter) {
  if (letter >= '0' && letter <= '9') return static_cast<unsigned>(letter - '0');
  const char lower = static_cast<char>(letter | 0x20);
  if (lower >= 'a' && lower <= 'z') return static_cast<unsigned>(lower - 'a') + 10;
  return 99;
}

void skip_prefix(std::string_view& text, unsigned& base) {
  const bool hex =
      text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == 'x' && digit_of(text[2]) < 16;
  if (base == 0) base = hex ? 16 : text.starts_with('0') ? 8 : 10;
  if (base == 16 && text.size() > 1 && text[0] == '0' && (text[1] | 0x20) == 'x')
    text.remove_prefix(2);
}

}  // namespace

NumberText read_number(std::string_view text, std::uint64_t flags) {
  unsigned base = static_cast<unsigned>(flags & kBaseMask);
  if (text.empty() || (base != 0 && base != 8 && base != 10 && base != 16) ||
      (flags & ~kBaseMask) != 0)
    return {.used = -EINVAL};
  const std::size_t all = text.size();
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  NumberText read;
  if (text.starts_with('-')) {
    read.negative = true;
    text.remove_prefix(1);
  }
  if (text.empty()) return {.used = -EINVAL};
  const std::size_t before = all - text.size();
  text = text.substr(0, kMostLetters);
  const std::size_t seen = text.size();
  skip_prefix(text, base);
  std::size_t digits = 0;
  for (; digits < text.size() && digit_of(text[digits]) < base; ++digits) {
    if (__builtin_mul_overflow(read.magnitude, std::uint64_t{base}, &read.magnitude) ||
        __builtin_add_overflow(read.magnitude, digit_of(text[digits]), &read.magnitude))
      return {.used = -ERANGE};
  }
  if (digits == 0) return {.used = -EINVAL};
  read.used = static_cast<long>(before + seen - text.size() + digits);
  return read;
}

long as_signed(const NumberText& read, std::int64_t& value) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  value = 0;
  if (read.used < 0) return read.used;
  if (read.magnitude > kMost + (read.negative ? 1 : 0)) return -ERANGE;
  value = static_cast<std::int64_t>(read.negative ? 0 - read.magnitude : read.magnitude);
  return read.used;
}

long as_unsigned(const NumberText& read, std::uint64_t& value) {
  value = 0;
  if (read.used < 0) return read.used;
  if (read.negative) return -EINVAL;
  value = read.magnitude;
  return read.used;
}

}  // namespace skep::machine
