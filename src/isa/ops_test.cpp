// SPDX-License-Identifier: Apache-2.0
#include "isa/ops.h"

#include <doctest/doctest.h>

namespace skep::isa {

TEST_CASE("ops: opcode and selector find the row") {
  CHECK(find_op(Insn{.code = 0xb7})->id == OpId::mov64_imm);
  CHECK(find_op(Insn{.code = 0xbf, .offset = 16})->id == OpId::movsx16_64);
  CHECK(find_op(Insn{.code = 0xbf, .offset = 1})->id == OpId::addr_space_cast);
  CHECK(find_op(Insn{.code = 0x85, .src = 1})->id == OpId::call_local);
  CHECK(find_op(Insn{.code = 0xdb, .imm = 0xf1})->id == OpId::cmpxchg64);
  CHECK(find_op(Insn{.code = 0xd7, .imm = 32})->id == OpId::bswap32);
}

TEST_CASE("ops: what is in no row is not found") {
  CHECK(find_op(Insn{.code = 0x00}) == nullptr);
  CHECK(find_op(Insn{.code = 0xff}) == nullptr);
  CHECK(find_op(Insn{.code = 0xbf, .offset = 2}) == nullptr);
  CHECK(find_op(Insn{.code = 0xdc, .imm = 8}) == nullptr);
  CHECK(find_op(Insn{.code = 0x18, .src = 7}) == nullptr);
  CHECK(find_op(Insn{.code = 0xbc, .offset = 32}) == nullptr);  // w1 = (s32)w2 would be a move
}

TEST_CASE("ops: every row is found by itself, both ways") {
  for (const Op& row : kOps) {
    CHECK(find_op(blank(row)) == &row);
    CHECK(find_op(row.shape, row.action, row.bits) == &row);
    CHECK(&op(row.id) == &row);
  }
  CHECK(find_op(Shape::load_sx, Action::move, 64) == nullptr);
}

// The low three bits are the class; widths and classes of RFC 9669 section 3 must fit together.
TEST_CASE("ops: opcodes say what the columns say") {
  for (const Op& row : kOps) {
    const unsigned instruction_class = row.code & 7U;
    const bool alu =
        row.shape == Shape::alu_imm || row.shape == Shape::alu_reg || row.shape == Shape::negate;
    if (alu) CHECK_MESSAGE(instruction_class == (row.bits == 64 ? 7 : 4), row.name);
    const bool compares = row.shape == Shape::jump_imm || row.shape == Shape::jump_reg;
    if (compares) CHECK_MESSAGE(instruction_class == (row.bits == 64 ? 5 : 6), row.name);
    const bool by_register = row.shape == Shape::alu_reg || row.shape == Shape::jump_reg;
    if (alu || compares) CHECK_MESSAGE(((row.code & 8) != 0) == by_register, row.name);
    if (row.shape == Shape::load || row.shape == Shape::load_sx)
      CHECK_MESSAGE(instruction_class == 1, row.name);
    if (row.shape == Shape::load || row.shape == Shape::store_reg) {
      constexpr unsigned kBits[] = {32, 16, 8, 64};
      CHECK_MESSAGE(row.bits == kBits[row.code >> 3 & 3], row.name);
    }
  }
}

}  // namespace skep::isa
