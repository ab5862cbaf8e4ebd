// SPDX-License-Identifier: Apache-2.0
#include "tests/oracle/kernel_surroundings.h"

namespace skep::test {

namespace {

using isa::Action;
using isa::Insn;
using isa::OpId;
using isa::Shape;

constexpr unsigned kScalar = 2;
constexpr unsigned kOtherScalar = 3;
constexpr unsigned kPacket = 6;
constexpr std::int32_t kRoom = 4;    // instructions behind the one in question
constexpr std::int32_t kHelper = 7;  // bpf_get_prandom_u32: no arguments

Insn make(OpId id, unsigned dst, unsigned src, std::int16_t offset, std::int32_t imm) {
  Insn insn = blank(isa::op(id));
  insn.dst = static_cast<std::uint8_t>(dst);
  insn.src = static_cast<std::uint8_t>(src);
  insn.offset = offset;
  insn.imm = imm;
  return insn;
}

Insn suited(const isa::Op& row, int map) {
  Insn insn = blank(row);
  const isa::Fields used = isa::fields_of(row.shape);
  if (used.dst) insn.dst = kScalar;
  if (used.src) insn.src = kOtherScalar;
  if (used.imm) insn.imm = 1;
  switch (row.shape) {
    case Shape::load:
    case Shape::load_sx:
    case Shape::load_acquire:
      insn.src = isa::kFramePointer;
      insn.offset = -8;
      break;
    case Shape::store_imm:
    case Shape::store_reg:
    case Shape::store_release:
    case Shape::atomic:
    case Shape::atomic_fetch:
    case Shape::exchange:
    case Shape::compare_exchange:
      insn.dst = isa::kFramePointer;
      insn.offset = -8;
      break;
    case Shape::jump:
    case Shape::jump_imm:
    case Shape::jump_reg:
    case Shape::may_jump:
      insn.offset = 1;
      break;
    case Shape::call_local:
      insn.imm = kRoom + 1;
      break;
    case Shape::call_helper:
      insn.imm = kHelper;
      break;
    case Shape::packet_ind:
      insn.src = kScalar;
      break;
    case Shape::imm64:
      if (row.action == Action::map_fd || row.action == Action::map_value) insn.imm = map;
      if (row.action == Action::code_address) insn.imm = kRoom + 2;
      break;
    default:
      break;
  }
  return insn;
}

}  // namespace

Surroundings::Surroundings(const isa::Op& row, int map) {
  program_.push_back(make(OpId::mov64_reg, kPacket, 1, 0, 0));
  for (const unsigned reg : {0U, 1U, 2U, 3U, 4U, 5U, 7U, 8U, 9U})
    program_.push_back(make(OpId::mov64_imm, reg, 0, 0, 8));
  for (const std::int16_t slot : {std::int16_t{-8}, std::int16_t{-16}})
    program_.push_back(make(OpId::store64_imm, isa::kFramePointer, 0, slot, 0));
  // Never taken, so that what follows is reachable though the instruction does not go on.
  if (!isa::is_imm64(blank(row))) program_.push_back(make(OpId::jeq64_imm, kOtherScalar, 0, 1, 5));
  at_ = program_.size();
  program_.push_back(suited(row, map));
  if (row.shape == Shape::imm64) program_.push_back({});
  for (std::int32_t i = 0; i < kRoom; ++i) program_.push_back(make(OpId::mov64_imm, 0, 0, 0, 0));
  program_.push_back(blank(isa::op(OpId::exit)));
  program_.push_back(make(OpId::mov64_imm, 0, 0, 0, 0));
  program_.push_back(blank(isa::op(OpId::exit)));
  // A subprogram that nobody calls is refused.
  if (row.shape != Shape::call_local && row.action != Action::code_address)
    program_.resize(program_.size() - 2);
}

std::vector<std::uint32_t> Surroundings::functions() const {
  const auto size = static_cast<std::uint32_t>(program_.size());
  const isa::Op* row = isa::find_op(program_[at_]);
  const bool subprogram =
      row != nullptr && (row->shape == Shape::call_local || row->action == Action::code_address);
  return subprogram ? std::vector<std::uint32_t>{0, size - 2} : std::vector<std::uint32_t>{};
}

}  // namespace skep::test
