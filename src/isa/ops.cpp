// SPDX-License-Identifier: Apache-2.0
#include "isa/ops.h"

namespace skep::isa {

namespace {

constexpr std::uint8_t kNone = 0xff;
static_assert(kOps.size() < kNone);

// Rows of one opcode form a chain: `first` by opcode, then `next` by row.
struct Index {
  std::array<std::uint8_t, 256> first;
  std::array<std::uint8_t, kOps.size()> next;
};

constexpr Index make_index() {
  Index index{};
  index.first.fill(kNone);
  for (std::size_t i = kOps.size(); i-- > 0;) {
    index.next[i] = index.first[kOps[i].code];
    index.first[kOps[i].code] = static_cast<std::uint8_t>(i);
  }
  return index;
}

constexpr Index kIndex = make_index();

// Two rows that no field tells apart would make decoding a matter of luck.
constexpr bool rows_are_distinct() {
  for (const Op& a : kOps)
    for (const Op& b : kOps)
      if (a.id != b.id && a.code == b.code &&
          (a.selector != b.selector || a.selector == Selector::none || a.selected == b.selected))
        return false;
  return true;
}
static_assert(rows_are_distinct());

constexpr bool shapes_are_distinct() {
  for (const Op& a : kOps)
    for (const Op& b : kOps)
      if (a.id != b.id && a.shape == b.shape && a.action == b.action && a.bits == b.bits)
        return false;
  return true;
}
static_assert(shapes_are_distinct());

bool selected(const Op& row, const Insn& insn) {
  switch (row.selector) {
    case Selector::none:
      return true;
    case Selector::src:
      return insn.src == row.selected;
    case Selector::offset:
      return insn.offset == row.selected;
    case Selector::imm:
      return insn.imm == row.selected;
  }
  return false;
}

}  // namespace

const Op* find_op(const Insn& insn) {
  for (std::uint8_t i = kIndex.first[insn.code]; i != kNone; i = kIndex.next[i])
    if (selected(kOps[i], insn)) return &kOps[i];
  return nullptr;
}

const Op* find_op(Shape shape, Action action, unsigned bits) {
  for (const Op& row : kOps)
    if (row.shape == shape && row.action == action && row.bits == bits) return &row;
  return nullptr;
}

Fields fields_of(Shape shape) {
  switch (shape) {
    case Shape::exit:
      return {};
    case Shape::negate:
    case Shape::endian:
    case Shape::call_reg:
      return {.dst = true};
    case Shape::jump:
    case Shape::may_jump:
      return {.offset = true};
    case Shape::jump_long:
    case Shape::call_helper:
    case Shape::call_local:
    case Shape::packet_abs:
      return {.imm = true};
    case Shape::packet_ind:
      return {.src = true, .imm = true};
    case Shape::call_kfunc:
      return {.offset = true, .imm = true};
    case Shape::alu_imm:
    case Shape::imm64:
      return {.dst = true, .imm = true};
    case Shape::alu_reg:
      return {.dst = true, .src = true};
    case Shape::space_cast:
      return {.dst = true, .src = true, .imm = true};
    case Shape::jump_imm:
    case Shape::store_imm:
      return {.dst = true, .offset = true, .imm = true};
    case Shape::jump_reg:
    case Shape::load:
    case Shape::load_sx:
    case Shape::store_reg:
    case Shape::atomic:
    case Shape::atomic_fetch:
    case Shape::exchange:
    case Shape::compare_exchange:
    case Shape::load_acquire:
    case Shape::store_release:
      return {.dst = true, .src = true, .offset = true};
  }
  return {};
}

Insn blank(const Op& row) {
  Insn insn{.code = row.code};
  switch (row.selector) {
    case Selector::none:
      break;
    case Selector::src:
      insn.src = static_cast<std::uint8_t>(row.selected & 15);
      break;
    case Selector::offset:
      insn.offset = static_cast<std::int16_t>(row.selected);
      break;
    case Selector::imm:
      insn.imm = row.selected;
      break;
  }
  return insn;
}

}  // namespace skep::isa
