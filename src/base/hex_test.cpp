// SPDX-License-Identifier: Apache-2.0
#include "base/hex.h"

#include <doctest/doctest.h>

namespace skep {

namespace {

std::string again(std::string_view digits) {
  const auto bytes = parse_hex(digits);
  return bytes ? print_hex(*bytes) : bytes.error().what;
}

}  // namespace

TEST_CASE("hex: blanks, commas, comments and 0x part bytes") {
  CHECK(again("b7 00\t01,ff\r\nAb") == "b7 00 01 ff ab");
  CHECK(again("0xb700 0X01") == "b7 00 01");
  CHECK(again("b7 # 00 zz\n01") == "b7 01");
  CHECK(again("").empty());
  CHECK(again("# nothing").empty());
}

TEST_CASE("hex: errors name line, column and what stands there") {
  CHECK(again("b7\n0") == "2:2: expected two hex digits a byte, found end of text");
  CHECK(again("b7 0g") == "1:5: expected two hex digits a byte, found 'g'");
  CHECK(again("b7 0 1") == "1:5: expected two hex digits a byte, found ' '");
  CHECK(again("x") == "1:1: expected two hex digits a byte, found 'x'");
  CHECK(again("b\n7") == "1:2: expected two hex digits a byte, found end of line");
}

TEST_CASE("hex: printed in groups") {
  const Bytes bytes(5, std::byte{0x0f});
  CHECK(print_hex(bytes) == "0f 0f 0f 0f 0f");
  CHECK(print_hex(bytes, 0) == "0f0f0f0f0f");
  CHECK(print_hex(bytes, 4) == "0f0f0f0f 0f");
  CHECK(print_hex({}).empty());
}

}  // namespace skep
