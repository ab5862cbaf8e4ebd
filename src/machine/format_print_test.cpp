// SPDX-License-Identifier: Apache-2.0
#include "machine/format_print.h"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <string>

namespace skep::machine {

namespace {

struct Text {
  long length;
  std::string text;
  bool operator==(const Text&) const = default;
};

Text print(const char* format, std::initializer_list<std::uint64_t> values = {},
           std::size_t room = 200) {
  std::string out(room, '#');
  const long length = format_print(out, format, 1000, std::span(values.begin(), values.size()));
  return {length, length < 0 ? "" : std::string(out.c_str())};
}

std::uint64_t address(const void* place) { return reinterpret_cast<std::uint64_t>(place); }

}  // namespace

TEST_CASE("formats: numbers") {
  CHECK(print("%d %i", {static_cast<std::uint64_t>(-5), 7}) == Text{4, "-5 7"});
  CHECK(print("%u", {~std::uint64_t{0}}) == Text{10, "4294967295"});
  CHECK(print("%lld", {~std::uint64_t{0}}) == Text{2, "-1"});
  CHECK(print("[%5d][%-5d][%05d][%+d]", {1, 2, 3, 4}) == Text{25, "[    1][2    ][00003][+4]"});
  CHECK(print("%lx %llX %08x", {0xabc, 0xdef, 0x12}) == Text{16, "abc DEF 00000012"});
  CHECK(print("100%%") == Text{4, "100%"});
}

TEST_CASE("formats: strings, letters, addresses") {
  CHECK(print("%s|%5s|%-5s|", {address("one"), address("two"), address("six")}) ==
        Text{16, "one|  two|six  |"});
  CHECK(print("%s", {8}) == Text{0, ""});
  CHECK(print("%c%c", {'o', 'k'}) == Text{2, "ok"});
  CHECK(print("%px", {0x1234}) == Text{16, "0000000000001234"});
  CHECK(print("%pS", {0x1234}) == Text{6, "0x1234"});
  const std::array<std::uint8_t, 16> ip{192, 168, 0, 1, 0xfe, 0x80};
  CHECK(print("%pI4 %pi4", {address(ip.data()), address(ip.data())}) ==
        Text{27, "192.168.0.1 192.168.000.001"});
  CHECK(print("%pI6", {address(ip.data())}).text == "c0a8:0001:fe80:0000:0000:0000:0000:0000");
  CHECK(print("%pi6", {address(ip.data())}).length == 32);
}

TEST_CASE("formats: what is not allowed") {
  for (const char* bad :
       {"%", "%f", "%n", "%o", "%hd", "%.3d", "%*d", "%ls", "%pZ", "%pI5", "%sx", "%zu", "\x01"})
    CHECK_MESSAGE(print(bad, {1, 2}).length == -EINVAL, bad);
  CHECK(print("%d %d", {1}).length == -EINVAL);
  std::array<char, 10> out{};
  CHECK(format_print(out, "abc", 3, {}) == -EINVAL);
  CHECK(format_print(out, "abc", 4, {}) == 3);
}

TEST_CASE("formats: too little room") {
  CHECK(print("abcde %d", {42}, 4) == Text{8, "abc"});
  CHECK(print("hello", {}, 1) == Text{5, ""});
  CHECK(format_print({}, "hello", 10, {}) == 5);
  CHECK(print("%8388607d", {1}, 4).length == 8388607);
  CHECK(print("%99999999999999999999d", {1}, 4).length > 0);
  const std::string big(600, 'x');
  CHECK(print("%s%s", {address(big.c_str()), 0}).length == -ENOSPC);
}

}  // namespace skep::machine
