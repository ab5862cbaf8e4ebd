// SPDX-License-Identifier: Apache-2.0
#include "isa/insn.h"

#include <doctest/doctest.h>

namespace skep::isa {

namespace {

constexpr Insn kStore{.code = 0x62, .dst = 10, .src = 3, .offset = -2, .imm = 0x11223344};

}  // namespace

TEST_CASE("insn: the bytes of RFC 9669 section 3 in both orders") {
  CHECK(print_hex(encode({&kStore, 1})) == "62 3a fe ff 44 33 22 11");
  CHECK(print_hex(encode({&kStore, 1}, std::endian::big)) == "62 a3 ff fe 11 22 33 44");
}

TEST_CASE("insn: decoding asks for whole slots") {
  const Bytes bytes(12);
  CHECK(decode(std::span(bytes).first(8))->size() == 1);
  CHECK(decode({})->empty());
  CHECK(decode(bytes).error().what ==
        "truncated: 12 bytes are not a whole number of 8-byte instructions");
}

TEST_CASE("insn: two slots make one number") {
  CHECK(imm64({.imm = -1}, {.imm = 0}) == 0xffff'ffff);
  CHECK(imm64({.imm = 1}, {.imm = -1}) == 0xffff'ffff'0000'0001);
}

}  // namespace skep::isa
