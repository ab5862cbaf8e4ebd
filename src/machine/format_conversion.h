// SPDX-License-Identifier: Apache-2.0
// One conversion of a format string ("%-5lld", "%pI4"), as bpf_trace_printk and its like know them.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace skep::machine::format {

enum class Kind : std::uint8_t {
  percent,
  number,
  character,
  string,
  pointer,
  symbol,
  back_symbol,  // packed as text, the other symbols as addresses
  ipv4,
  ipv6,
};

struct Conversion {
  Kind kind = Kind::number;
  std::uint8_t bytes = 4;
  std::uint8_t base = 10;
  bool is_signed = false;
  bool uppercase = false;
  bool zero = false;
  bool plus = false;
  bool left = false;
  bool space = false;
  bool padded = false;    // %pi4 and %pi6
  bool ready = false;     // a string of %pks or %pus
  bool swallows = false;  // printing skips letters and digits behind it
  std::int32_t width = -1;
};

// What stands at `at`, which is a '%'; moves `at` behind what must be there. Nothing when it is not
// allowed.
[[nodiscard]] std::optional<Conversion> parse(std::string_view format, std::size_t& at);

// Whether the byte may stand between conversions.
[[nodiscard]] bool is_text(char letter);
[[nodiscard]] bool is_alphanumeric(char letter);

}  // namespace skep::machine::format
