// SPDX-License-Identifier: Apache-2.0
#include "machine/number_text.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <string>

namespace skep::machine {

namespace {

struct Signed {
  long used;
  std::int64_t value;
  bool operator==(const Signed&) const = default;
};

Signed read_signed(std::string_view text, std::uint64_t flags = 0) {
  Signed out{};
  out.used = as_signed(read_number(text, flags), out.value);
  return out;
}

}  // namespace

TEST_CASE("numbers in texts: bases, signs, what follows") {
  CHECK(read_signed("42") == Signed{2, 42});
  CHECK(read_signed("  -42xyz") == Signed{5, -42});
  CHECK(read_signed("0x1f") == Signed{4, 31});
  CHECK(read_signed("010") == Signed{3, 8});
  CHECK(read_signed("0x") == Signed{1, 0});
  CHECK(read_signed("1f", 16) == Signed{2, 31});
  CHECK(read_signed("0x1f", 16) == Signed{4, 31});
  CHECK(read_signed("19", 8) == Signed{1, 1});
  CHECK(read_signed("010", 10) == Signed{3, 10});
}

TEST_CASE("numbers in texts: refusals") {
  CHECK(read_signed("") == Signed{-EINVAL, 0});
  CHECK(read_signed("   ") == Signed{-EINVAL, 0});
  CHECK(read_signed("-") == Signed{-EINVAL, 0});
  CHECK(read_signed("x1") == Signed{-EINVAL, 0});
  CHECK(read_signed("1", 7) == Signed{-EINVAL, 0});
  CHECK(read_signed("1", 32) == Signed{-EINVAL, 0});
  CHECK(read_signed("9223372036854775807") == Signed{19, INT64_MAX});
  CHECK(read_signed("9223372036854775808") == Signed{-ERANGE, 0});
  CHECK(read_signed("-9223372036854775808") == Signed{20, INT64_MIN});
  CHECK(read_signed("-9223372036854775809") == Signed{-ERANGE, 0});
  CHECK(read_signed("99999999999999999999999") == Signed{-ERANGE, 0});
  CHECK(read_signed(std::string(100, '0') + "1") == Signed{63, 0});
  std::uint64_t value = 1;
  CHECK(as_unsigned(read_number("-1", 0), value) == -EINVAL);
  CHECK(value == 0);
  CHECK(as_unsigned(read_number("18446744073709551615", 0), value) == 20);
  CHECK(value == UINT64_MAX);
}

}  // namespace skep::machine
