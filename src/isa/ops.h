// SPDX-License-Identifier: Apache-2.0
// The instruction table of ops.def as data, and the way from an instruction to its row.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "isa/insn.h"

namespace skep::isa {

enum class OpId : std::uint8_t {
#define SKEP_OP(id, ...) id,
#include "isa/ops.def"
#undef SKEP_OP
};

enum class Selector : std::uint8_t { none, src, offset, imm };

// Which operands an operation has; decides its text, its reserved fields and how it is executed.
enum class Shape : std::uint8_t {
  alu_imm,
  alu_reg,
  negate,
  space_cast,
  endian,
  jump,
  jump_long,
  may_jump,
  jump_imm,
  jump_reg,
  call_helper,
  call_local,
  call_kfunc,
  call_reg,
  exit,
  load,
  load_sx,
  store_imm,
  store_reg,
  atomic,
  atomic_fetch,
  exchange,
  compare_exchange,
  load_acquire,
  store_release,
  imm64,
  packet_abs,
  packet_ind,
};

enum class Action : std::uint8_t {
  // arithmetic
  add,
  sub,
  mul,
  div,
  sdiv,
  bit_or,
  bit_and,
  bit_xor,
  lsh,
  rsh,
  arsh,
  mod,
  smod,
  neg,
  mov,
  movsx8,
  movsx16,
  movsx32,
  cast,
  to_le,
  to_be,
  swap,
  // conditions
  always,
  eq,
  ne,
  gt,
  ge,
  lt,
  le,
  set,
  sgt,
  sge,
  slt,
  sle,
  // control, memory, atomics
  call,
  leave,
  move,
  xchg,
  cmpxchg,
  // what a 64-bit immediate stands for
  value,
  map_fd,
  map_value,
  variable,
  code_address,
  map_index,
  map_index_value,
};

// The first instruction set version of RFC 9669 that has it, or Linux alone.
enum class Since : std::uint8_t { v1, v2, v3, v4, linux_only };

struct Op {
  OpId id;
  std::string_view name;
  std::uint8_t code;
  Selector selector;
  std::int32_t selected;
  Shape shape;
  Action action;
  std::uint8_t bits;
  Since since;
};

inline constexpr auto kOps = std::to_array<Op>({
#define SKEP_OP(id, code, selector, selected, shape, action, bits, since)         \
  {OpId::id,       #id,  code,        Selector::selector, selected, Shape::shape, \
   Action::action, bits, Since::since},
#include "isa/ops.def"
#undef SKEP_OP
});

[[nodiscard]] constexpr const Op& op(OpId id) { return kOps[static_cast<std::size_t>(id)]; }

// The row of an instruction by opcode and selector alone; nullptr when there is none. Other fields
// are not looked at: check_insn does that.
[[nodiscard]] const Op* find_op(const Insn& insn);

// The row with this shape, action and width; nullptr when there is none.
[[nodiscard]] const Op* find_op(Shape shape, Action action, unsigned bits);

// The fields that hold an operand of the shape; a selector is not an operand. All others are
// reserved and must be zero.
struct Fields {
  bool dst = false;
  bool src = false;
  bool offset = false;
  bool imm = false;
};
[[nodiscard]] Fields fields_of(Shape shape);

// An instruction with opcode and selector of the row set and everything else zero.
[[nodiscard]] Insn blank(const Op& op);

}  // namespace skep::isa
