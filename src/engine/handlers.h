// SPDX-License-Identifier: Apache-2.0
// The code of each instruction for the fast interpreter, one function template a shape, compiled
// for each register it may name. Included by interpreter.cpp alone, after registers.h.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/cursor.h"
#include "engine/atomics.h"
#include "engine/load.h"
#include "engine/semantics.h"

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define SKEP_MEMORY_SANITIZER
#endif
#endif

namespace skep::engine {

namespace {

// An instruction as the handlers want it. What its registers are is part of the handler.
struct Cell {
  struct Operands {
    std::int32_t imm;
    // Of memory an offset; of a jump the distance from the next cell, in bytes; of callx and packet
    // loads a register.
    std::int32_t place;
  };
  Handler handler;
  union {
    Operands operands;
    std::uint64_t value;  // of a 64-bit immediate; the address of a helper
  };
};
static_assert(sizeof(Cell) == 16);

using isa::Action;
using isa::OpId;
using isa::Shape;

constexpr auto kCellBytes = static_cast<std::int64_t>(sizeof(Cell));

// A stack is not cleared for each run, and a program may read what it has not written. That is its
// own business, so MSan must not think that it is ours.
#if defined(SKEP_MEMORY_SANITIZER)
#define SKEP_MARK_AS_WRITTEN(array) __msan_unpoison((array).data(), (array).size())
#else
#define SKEP_MARK_AS_WRITTEN(array) static_cast<void>(0)
#endif

// How often the stop flag is looked at, in instructions.
constexpr std::uint64_t kSlice = 1 << 16;

struct Frame {
  const Cell* back;
  std::array<std::uint64_t, 4> saved;  // r6 to r9
  std::uint32_t turns;                 // of may_goto
};

// The rest of a run: what does not change with every instruction.
struct Run {
  explicit Run(const Input& from, const Calls& callable, const Cell* program)
      : input(from), calls(callable), first(program), left(from.budget) {
    r[1] = input.r1;
    r[2] = input.r2;
    r[isa::kFramePointer] = std::bit_cast<std::uint64_t>(stack.data()) + isa::kStackBytes;
    frames[0].turns = kMayGotoTurns;
    SKEP_MARK_AS_WRITTEN(stack);
  }

  std::array<std::uint64_t, isa::kRegisters> r{};  // all are here at the ends, r10 always
  // Instructions that may yet be executed, times kCellBytes, as of the last jump taken: a jump adds
  // its distance, which is negative when it goes back, and so pays for what lies in between.
  std::int64_t slice = 0;
  const Input& input;
  const Calls& calls;
  const Cell* first;
  const Cell* end = nullptr;  // where it ended
  Ending ending = Ending::exited;
  std::uint64_t callee = 0;
  std::uint64_t left;
  std::array<Frame, isa::kMaxCallDepth> frames;
  Frame* frame = frames.data();  // of the function that runs; its caller's is the one before
  alignas(16) std::array<std::byte, isa::kMaxCallDepth * isa::kStackBytes> stack;

  // Brings a spent slice back above zero from the budget; false when the run is over.
  bool refill() {
    do {
      if (input.stop != nullptr && input.stop->load(std::memory_order_relaxed)) {
        ending = Ending::stopped;
        return false;
      }
      if (left == 0) {
        ending = Ending::out_of_budget;
        return false;
      }
      const std::uint64_t granted = std::min(left, kSlice);
      left -= granted;
      slice += static_cast<std::int64_t>(granted) * kCellBytes;
    } while (slice < 0);
    return true;
  }

  // May_goto falls through this often in one frame, then jumps.
  bool take_turn() {
    std::uint32_t& turns = frame->turns;
    if (turns == 0) return false;
    --turns;
    return true;
  }
};

#define NEXT()                  \
  do {                          \
    ++pc;                       \
    GO_TO pc->handler(PASS_ON); \
  } while (false)

#define LEAVE_WITH(why)        \
  do {                         \
    run->ending = Ending::why; \
    GO_TO finish(PASS_ON);     \
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

#define ENTER_FRAME()                                       \
  do {                                                      \
    Frame* const frame = run->frame;                        \
    if (frame == &run->frames.back()) LEAVE_WITH(too_deep); \
    frame->back = pc + 1;                                   \
    frame->saved = {READ(6), READ(7), READ(8), READ(9)};    \
    frame[1].turns = kMayGotoTurns;                         \
    run->frame = frame + 1;                                 \
    run->r[isa::kFramePointer] += isa::kStackBytes;         \
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

// The only handler that does not go on.
void finish(STATE) {
  TO_RUN();
  run->end = pc;
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

void call_helper(STATE) {
  WRITE(0, std::bit_cast<HelperFunction>(pc->value)(READ(1), READ(2), READ(3), READ(4), READ(5),
                                                    run->input.context));
  NEXT();
}

void call_local(STATE) {
  ENTER_FRAME();
  GO();
}

void exit(STATE) {
  if (run->frame == run->frames.data()) LEAVE_WITH(exited);
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
  const HelperFunction helper = run->calls.helper != nullptr && callee <= UINT32_MAX
                                    ? run->calls.helper(static_cast<std::uint32_t>(callee))
                                    : nullptr;
  if (helper != nullptr) {
    WRITE(0, helper(READ(1), READ(2), READ(3), READ(4), READ(5), run->input.context));
    NEXT();
  }
  run->callee = callee;
  if ((callee & kCodeAddressMask) != kCodeAddress) LEAVE_WITH(bad_call);
  ENTER_FRAME();
  const Cell* target = run->first + static_cast<std::uint32_t>(callee);
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
