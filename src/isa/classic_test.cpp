// SPDX-License-Identifier: Apache-2.0
#include "isa/classic.h"

#include <doctest/doctest.h>

namespace skep::isa {

namespace {

ClassicProgram ip_program() {
  return {{.code = 0x28, .k = 12},
          {.code = 0x15, .jt = 0, .jf = 1, .k = 0x800},
          {.code = 0x06, .k = 262144},
          {.code = 0x06}};
}

std::string reason(std::string_view source) {
  const auto decoded = decode_classic_decimal(source, "f");
  return decoded ? "decoded" : decoded.error().what;
}

}  // namespace

TEST_CASE("classic instructions have the bytes of struct sock_filter in either byte order") {
  const ClassicProgram program = {{.code = 0x15, .jt = 1, .jf = 2, .k = 0x0102'0304}};
  CHECK(print_hex(encode_classic(program)) == "15 00 01 02 04 03 02 01");
  CHECK(print_hex(encode_classic(program, std::endian::big)) == "00 15 01 02 01 02 03 04");
  for (const std::endian order : {std::endian::little, std::endian::big})
    CHECK(decode_classic(encode_classic(ip_program(), order), order).value() == ip_program());
  const Bytes odd(12);
  CHECK(decode_classic(odd).error().what ==
        "truncated: 12 bytes are not a whole number of 8-byte instructions");
}

TEST_CASE("the decimal form is that of tcpdump -ddd, and iptables' commas are taken") {
  CHECK(encode_classic_decimal(ip_program()) ==
        "4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n");
  CHECK(decode_classic_decimal(encode_classic_decimal(ip_program()), "f").value() == ip_program());
  CHECK(decode_classic_decimal("4,40 0 0 12,21 0 1 2048,6 0 0 262144,6 0 0 0,", "f").value() ==
        ip_program());
}

TEST_CASE("mistakes in the decimal form are named with their place") {
  CHECK(reason("") == "f:1:1: expected the number of instructions, found end of text");
  CHECK(reason("2\n6 0 0 0\n") == "f:3:1: expected an opcode, found end of text");
  CHECK(reason("1\n6 0 x 0\n") == "f:2:5: expected a jump distance, found 'x'");
  CHECK(reason("1\n6 0 256 0\n") == "f:2:5: a jump distance is at most 255");
  CHECK(reason("1\n6 0 0 4294967296\n") == "f:2:7: a constant is at most 4294967295");
  CHECK(reason("1\n6 0 0 0\n6 0 0 0\n") ==
        "f:3:1: expected no more than the instructions announced, found '6'");
}

TEST_CASE("ancillary loads are known by operation and constant") {
  CHECK(find_ancillary({.code = 0x20, .k = kAncillaryBase + 36})->name == "cpu");
  CHECK(find_ancillary({.code = 0x30, .k = kAncillaryBase})->name == "proto");
  CHECK(find_ancillary({.code = 0x40, .k = kAncillaryBase}) == nullptr);
  CHECK(find_ancillary({.code = 0x20, .k = kAncillaryBase + 1}) == nullptr);
  CHECK(find_ancillary({.code = 0x20, .k = kAncillaryBase + 64}) == nullptr);
  CHECK(find_ancillary({.code = 0x20, .k = 0}) == nullptr);
}

}  // namespace skep::isa
