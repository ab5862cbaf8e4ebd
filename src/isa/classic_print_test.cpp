// SPDX-License-Identifier: Apache-2.0
#include "isa/classic_print.h"

#include <doctest/doctest.h>

namespace skep::isa {

TEST_CASE("every operation looks as in tcpdump -d") {
  struct Example {
    ClassicInsn insn;
    std::string_view text;
  };
  const Example examples[] = {
      {{.code = 0x00, .k = 16}, "ld       #0x10"},
      {{.code = 0x20, .k = 4}, "ld       [4]"},
      {{.code = 0x28, .k = 0xfff0'0000}, "ldh      [-1048576]"},
      {{.code = 0x50, .k = 14}, "ldb      [x + 14]"},
      {{.code = 0x48, .k = 0xffff'fffe}, "ldh      [x + -2]"},
      {{.code = 0x60, .k = 3}, "ld       M[3]"},
      {{.code = 0x80}, "ld       #pktlen"},
      {{.code = 0x81}, "ldx      #pktlen"},
      {{.code = 0xb1, .k = 14}, "ldxb     4*([14]&0xf)"},
      {{.code = 0x03, .k = 15}, "stx      M[15]"},
      {{.code = 0x04, .k = 0xffff'ffff}, "add      #-1"},
      {{.code = 0x54, .k = 0xffff'ffff}, "and      #0xffffffff"},
      {{.code = 0x84}, "neg      "},
      {{.code = 0xac}, "xor      x"},
      {{.code = 0x05, .k = 2}, "ja       10"},
      {{.code = 0x15, .jt = 1, .jf = 255, .k = 6}, "jeq      #0x6             jt 9\tjf 263"},
      {{.code = 0x4d, .jt = 0, .jf = 0}, "jset     x                jt 8\tjf 8"},
      {{.code = 0x06, .k = 0xffff'ffff}, "ret      #-1"},
      {{.code = 0x16}, "ret      a"},
      {{.code = 0x07}, "tax      "},
      {{.code = 0x20, .k = kAncillaryBase + 36}, "ld       cpu"},
      {{.code = 0x30, .k = kAncillaryBase + 48}, "ldb      vlan_avail"},
      {{.code = 0x20, .k = kAncillaryBase + 1}, "ld       [-4095]"},
      {{.code = 0xfe, .jt = 1, .jf = 2, .k = 3}, "{ 0xfe, 1, 2, 0x00000003 },"},
  };
  for (const Example& example : examples)
    CHECK(print_classic_insn(example.insn, 7) == example.text);
}

TEST_CASE("numbers in unused fields are shown in the exact style alone") {
  for (const ClassicInsn insn :
       {ClassicInsn{.code = 0x07, .k = 5}, {.code = 0x07, .jt = 1}, {.code = 0x07, .jf = 1}}) {
    CHECK(print_classic_insn(insn, 0).starts_with("{ 0x7, "));
    CHECK(print_classic_insn(insn, 0, ClassicStyle::tcpdump) == "tax      ");
  }
}

TEST_CASE("programs have the index in front") {
  const ClassicProgram program = {{.code = 0x20, .k = 0}, {.code = 0x16}};
  CHECK(print_classic(program) == "(000) ld       [0]\n(001) ret      a\n");
}

}  // namespace skep::isa
