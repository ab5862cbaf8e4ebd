// SPDX-License-Identifier: Apache-2.0
#include "btf/names.h"

#include <algorithm>
#include <array>

namespace skep::btf {

namespace {

constexpr unsigned char kLetter = 1;
constexpr unsigned char kDigit = 2;
constexpr unsigned char kPrintable = 4;

constexpr std::array<unsigned char, 256> classify() {
  std::array<unsigned char, 256> classes{};
  for (unsigned c = 0; c < classes.size(); ++c) {
    unsigned char found = 0;
    const bool multiply_or_divide = c == 0xd7 || c == 0xf7;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' ||
        (c >= 0xc0 && !multiply_or_divide))
      found |= kLetter;
    if (c >= '0' && c <= '9') found |= kDigit;
    if ((c >= 0x20 && c <= 0x7e) || c >= 0xa0) found |= kPrintable;
    classes[c] = found;
  }
  return classes;
}

constexpr auto kClasses = classify();

bool is_of(char c, unsigned classes) {
  return (kClasses[static_cast<unsigned char>(c)] & classes) != 0;
}

}  // namespace

bool is_identifier(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && is_of(name.front(), kLetter) &&
         std::ranges::all_of(name, [](char c) { return is_of(c, kLetter | kDigit); });
}

bool is_section_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::ranges::all_of(name, [](char c) { return is_of(c, kPrintable); });
}

}  // namespace skep::btf
