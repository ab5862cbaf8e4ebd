// SPDX-License-Identifier: Apache-2.0
// The code of each instruction for the fast interpreter, one function template a shape, compiled
// for each register it may name. Included by interpreter.cpp alone, after registers.h.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/cursor.h"
#include "engine/atomics.h"
#include "engine/interpreter_run.h"
#include "engine/semantics.h"

namespace skep::engine {

namespace {

using isa::Action;
using isa::OpId;
using isa::Shape;

#define NEXT()                  \
  do {                          \
    ++pc;                       \
    GO_TO pc->handler(PASS_ON); \
  } while (false)

#define LEAVE_WITH(why)                        \
  do {                                         \
    if (!run->over) run->ending = Ending::why; \
    GO_TO finish(PASS_ON);                     \
  } while (false)

// Places count from the next cell, so a distance also counts the jump itself.
#define GO()                                          \
  do {                                                \
    const std::int64_t distance = pc->operands.place; \
    run->slice += distance;                           \
    if (run->slice < 0) [[unlikely]]                  \
      GO_TO go_with_new_slice(PASS_ON);               \
    pc = step_by(pc, kCellBytes + distance);          \
    GO_TO pc->handler(PASS_ON);                       \
  } while (false)

#define ENTER_FRAME()                                    \
  do {                                                   \
    Frame* const frame = run->frame;                     \
    if (frame == run->last) LEAVE_WITH(too_deep);        \
    frame->back = pc + 1;                                \
    frame->saved = {READ(6), READ(7), READ(8), READ(9)}; \
    frame[1].turns = kMayGotoTurns;                      \
    run->frame = frame + 1;                              \
    run->r[isa::kFramePointer] += isa::kStackBytes;      \
  } while (false)

#define IMM static_cast<std::uint64_t>(std::int64_t{pc->operands.imm})
#define PLACE static_cast<std::uint64_t>(std::int64_t{pc->operands.place})

const Cell* step_by(const Cell* cell, std::int64_t bytes) {
  return reinterpret_cast<const Cell*>(reinterpret_cast<const std::byte*>(cell) + bytes);
}

template <unsigned kBits>
std::uint64_t load_at(std::uint64_t address) {
  return load<Unsigned<kBits>>(std::bit_cast<const void*>(address));
}

template <unsigned kBits>
std::uint64_t load_signed_at(std::uint64_t address) {
  using Signed = std::make_signed_t<Unsigned<kBits>>;
  return static_cast<std::uint64_t>(
      std::int64_t{load<Signed>(std::bit_cast<const void*>(address))});
}

template <unsigned kBits>
void store_at(std::uint64_t address, std::uint64_t value) {
  store(std::bit_cast<void*>(address), static_cast<Unsigned<kBits>>(value));
}

// The only handler that does not go on. What ended the run in a callback is not overwritten by the
// helper's caller, which comes here as well.
__attribute__((noinline)) void finish(STATE) {
  if (run->end != nullptr) return;
  TO_RUN();
  run->end = pc;
  run->over = true;
  if (run->left_with) run->r[0] = *run->left_with;
}

__attribute__((noinline)) void go_with_new_slice(STATE) {
  if (!run->refill()) GO_TO finish(PASS_ON);
  pc = step_by(pc, kCellBytes + pc->operands.place);
  GO_TO pc->handler(PASS_ON);
}

template <Action kAction, unsigned kBits, unsigned kDst>
void alu_imm(STATE) {
  WRITE(kDst, alu<kAction, kBits>(READ(kDst), IMM));
  NEXT();
}

template <Action kAction, unsigned kBits, unsigned kDst, unsigned kSrc>
void alu_reg(STATE) {
  WRITE(kDst, alu<kAction, kBits>(READ(kDst), READ(kSrc)));
  NEXT();
}

template <unsigned kBits, unsigned kDst>
void negation(STATE) {
  WRITE(kDst, negate<kBits>(READ(kDst)));
  NEXT();
}

template <Action kAction, unsigned kBits, unsigned kDst>
void endian(STATE) {
  WRITE(kDst, reorder<kAction, kBits>(READ(kDst)));
  NEXT();
}

template <unsigned kDst>
void imm64(STATE) {
  WRITE(kDst, pc->value);
  run->slice += kCellBytes;  // two cells, one instruction
  pc += 2;
  GO_TO pc->handler(PASS_ON);
}

void jump(STATE) { GO(); }

void may_jump(STATE) {
  if (run->take_turn()) NEXT();
  GO();
}

template <Action kAction, unsigned kBits, unsigned kDst>
void jump_imm(STATE) {
  if (compare<kAction, kBits>(READ(kDst), IMM)) GO();
  NEXT();
}

template <Action kAction, unsigned kBits, unsigned kDst, unsigned kSrc>
void jump_reg(STATE) {
  if (compare<kAction, kBits>(READ(kDst), READ(kSrc))) GO();
  NEXT();
}

template <unsigned kBits, unsigned kDst, unsigned kSrc>
void load_plain(STATE) {
  WRITE(kDst, load_at<kBits>(READ(kSrc) + PLACE));
  NEXT();
}

template <unsigned kBits, unsigned kDst, unsigned kSrc>
void load_sx(STATE) {
  WRITE(kDst, load_signed_at<kBits>(READ(kSrc) + PLACE));
  NEXT();
}

template <unsigned kBits, unsigned kDst>
void store_imm(STATE) {
  store_at<kBits>(READ(kDst) + PLACE, IMM);
  NEXT();
}

template <unsigned kBits, unsigned kDst, unsigned kSrc>
void store_reg(STATE) {
  store_at<kBits>(READ(kDst) + PLACE, READ(kSrc));
  NEXT();
}

#define CALL_OUT(function) (function)(READ(1), READ(2), READ(3), READ(4), READ(5), run->context)

void call_helper(STATE) {
  WRITE(0, CALL_OUT(std::bit_cast<HelperFunction>(pc->value)));
  NEXT();
}

// What may call back or leave looks at what has become of the run. A compare that a loop of helper
// calls would feel: so only where a callback or a kfunc makes it likely.
void call_and_look(STATE) {
  const std::uint64_t result = CALL_OUT(std::bit_cast<HelperFunction>(pc->value));
  if (run->over) GO_TO finish(PASS_ON);
  WRITE(0, result);
  NEXT();
}

void tail_call(STATE) {
  const Runnable* const target =
      std::bit_cast<TailCallFunction>(pc->value)(READ(1), READ(2), READ(3), run->context);
  if (target == nullptr) NEXT();
  if (!run->replace_program(*target, pc)) GO_TO finish(PASS_ON);
  pc = run->code->first();
  GO_TO pc->handler(PASS_ON);
}

// The first cell behind each program; tail calls out of subprograms end here.
void come_back(STATE) {
  pc = run->come_back(pc);
  GO_TO pc->handler(PASS_ON);
}

// The second: back to Run::call_back.
void end_callback(STATE) { TO_RUN(); }

void call_local(STATE) {
  ENTER_FRAME();
  GO();
}

void exit(STATE) {
  if (run->frame == run->home.entry()) LEAVE_WITH(exited);
  const Frame* const frame = --run->frame;
  WRITE(6, frame->saved[0]);
  WRITE(7, frame->saved[1]);
  WRITE(8, frame->saved[2]);
  WRITE(9, frame->saved[3]);
  run->r[isa::kFramePointer] -= isa::kStackBytes;
  run->slice += (frame->back - pc - 1) * kCellBytes;
  pc = frame->back;
  GO_TO pc->handler(PASS_ON);
}

void call_reg(STATE) {
  TO_RUN();
  const std::uint64_t callee = run->r[static_cast<std::size_t>(pc->operands.place)];
  const HelperFunction helper =
      callee <= UINT32_MAX ? run->code->calls.find_helper(static_cast<std::uint32_t>(callee))
                           : nullptr;
  if (helper != nullptr) {
    const std::uint64_t result = CALL_OUT(helper);
    if (run->over) GO_TO finish(PASS_ON);
    WRITE(0, result);
    NEXT();
  }
  run->callee = callee;
  const Cell* const target = run->code->subprogram(callee);
  if (target == nullptr) LEAVE_WITH(bad_call);
  ENTER_FRAME();
  run->slice += (target - pc - 1) * kCellBytes;
  if (run->slice < 0 && !run->refill()) GO_TO finish(PASS_ON);
  pc = target;
  GO_TO pc->handler(PASS_ON);
}

// kernel: a packet load that fails leaves the function with 0.
template <Shape kShape, unsigned kBits>
void load_from_packet(STATE) {
  auto offset = static_cast<std::uint32_t>(pc->operands.imm);
  if constexpr (kShape == Shape::packet_ind) {
    TO_RUN();
    offset += static_cast<std::uint32_t>(run->r[static_cast<std::size_t>(pc->operands.place)]);
  }
  WRITE(0, 0);
  const Packet* packet = run->input.packet;
  if (packet == nullptr) GO_TO exit(PASS_ON);
  const auto value = load_packet(*packet, static_cast<std::int32_t>(offset), kBits / 8);
  if (!value) GO_TO exit(PASS_ON);
  WRITE(0, *value);
  NEXT();
}

// Operations that programs hardly use, or that cost far more than the way through memory: one
// handler for all registers, which are in the cell.
constexpr bool is_rare(const isa::Op& row) {
  switch (row.shape) {
    case Shape::space_cast:
    case Shape::atomic:
    case Shape::atomic_fetch:
    case Shape::exchange:
    case Shape::compare_exchange:
    case Shape::load_acquire:
    case Shape::store_release:
      return true;
    case Shape::alu_reg:
      switch (row.action) {
        case Action::sdiv:
        case Action::smod:
        case Action::movsx8:
        case Action::movsx16:
          return true;
        case Action::div:
        case Action::mod:
          return row.bits == 32;
        default:
          return false;
      }
    default:
      return false;
  }
}

template <OpId kOp>
void execute_rare(Run& run, const Cell& cell) {
  constexpr isa::Op kRow = isa::op(kOp);
  using Word = Unsigned<kRow.bits>;
  const auto registers = static_cast<std::uint32_t>(cell.operands.imm);
  std::uint64_t& dst = run.r[registers & 0xff];
  std::uint64_t& src = run.r[registers >> 8];
  const auto offset = static_cast<std::uint64_t>(std::int64_t{cell.operands.place});
  if constexpr (kRow.shape == Shape::alu_reg) dst = alu<kRow.action, kRow.bits>(dst, src);
  if constexpr (kRow.shape == Shape::atomic) fetch_at<kRow.action, Word>(dst + offset, src);
  if constexpr (kRow.shape == Shape::atomic_fetch)
    src = fetch_at<kRow.action, Word>(dst + offset, src);
  if constexpr (kRow.shape == Shape::exchange) src = exchange_at<Word>(dst + offset, src);
  if constexpr (kRow.shape == Shape::compare_exchange)
    run.r[0] = compare_exchange_at<Word>(dst + offset, run.r[0], src);
  if constexpr (kRow.shape == Shape::load_acquire) dst = load_acquire_at<Word>(src + offset);
  if constexpr (kRow.shape == Shape::store_release) store_release_at<Word>(dst + offset, src);
  if constexpr (kRow.shape == Shape::space_cast) {
    const auto low = static_cast<std::uint32_t>(src);
    dst = low == 0 ? 0 : run.input.arena_base + low;
  }
}

template <OpId kOp>
void rare(STATE) {
  TO_RUN();
  execute_rare<kOp>(*run, *pc);
  FROM_RUN();
  NEXT();
}

// Two instructions in one handler, which saves the jump between them. The second keeps its own cell
// and handler for those who jump to it. Only pairs that compilers make of `a = b + 1` and of loops:
// docs/bench.md has what each is worth.
template <Action kAction, unsigned kBits, unsigned kDst, unsigned kSrc>
void move_and_alu_imm(STATE) {
  ++pc;
  WRITE(kDst, alu<kAction, kBits>(READ(kSrc), IMM));
  NEXT();
}

template <unsigned kDst, unsigned kOther>
void add_and_add(STATE) {
  WRITE(kDst, READ(kDst) + IMM);
  ++pc;
  WRITE(kOther, READ(kOther) + IMM);
  NEXT();
}

// The end of most loops.
template <Action kAction, unsigned kDst, unsigned kSrc>
void add_and_jump(STATE) {
  WRITE(kDst, READ(kDst) + IMM);
  ++pc;
  if (compare<kAction, 64>(READ(kDst), READ(kSrc))) GO();
  NEXT();
}

}  // namespace

}  // namespace skep::engine
