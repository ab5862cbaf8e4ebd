// SPDX-License-Identifier: Apache-2.0
// Numbers at the start of a text, as bpf_strtol and bpf_strtoul read them. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace skep::machine {

struct NumberText {
  long used = 0;  // bytes read, spaces included, or a negative errno
  bool negative = false;
  std::uint64_t magnitude = 0;
};

// The lowest five bits of the flags are the base: 0 finds out, 8, 10 and 16 are the others.
[[nodiscard]] NumberText read_number(std::string_view text, std::uint64_t flags);

// The bytes read, or a negative errno and a value of 0.
[[nodiscard]] long as_signed(const NumberText& read, std::int64_t& value);
[[nodiscard]] long as_unsigned(const NumberText& read, std::uint64_t& value);

}  // namespace skep::machine
