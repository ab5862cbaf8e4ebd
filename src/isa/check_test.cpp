// SPDX-License-Identifier: Apache-2.0
#include "isa/check.h"

#include <doctest/doctest.h>

namespace skep::isa {

namespace {

constexpr Insn kExit{.code = 0x95};

std::string why(const Program& program) {
  const Status status = check_program(program);
  return status ? "" : status.error().what;
}

}  // namespace

TEST_CASE("check: why an instruction is none") {
  CHECK(why({{.code = 0xff}, kExit}) == "insn 0: opcode 0xff is not an instruction");
  CHECK(why({{.code = 0xd7, .imm = 8}, kExit}) ==
        "insn 0: opcode 0xd7 has no meaning with immediate 0x8; it has with 0x10, 0x20, 0x40");
  CHECK(why({{.code = 0xb7, .dst = 11}, kExit}) ==
        "insn 0: r11 does not exist; registers are r0 to r10");
  CHECK(why({{.code = 0x95, .imm = 5}}) ==
        "insn 0: exit (0x95) does not use its immediate, which must be 0 but is 0x5");
  CHECK(why({{.code = 0xbf, .offset = 1, .imm = 3}, kExit}) ==
        "insn 0: addr_space_cast from 3 to 0 is unknown; it goes from 1 to 0 or from 0 to 1");
}

TEST_CASE("check: both slots of a 64-bit immediate") {
  CHECK(why({{.code = 0x18}, {.imm = 7}, kExit}).empty());
  CHECK(why({{.code = 0x18}}) == "insn 0: the second slot of the 64-bit immediate is missing");
  CHECK(why({{.code = 0x18}, kExit}) ==
        "insn 0: the second slot of the 64-bit immediate must be zero but for its immediate");
  CHECK(why({{.code = 0x18, .src = 1}, {.imm = 7}, kExit}) ==
        "insn 0: imm64_map_fd does not use the immediate of its second slot, which is 0x7");
}

TEST_CASE("check: jumps land on instructions") {
  CHECK(why({{.code = 0x05, .offset = 0}, kExit}).empty());
  CHECK(why({{.code = 0x05, .offset = -1}}).empty());
  CHECK(why({{.code = 0x05, .offset = 1}, kExit}) ==
        "insn 0: target 2 lies outside the program of 2 instructions");
  CHECK(why({{.code = 0x05, .offset = -2}, kExit}) ==
        "insn 0: target -1 lies outside the program of 2 instructions");
  CHECK(why({{.code = 0x05, .offset = 1}, {.code = 0x18}, {}, kExit}) ==
        "insn 0: target 2 is the second slot of a 64-bit immediate");
  CHECK(why({{.code = 0x06, .imm = 0x7fffffff}, kExit}) ==
        "insn 0: target 2147483648 lies outside the program of 2 instructions");
}

TEST_CASE("check: a program has an end and a size") {
  CHECK(why({}) == "the program is empty");
  CHECK(why({{.code = 0xb7}}) ==
        "insn 0: the program ends with mov64_imm, so it can run past its end; end with exit");
  CHECK(why(Program(kMaxInsns + 1, kExit)) ==
        "the program has 1000001 instructions; at most 1000000 are allowed");
  CHECK(why(Program(kMaxInsns, kExit)).empty());
}

TEST_CASE("check: where an instruction goes") {
  const auto goes = [](const Insn& insn) { return target_of(*find_op(insn), insn, 10); };
  CHECK(goes({.code = 0x05, .offset = -20}) == -9);
  CHECK(goes({.code = 0x06, .imm = 0x7fffffff}) == 0x8000000aLL);
  CHECK(goes({.code = 0x85, .src = 1, .imm = -11}) == 0);
  CHECK(goes({.code = 0xe5, .offset = 3}) == 14);
  CHECK(goes({.code = 0x18, .src = 4, .imm = 5}) == 16);
  CHECK(!goes({.code = 0x18, .imm = 5}));
  CHECK(!goes({.code = 0x85, .imm = 5}));
  CHECK(!goes(kExit));
}

TEST_CASE("check: which slots begin an instruction") {
  const Program program = {{.code = 0x18}, {}, kExit};
  CHECK(starts_insn(program, 0));
  CHECK(!starts_insn(program, 1));
  CHECK(starts_insn(program, 2));
  CHECK(!starts_insn(program, 3));
  CHECK(!starts_insn(program, -1));
}

}  // namespace skep::isa
