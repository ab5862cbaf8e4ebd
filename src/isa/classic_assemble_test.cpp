// SPDX-License-Identifier: Apache-2.0
#include "isa/classic_assemble.h"

#include <doctest/doctest.h>

namespace skep::isa {

namespace {

ClassicProgram assembled(std::string_view source) {
  auto program = assemble_classic(source, "f");
  REQUIRE_MESSAGE(program, program.error().what);
  return *std::move(program);
}

ClassicInsn only(std::string_view source) {
  const ClassicProgram program = assembled(source);
  REQUIRE(program.size() == 1);
  return program[0];
}

std::string reason(std::string_view source) {
  const auto program = assemble_classic(source, "f");
  return program ? "assembled" : program.error().what;
}

}  // namespace

TEST_CASE("operands are written as bpf_asm and tcpdump write them") {
  CHECK(only("ldh [12]") == ClassicInsn{.code = 0x28, .k = 12});
  CHECK(only("ld [-1048576]") == ClassicInsn{.code = 0x20, .k = 0xfff0'0000});
  CHECK(only("ld [x + 4]") == ClassicInsn{.code = 0x40, .k = 4});
  CHECK(only("ldb [%x+0x10]") == ClassicInsn{.code = 0x50, .k = 16});
  CHECK(only("ldb [x]") == ClassicInsn{.code = 0x50});
  CHECK(only("ld M[3]") == ClassicInsn{.code = 0x60, .k = 3});
  CHECK(only("ld #len") == only("ld #pktlen"));
  CHECK(only("ldx len") == ClassicInsn{.code = 0x81});
  CHECK(only("ldx 4*([14]&0xf)") == ClassicInsn{.code = 0xb1, .k = 14});
  CHECK(only("ldxb 4 * ([14] & 15)") == ClassicInsn{.code = 0xb1, .k = 14});
  CHECK(only("ldi 7") == only("ld #7"));
  CHECK(only("ldxi #7") == only("ldx #7"));
  CHECK(only("ld proto") == ClassicInsn{.code = 0x20, .k = kAncillaryBase});
  CHECK(only("ldb #vlan_avail") == ClassicInsn{.code = 0x30, .k = kAncillaryBase + 48});
  CHECK(only("ret #-1") == ClassicInsn{.code = 0x06, .k = 0xffff'ffff});
  CHECK(only("ret %a") == ClassicInsn{.code = 0x16});
  CHECK(only("add %x") == ClassicInsn{.code = 0x0c});
}

TEST_CASE("numbers are decimal, hexadecimal, octal or binary") {
  CHECK(only("ld #0x1F").k == 31);
  CHECK(only("ld #037").k == 31);
  CHECK(only("ld #0b11111").k == 31);
  CHECK(only("ld #0").k == 0);
  CHECK(only("ld #4294967295").k == 0xffff'ffff);
  CHECK(only("ld #-2147483648").k == 0x8000'0000);
}

TEST_CASE("labels, the index of tcpdump and the opposite conditions say where to go") {
  const ClassicProgram expected = {{.code = 0x15, .jt = 1, .jf = 2, .k = 5},
                                   {.code = 0x05, .k = 1},
                                   {.code = 0x06, .k = 1},
                                   {.code = 0x06, .k = 0}};
  CHECK(assembled("jeq #5, yes, no\n ja no\nyes: ret #1\nno: ret #0") == expected);
  CHECK(assembled("jne #5, no, yes\n jmp no\nyes:\n ret #1\nno:\n ret #0") == expected);
  CHECK(assembled("(000) jeq #5 jt 2\tjf 3\n(001) ja 3\n(002) ret #1\n(003) ret #0") == expected);
  CHECK(assembled("{ 0x15, 1, 2, 0x00000005 },\n{ 5, 0, 0, 1 }\nret #1\nret #0") == expected);

  const ClassicProgram drop = assembled(
      "jne #5, drop\njlt x, drop\njle #1, drop\njgt #2, drop\n"
      "ret #1\ndrop: ret #0");
  CHECK(drop[0] == ClassicInsn{.code = 0x15, .jt = 0, .jf = 4, .k = 5});
  CHECK(drop[1] == ClassicInsn{.code = 0x3d, .jt = 0, .jf = 3});
  CHECK(drop[2] == ClassicInsn{.code = 0x25, .jt = 0, .jf = 2, .k = 1});
  CHECK(drop[3] == ClassicInsn{.code = 0x25, .jt = 1, .jf = 0, .k = 2});
}

TEST_CASE("comments may stand wherever no operand can") {
  CHECK(assembled("; a\n# b\n// c\n/* d\n e */ tax ; f\ntxa # g\nneg // h\n\nadd /* i */ #1 # j\n"
                  "ret a")
            .size() == 5);
}

TEST_CASE("mistakes are named with place, what was expected and what was found") {
  CHECK(reason("foo #1") == "f:1:1: expected an operation, found 'foo'");
  CHECK(reason("tax\n  [4]") == "f:2:3: expected an operation or a label, found '['");
  CHECK(reason("add M[1]") == "f:1:5: expected #k or x, found 'M'");
  CHECK(reason("st #1") == "f:1:4: expected M[k], found '#'");
  CHECK(reason("ld 5") == "f:1:4: expected #k or [k] or [x + k] or M[k] or #len, found '5'");
  CHECK(reason("ret\n") == "f:1:4: expected #k or a, found end of line");
  CHECK(reason("ret x") == "f:1:5: expected #k or a, found 'x'");
  CHECK(reason("ldh [12") == "f:1:8: expected ']', found end of text");
  CHECK(reason("ldh [y]") == "f:1:6: expected an offset or x, found 'y'");
  CHECK(reason("ld #foo") ==
        "f:1:5: expected a number, len or the name of an ancillary load, found 'foo'");
  CHECK(reason("ld #0x1g") == "f:1:5: expected a number, found '0x1g'");
  CHECK(reason("ld #4294967296") == "f:1:5: a number does not fit 32 bits");
  CHECK(reason("ld #-2147483649") == "f:1:5: a number does not fit 32 bits");
  CHECK(reason("ldx 5*([1]&0xf)") == "f:1:5: expected 4*([k]&0xf), found '5'");
  CHECK(reason("ldx 4*([1]&0xe)") == "f:1:12: expected 0xf, found '0xe'");
  CHECK(reason("tax tax") == "f:1:5: expected end of line, found 'tax'");
  CHECK(reason("jeq #1") == "f:1:7: expected ',' or jt, found end of text");
  CHECK(reason("jeq #1,") ==
        "f:1:8: expected a label or the index of an instruction, found end of text");
  CHECK(reason("(001) tax") == "f:1:2: expected (000), found '001'");
  CHECK(reason("{ 0x10000, 0, 0, 0 }") ==
        "f:1:3: expected a number of at most 0xffff, found '0x10000'");
  CHECK(reason("tax /* and on") == "f:1:5: this comment is not closed by */");
  CHECK(reason("tax \x01") == "f:1:5: expected end of line, found '\\x01'");
}

TEST_CASE("labels must be there, once, ahead and near enough") {
  CHECK(reason("ja out") == "f:1:4: label 'out' is not defined");
  CHECK(reason("a: tax\na: ret a") == "f:2:1: label 'a' is defined twice");
  CHECK(reason("back: tax\nja back") ==
        "f:2:4: instruction 0 is not ahead of the jump at 1; classic jumps only go forward");
  CHECK(reason("tax\njeq #1 jt 1 jf 2") ==
        "f:2:11: instruction 1 is not ahead of the jump at 1; classic jumps only go forward");
  std::string far = "jeq #1, far\n";
  for (int i = 0; i < 256; ++i) far += "tax\n";
  CHECK(reason(far + "far: ret a") ==
        "f:1:9: the target is 256 instructions ahead, and a conditional jump skips at most 255; go "
        "there by ja");
}

}  // namespace skep::isa
