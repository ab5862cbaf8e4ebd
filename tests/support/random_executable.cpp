// SPDX-License-Identifier: Apache-2.0
// Executable random programs. r9 is the memory and r10 the frame; r8 and r7 count loops. All others
// hold data, never an address between two items, so that engines with stacks in different places
// must agree about everything. Jumps go forward to the start of an item in the same block.
#include <algorithm>
#include <limits>

#include "tests/support/random_program.h"

namespace skep::test {

namespace {

using isa::Action;
using isa::Insn;
using isa::Op;
using isa::Program;
using isa::Shape;

constexpr unsigned kMemory = 9;
constexpr unsigned kScratch = 6;    // for addresses inside one item
constexpr std::int32_t kSlots = 4;  // of 8 bytes below r10 that each function fills at once
constexpr std::uint32_t kMostFunctions = 4;

using Rows = std::vector<const Op*>;

Rows rows_of(std::initializer_list<Shape> shapes) {
  Rows rows;
  for (const Op& row : isa::kOps)
    if (std::ranges::find(shapes, row.shape) != shapes.end()) rows.push_back(&row);
  return rows;
}

struct Tables {
  Rows alu = rows_of({Shape::alu_imm, Shape::alu_reg, Shape::negate, Shape::endian});
  Rows jumps = rows_of({Shape::jump_imm, Shape::jump_reg});
  Rows gotos = rows_of({Shape::jump, Shape::jump_long, Shape::may_jump});
  Rows plain = rows_of({Shape::load, Shape::load_sx, Shape::store_imm, Shape::store_reg});
  Rows atomics = rows_of({Shape::atomic, Shape::atomic_fetch, Shape::exchange,
                          Shape::compare_exchange, Shape::load_acquire, Shape::store_release});
  Rows packets = rows_of({Shape::packet_abs, Shape::packet_ind});
};

const Tables& tables() {
  static const Tables kTables;
  return kTables;
}

class Generator {
 public:
  Generator(Random& random, Program& out) : random_(random), out_(out) {}
  void generate();

 private:
  struct Pending {
    std::size_t at;
    std::uint32_t items;  // that it jumps over
  };
  struct Call {
    std::size_t at;
    std::uint32_t callee;
  };

  void function(std::uint32_t self);
  void block(std::uint32_t items, unsigned loops);
  void item(unsigned loops);
  void loop(unsigned loops);
  void alu();
  void branch();
  void leave_early();
  void access();
  void access_far();
  void deep_stack();
  void arena();
  void memory_insn(const Op& row, unsigned base, std::int32_t place);
  void call_outside();
  void call_inside();
  void call_function(std::uint32_t callee);
  void read_packet();
  void constant(unsigned reg);
  void clobbered() {
    for (unsigned reg = 1; reg <= 5; ++reg) constant(reg);
  }
  void patch(std::size_t from, bool all);

  void emit(isa::OpId id, unsigned dst = 0, unsigned src = 0, std::int32_t offset = 0,
            std::int64_t imm = 0);
  unsigned data() { return random_.below(9); }
  // r1 to r5 and r0 are always free, the counters of running loops never.
  unsigned target() { return random_.below(9 - looping_); }
  const Op& row(const Rows& rows) { return *random_.one_of(rows); }

  Random& random_;
  Program& out_;
  std::uint32_t functions_ = 1;
  std::uint32_t self_ = 0;
  unsigned looping_ = 0;
  std::vector<Pending> pending_;
  std::vector<Call> calls_;
};

void Generator::emit(isa::OpId id, unsigned dst, unsigned src, std::int32_t offset,
                     std::int64_t imm) {
  Insn insn = blank(isa::op(id));
  if (dst != 0) insn.dst = static_cast<std::uint8_t>(dst);
  if (src != 0) insn.src = static_cast<std::uint8_t>(src);
  if (offset != 0) insn.offset = static_cast<std::int16_t>(offset);
  if (imm != 0) insn.imm = static_cast<std::int32_t>(imm);
  out_.push_back(insn);
  if (isa::is_imm64(insn)) out_.push_back({.imm = static_cast<std::int32_t>(imm >> 32)});
}

void Generator::constant(unsigned reg) {
  if (random_.one_in(4))
    emit(isa::OpId::imm64_value, reg, 0, 0, static_cast<std::int64_t>(random_.value()));
  else
    emit(isa::OpId::mov64_imm, reg, 0, 0, random_.imm());
}

void Generator::alu() {
  const Op& chosen = row(tables().alu);
  Insn insn = blank(chosen);
  insn.dst = static_cast<std::uint8_t>(target());
  const isa::Fields used = isa::fields_of(chosen.shape);
  if (used.src) insn.src = static_cast<std::uint8_t>(data());
  if (used.imm) insn.imm = random_.imm();
  out_.push_back(insn);
}

void Generator::branch() {
  const Op& chosen = row(random_.one_in(4) ? tables().gotos : tables().jumps);
  Insn insn = blank(chosen);
  const isa::Fields used = isa::fields_of(chosen.shape);
  if (used.dst) insn.dst = static_cast<std::uint8_t>(data());
  if (used.src) insn.src = static_cast<std::uint8_t>(data());
  if (chosen.shape == Shape::jump_imm) insn.imm = random_.imm();
  pending_.push_back({out_.size(), random_.below(4)});
  out_.push_back(insn);
}

void Generator::leave_early() {
  Insn insn = blank(row(tables().jumps));
  insn.dst = static_cast<std::uint8_t>(data());
  insn.offset = 1;
  out_.push_back(insn);
  emit(isa::OpId::exit);
}

// `place` counts from the base and has room for the width of the row.
void Generator::memory_insn(const Op& row, unsigned base, std::int32_t place) {
  Insn insn = blank(row);
  insn.offset = static_cast<std::int16_t>(place);
  const bool loads =
      row.shape == Shape::load || row.shape == Shape::load_sx || row.shape == Shape::load_acquire;
  const bool replaces = row.shape == Shape::atomic_fetch || row.shape == Shape::exchange;
  insn.dst = static_cast<std::uint8_t>(loads ? target() : base);
  insn.src = static_cast<std::uint8_t>(loads ? base : replaces ? target() : data());
  // An address must not get into the memory.
  if (!loads && insn.src == base) insn.src = 0;
  if (row.shape == Shape::store_imm) {
    insn.src = 0;
    insn.imm = random_.imm();
  }
  out_.push_back(insn);
}

void Generator::access() {
  const bool plain = !random_.one_in(3);
  const Op& chosen = row(plain ? tables().plain : tables().atomics);
  const std::int32_t width = chosen.bits / 8;
  const bool stack = random_.one_in(3);
  const std::int32_t room = stack ? kSlots * 8 : static_cast<std::int32_t>(kDataBytes);
  std::int32_t place =
      static_cast<std::int32_t>(random_.below(static_cast<std::uint32_t>(room - width + 1)));
  if (!plain) place -= place % width;
  memory_insn(chosen, stack ? isa::kFramePointer : kMemory, stack ? place - room : place);
}

// The same place by an address that was moved away and an offset that leads back.
void Generator::access_far() {
  const Op& chosen = row(random_.one_in(2) ? tables().plain : tables().atomics);
  const bool stack = random_.one_in(2);
  const std::int32_t away = random_.offset();
  const std::int32_t place = 8 * static_cast<std::int32_t>(random_.below(4)) - (stack ? 32 : 0);
  if (place - away < std::numeric_limits<std::int16_t>::min() ||
      place - away > std::numeric_limits<std::int16_t>::max())
    return alu();
  emit(isa::OpId::mov64_reg, kScratch, stack ? isa::kFramePointer : kMemory);
  emit(isa::OpId::add64_imm, kScratch, 0, 0, away);
  memory_insn(chosen, kScratch, place - away);
  constant(kScratch);
}

// Anywhere in the frame: written, then read.
void Generator::deep_stack() {
  const std::int32_t place = -static_cast<std::int32_t>(8 + random_.below(isa::kStackBytes - 7));
  emit(isa::OpId::store64_reg, isa::kFramePointer, data(), place);
  const Op& chosen = row(tables().plain);
  const std::int32_t width = chosen.bits / 8;
  memory_insn(
      chosen, isa::kFramePointer,
      place + static_cast<std::int32_t>(random_.below(static_cast<std::uint32_t>(9 - width))));
}

// The arena begins below the memory, so that offset 8 in it is the memory's first byte.
void Generator::arena() {
  const bool use = !random_.one_in(4);  // address 0 stays 0
  emit(isa::OpId::imm64_value, kScratch, 0, 0, (random_.imm() * (1LL << 32)) + (use ? 8 : 0));
  emit(isa::OpId::addr_space_cast, kScratch, kScratch, 0, random_.one_in(2) ? 1 : 0x10000);
  if (!use) return;
  memory_insn(row(tables().plain), kScratch,
              static_cast<std::int32_t>(random_.below(kDataBytes - 7)));
  constant(kScratch);
}

void Generator::call_outside() {
  const auto number = static_cast<std::int32_t>(1 + random_.below(3));
  switch (random_.below(3)) {
    case 0:
      emit(isa::OpId::call_helper, 0, 0, 0, number);
      break;
    case 1:
      emit(isa::OpId::call_kfunc, 0, 0, random_.offset(), number);
      break;
    default:
      emit(isa::OpId::mov64_imm, kScratch, 0, 0, number);
      emit(isa::OpId::callx, kScratch);
      break;
  }
  clobbered();
}

// r1 is the memory, r5 a place in the caller's stack, the others data.
void Generator::call_inside() {
  const std::uint32_t first = random_.one_in(40) ? self_ : self_ + 1;
  if (first >= functions_) return alu();
  const std::uint32_t callee = first + random_.below(functions_ - first);
  if (callee == 0) return alu();
  call_function(callee);
}

void Generator::call_function(std::uint32_t callee) {
  emit(isa::OpId::mov64_reg, 1, kMemory);
  emit(isa::OpId::mov64_reg, 5, isa::kFramePointer);
  emit(isa::OpId::add64_imm, 5, 0, 0, -8 * static_cast<std::int32_t>(1 + random_.below(kSlots)));
  calls_.push_back({out_.size(), callee});
  if (random_.one_in(3)) {
    emit(isa::OpId::imm64_code_address, kScratch);
    emit(isa::OpId::callx, kScratch);
    constant(kScratch);
  } else {
    emit(isa::OpId::call_local);
  }
  clobbered();
}

void Generator::read_packet() {
  const Op& chosen = row(tables().packets);
  Insn insn = blank(chosen);
  const std::int32_t place =
      random_.one_in(8)   ? random_.imm()
      : random_.one_in(4) ? engine::kNetworkBase * static_cast<std::int32_t>(1 + random_.below(2))
                          : static_cast<std::int32_t>(random_.below(kPacketBytes - 3));
  insn.imm = place;
  if (chosen.shape == Shape::packet_ind) {
    const std::int32_t base = random_.one_in(2) ? random_.imm() : 0;
    emit(isa::OpId::mov64_imm, kScratch, 0, 0, base);
    insn.src = kScratch;
    insn.imm = static_cast<std::int32_t>(static_cast<std::uint32_t>(place) -
                                         static_cast<std::uint32_t>(base));
  }
  out_.push_back(insn);
  clobbered();
}

void Generator::loop(unsigned loops) {
  const unsigned counter = 8 - looping_;
  const auto turns = static_cast<std::int32_t>(1 + random_.below(self_ == 0 ? 4 : 2));
  emit(isa::OpId::mov64_imm, counter, 0, 0, turns);
  ++looping_;
  const std::size_t head = out_.size();
  block(1 + random_.below(4), loops);
  --looping_;
  emit(isa::OpId::add64_imm, counter, 0, 0, -1);
  const auto distance =
      static_cast<std::int32_t>(head) - static_cast<std::int32_t>(out_.size()) - 1;
  if (random_.one_in(2))
    emit(isa::OpId::jne64_imm, counter, 0, distance, 0);
  else
    emit(isa::OpId::jsgt32_imm, counter, 0, distance, 0);
}

void Generator::item(unsigned loops) {
  const std::uint32_t kind = random_.below(32);
  if (kind < 11) return alu();
  if (kind < 17) return access();
  if (kind < 22) return branch();
  if (kind == 22) return access_far();
  if (kind == 23) return deep_stack();
  if (kind == 24) return arena();
  if (kind == 25) return call_outside();
  if (kind == 26) return random_.one_in(3) ? read_packet() : alu();
  if (kind == 27) return random_.one_in(3) ? leave_early() : alu();
  if (kind == 28 && loops > 0) return loop(loops - 1);
  if (kind == 29 || kind == 30) return call_inside();
  constant(target());
}

// Lets jumps land here: those that have skipped enough, or all.
void Generator::patch(std::size_t from, bool all) {
  for (std::size_t i = from; i < pending_.size();) {
    Pending& jump = pending_[i];
    if (!all && jump.items-- > 0) {
      ++i;
      continue;
    }
    Insn& insn = out_[jump.at];
    const auto distance = static_cast<std::int32_t>(out_.size() - jump.at) - 1;
    if (isa::find_op(insn)->shape == Shape::jump_long)
      insn.imm = distance;
    else
      insn.offset = static_cast<std::int16_t>(distance);
    jump = pending_.back();
    pending_.pop_back();
  }
}

void Generator::block(std::uint32_t items, unsigned loops) {
  const std::size_t from = pending_.size();
  for (std::uint32_t i = 0; i < items; ++i) {
    patch(from, false);
    item(loops);
  }
  patch(from, true);
}

void Generator::function(std::uint32_t self) {
  self_ = self;
  for (const Call& call : calls_) {
    if (call.callee != self) continue;
    out_[call.at].imm = static_cast<std::int32_t>(out_.size() - call.at) - 1;
  }
  // A call back to here is known at once, one further down when its function begins.
  const std::size_t begin = out_.size();
  emit(isa::OpId::mov64_reg, kMemory, 1);
  if (self != 0) {
    emit(isa::OpId::atomic_add64, 5, 3);
    emit(isa::OpId::load64, 4, 5);
    constant(5);
  } else {
    for (unsigned reg = 2; reg <= 5; ++reg) constant(reg);
  }
  emit(isa::OpId::mov64_imm, 0, 0, 0, random_.imm());
  emit(isa::OpId::load64, 1, kMemory, static_cast<std::int32_t>(random_.below(kDataBytes - 7)));
  for (unsigned reg = 6; reg <= 8; ++reg)
    emit(isa::OpId::load64, reg, kMemory, static_cast<std::int32_t>(random_.below(kDataBytes - 7)));
  for (std::int32_t slot = 1; slot <= kSlots; ++slot)
    emit(isa::OpId::store64_reg, isa::kFramePointer, data(), -8 * slot);
  block(self == 0 ? 2 + random_.below(12) : 1 + random_.below(5), self == 0 ? 2 : 1);
  if (functions_ > kMostFunctions && self + 1 < functions_) call_function(self + 1);
  if (self == 0)
    for (unsigned reg = 0; reg <= 8; ++reg)
      emit(isa::OpId::store64_reg, kMemory, reg,
           static_cast<std::int32_t>(kDataBytes) + 8 * static_cast<std::int32_t>(reg));
  emit(isa::OpId::exit);
  for (const Call& call : calls_)
    if (call.callee == self && call.at >= begin)
      out_[call.at].imm = static_cast<std::int32_t>(begin) - static_cast<std::int32_t>(call.at) - 1;
}

void Generator::generate() {
  out_.clear();
  functions_ = random_.one_in(2) ? 1 : 1 + random_.below(kMostFunctions);
  if (random_.one_in(64)) functions_ = 9;  // deeper than allowed, when each calls the next
  for (std::uint32_t self = 0; self < functions_; ++self) function(self);
}

}  // namespace

void random_executable(Random& random, Program& out) { Generator(random, out).generate(); }

}  // namespace skep::test
