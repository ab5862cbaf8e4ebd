// SPDX-License-Identifier: Apache-2.0
#include "isa/print.h"

#include <doctest/doctest.h>

namespace skep::isa {

namespace {

std::string printed(const Program& program, const PrintStyle& style) {
  const auto text = print_program(program, style);
  return text ? *text : text.error().what;
}

std::string line(const Program& program, Dialect dialect) {
  std::string text = printed(program, {.dialect = dialect, .index = false});
  text.pop_back();
  return text;
}

std::string kernel(const Insn& insn) { return line({insn}, Dialect::kernel); }
std::string llvm(const Insn& insn) { return line({insn}, Dialect::llvm); }

std::string_view name_of(std::uint32_t number) { return number == 5 ? "bpf_ktime_get_ns" : ""; }

}  // namespace

TEST_CASE("print: the two dialects differ in numbers, widths and places") {
  CHECK(kernel({.code = 0xb7, .dst = 1, .imm = -5}) == "r1 = -5");
  CHECK(llvm({.code = 0xb7, .dst = 1, .imm = -5}) == "r1 = -0x5");
  CHECK(kernel({.code = 0x61, .dst = 1, .src = 2, .offset = 8}) == "r1 = *(u32 *)(r2 +8)");
  CHECK(llvm({.code = 0x61, .dst = 1, .src = 2, .offset = 8}) == "w1 = *(u32 *)(r2 + 0x8)");
  CHECK(llvm({.code = 0x79, .dst = 1, .src = 2, .offset = -8}) == "r1 = *(u64 *)(r2 - 0x8)");
  CHECK(kernel({.code = 0x16, .dst = 1, .offset = 2, .imm = -1}) ==
        "if w1 == 0xffffffff goto pc+2");
  CHECK(llvm({.code = 0x16, .dst = 1, .offset = -2, .imm = -1}) == "if w1 == -0x1 goto -0x2");
  CHECK(kernel({.code = 0xdb, .dst = 1, .src = 2, .imm = 1}) ==
        "r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)");
  CHECK(llvm({.code = 0xc3, .dst = 1, .src = 2, .imm = 0xf1}) ==
        "w0 = cmpxchg32_32(r1 + 0x0, w0, w2)");
  CHECK(llvm({.code = 0x48, .src = 1}) == "r0 = *(u16 *)skb[r1]");
  CHECK(kernel({.code = 0x48, .src = 1, .imm = -4}) == "r0 = *(u16 *)skb[r1 + -4]");
}

TEST_CASE("print: the most negative numbers") {
  constexpr std::int32_t kLeast = -2147483647 - 1;
  CHECK(kernel({.code = 0xb7, .imm = kLeast}) == "r0 = -2147483648");
  CHECK(llvm({.code = 0xb7, .imm = kLeast}) == "r0 = -0x80000000");
  CHECK(llvm({.code = 0x72, .offset = -32768}) == "*(u8 *)(r0 - 0x8000) = 0x0");
  CHECK(line({{.code = 0x18}, {.imm = kLeast}}, Dialect::llvm) == "r0 = -0x8000000000000000 ll");
  CHECK(line({{.code = 0x18}, {.imm = kLeast}}, Dialect::kernel) == "r0 = 0x8000000000000000 ll");
}

TEST_CASE("print: helpers by name where it is known") {
  const Program program = {{.code = 0x85, .imm = 5}, {.code = 0x85, .imm = 6}};
  CHECK(printed(program, {.names = {.name_of = name_of}}) ==
        "   0: call bpf_ktime_get_ns#5\n   1: call unknown#6\n");
  CHECK(printed(program, {}) == "   0: call unknown#5\n   1: call unknown#6\n");
}

TEST_CASE("print: what may stand in front") {
  const Program program = {{.code = 0x18, .dst = 1, .imm = 7}, {}, {.code = 0x95}};
  CHECK(printed(program, {.opcodes = true}) == "   0: (18) r1 = 0x7\n   2: (95) exit\n");
  CHECK(printed(program, {.dialect = Dialect::llvm, .index = false, .bytes = true}) ==
        "18 01 00 00 07 00 00 00 00 00 00 00 00 00 00 00 r1 = 0x7 ll\n"
        "95 00 00 00 00 00 00 00                         exit\n");
}

TEST_CASE("print: labels for targets inside the program, distances for others") {
  const Program program = {
      {.code = 0x05, .offset = 1}, {.code = 0x05, .offset = 9}, {.code = 0x95}};
  CHECK(printed(program, {.labels = true, .index = false}) == "goto L2\ngoto pc+9\nL2:\nexit\n");
}

TEST_CASE("print: what is no instruction is refused with its index") {
  CHECK(printed({{.code = 0x95}, {.code = 0xff}}, {}) ==
        "insn 1: opcode 0xff is not an instruction");
}

}  // namespace skep::isa
