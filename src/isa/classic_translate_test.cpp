// SPDX-License-Identifier: Apache-2.0
#include "isa/classic_translate.h"

#include <doctest/doctest.h>

#include "isa/classic_assemble.h"
#include "isa/print.h"

namespace skep::isa {

namespace {

std::string translated(std::string_view source, ClassicKind kind = ClassicKind::socket) {
  const auto program = assemble_classic(source, "f");
  REQUIRE_MESSAGE(program, program.error().what);
  const auto filter = ClassicFilter::make(*program, kind);
  REQUIRE_MESSAGE(filter, filter.error().what);
  PrintStyle style;
  style.labels = true;
  style.index = false;
  return print_program(translate_classic(*filter), style).value();
}

}  // namespace

TEST_CASE("a usual filter becomes as many instructions as it has, and little more") {
  CHECK(translated("ldh [12]\njeq #0x800, ip, no\nip: ldb [23]\njne #6, no\n"
                   "ret #262144\nno: ret #0") ==
        "r6 = r1\n"
        "r0 = *(u16 *)skb[12]\n"
        "if w0 != 0x800 goto L7\n"
        "r0 = *(u8 *)skb[23]\n"
        "if w0 != 0x6 goto L7\n"
        "w0 = 262144\n"
        "exit\n"
        "L7:\n"
        "w0 = 0\n"
        "exit\n");
}

TEST_CASE("A and X are zeroed only where somebody may read them first") {
  CHECK(translated("ret a") == "w0 = 0\nexit\n");
  CHECK(translated("ld #1\nret a") == "w0 = 1\nexit\n");
  CHECK(translated("ldx #1\ntxa\nret a") == "w7 = 1\nw0 = w7\nexit\n");
  CHECK(translated("txa\nret a") == "w7 = 0\nw0 = w7\nexit\n");
}

TEST_CASE("the length of a header costs A only where A is wanted later") {
  CHECK(translated("ldx 4*([14]&0xf)\ntxa\nret a") ==
        "r6 = r1\nr0 = *(u8 *)skb[14]\nw0 &= 15\nw0 <<= 2\nw7 = w0\nw0 = w7\nexit\n");
  CHECK(translated("ld #1\nldx 4*([14]&0xf)\nadd x\nret a") ==
        "r6 = r1\nw0 = 1\nw8 = w0\nr0 = *(u8 *)skb[14]\nw0 &= 15\nw0 <<= 2\nw7 = w0\n"
        "w0 = w8\nw0 += w7\nexit\n");
}

TEST_CASE("ancillary loads read the context, call a helper or combine A and X") {
  CHECK(translated("ld proto\nret a") == "r0 = *(u32 *)(r1 +16)\nr0 = be16 r0\nexit\n");
  CHECK(translated("ld #len\nret a") == "r0 = *(u32 *)(r1 +0)\nexit\n");
  CHECK(translated("ld cpu\nld mark\nret a") ==
        "r6 = r1\ncall unknown#8\nr0 = *(u32 *)(r6 +8)\nexit\n");
  CHECK(translated("ld xor_x\nret a") == "w0 = 0\nw7 = 0\nw0 ^= w7\nexit\n");
}

TEST_CASE("division by X looks at X first") {
  CHECK(translated("ld #8\nldx #2\ndiv x\nret a") ==
        "w0 = 8\nw7 = 2\nif w7 == 0x0 goto L5\nw0 /= w7\nexit\nL5:\nw0 = 0\nexit\n");
}

TEST_CASE("what cannot be reached is left out, and jumps over it as well") {
  CHECK(translated("ld #1\nja out\nld #2\nld #3\nout: ret a") == "w0 = 1\nexit\n");
  CHECK(translated("ret #1\nret #2") == "w0 = 1\nexit\n");
}

TEST_CASE("conditions use fall-through where they can") {
  const auto jump = [](std::string_view condition) {
    return translated(text("ld #9\n{}\na: ret #1\nb: ret #2", condition));
  };
  const std::string tail = "w0 = 1\nexit\nL4:\nw0 = 2\nexit\n";
  CHECK(jump("jgt #5, a, b") == "w0 = 9\nif w0 <= 0x5 goto L4\n" + tail);
  CHECK(jump("jge #5, b, a") == "w0 = 9\nif w0 >= 0x5 goto L4\n" + tail);
  CHECK(jump("jset #5, a, b") ==
        "w0 = 9\nif w0 & 0x5 goto L3\ngoto L5\nL3:\nw0 = 1\nexit\nL5:\nw0 = 2\nexit\n");
  CHECK(jump("jeq #5, b, b") == "w0 = 9\nw0 = 2\nexit\n");
}

TEST_CASE("seccomp data is memory behind r1") {
  CHECK(
      translated("ld [4]\njeq #0xc000003e, ok\nret #0\nok: ld #len\nret a", ClassicKind::seccomp) ==
      "r0 = *(u32 *)(r1 +4)\nif w0 == 0xc000003e goto L4\nw0 = 0\nexit\nL4:\nw0 = 64\nexit\n");
}

}  // namespace skep::isa
