// SPDX-License-Identifier: Apache-2.0
// A run of the fast interpreter: its frames, its budget, and how it goes from one program into
// another and back. Included by interpreter.cpp alone, after registers.h. What handlers need with
// each instruction stands in Run itself; calls between programs are rare and pay for themselves.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "engine/load.h"

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

constexpr auto kCellBytes = static_cast<std::int64_t>(sizeof(Cell));

// How often the stop flag is looked at, in instructions.
constexpr std::uint64_t kSlice = 1 << 16;

// A loaded program. Behind its instructions stand two cells that a frame can return to instead of
// its caller, so that returning from a local call costs nothing for their sake.
struct Code {
  std::vector<Cell> cells;
  std::vector<std::uint32_t> subprograms;
  Calls calls;
  const Runnable* owner;

  [[nodiscard]] const Cell* first() const { return cells.data(); }
  [[nodiscard]] const Cell* come_back() const { return &cells[cells.size() - 2]; }
  [[nodiscard]] const Cell* end_callback() const { return &cells.back(); }
  [[nodiscard]] const Cell* subprogram(std::uint64_t code_address) const {
    const auto place = find_subprogram(subprograms, code_address);
    return place ? &cells[*place] : nullptr;
  }
};

struct Frame {
  const Cell* back;
  std::array<std::uint64_t, 4> saved;  // r6 to r9
  std::uint32_t turns;                 // of may_goto
};

// A stack is not cleared for each run, and a program may read what it has not written. That is its
// own business, so MSan must not think that it is ours.
#if defined(SKEP_MEMORY_SANITIZER)
#define SKEP_MARK_AS_WRITTEN(array) __msan_unpoison((array).data(), (array).size())
#else
#define SKEP_MARK_AS_WRITTEN(array) static_cast<void>(0)
#endif

// The frames that one program may have. The first stands for what the program returns to.
struct Room {
  std::array<Frame, isa::kMaxCallDepth + 1> frames;
  alignas(16) std::array<std::byte, isa::kMaxCallDepth * isa::kStackBytes> stack;

  Room() { SKEP_MARK_AS_WRITTEN(stack); }
  Frame* entry() { return &frames[1]; }
  [[nodiscard]] std::uint64_t entry_top() const {
    return std::bit_cast<std::uint64_t>(stack.data()) + isa::kStackBytes;
  }
};

// A tail call out of a subprogram: where its target returns to. The target has a room of its own,
// because it may have eight frames, however many its caller has.
struct Detour {
  std::unique_ptr<Detour> outer;
  unsigned depth = 1;
  const Code* code = nullptr;
  const Cell* back = nullptr;
  Frame* frame = nullptr;
  Frame* last = nullptr;
  std::uint64_t frame_pointer = 0;
  Room room;
};

struct Run final : Running {
  Run(const Input& from, const Code& program)
      : context(from.context), input(from), code(&program), left(from.budget) {
    frame = home.entry();
    last = &home.frames.back();
    r[isa::kFramePointer] = home.entry_top();
    frame->turns = kMayGotoTurns;
  }

  // Instructions that may yet be executed, times kCellBytes, as of the last jump taken: a jump adds
  // its distance, which is negative when it goes back, and so pays for what lies in between. So
  // what is left is this less the place in the program, and where programs or callbacks change, the
  // places must be exchanged.
  std::int64_t slice = 0;
  Frame* frame;         // of the function that runs; its caller's is the one before
  Frame* last;          // that the program may reach
  void* const context;  // of the Input, at hand for helpers
  const Input& input;
  const Code* code;   // of the program that runs
  bool over = false;  // looked at when a helper returns
  Ending ending = Ending::exited;
  std::array<std::uint64_t, isa::kRegisters> r{};  // all are here at the ends, r10 always
  const Cell* end = nullptr;                       // where it ended
  std::uint64_t callee = 0;
  std::optional<std::uint64_t> left_with{};  // r0, when a helper ended it
  std::uint64_t left;
  std::unique_ptr<Detour> detour;
  Room home;

  // Brings a spent slice back above zero from the budget; false when the run is over.
  bool refill() {
    if (over) return false;
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

  [[nodiscard]] Outcome outcome() const {
    return {.ending = ending,
            .r0 = r[0],
            .at = end == nullptr ? 0 : static_cast<std::size_t>(end - code->first()),
            .callee = callee,
            .program = code->owner};
  }

  std::optional<std::uint64_t> call_back(std::uint64_t code_address,
                                         const Arguments& arguments) override;
  void leave(std::uint64_t with) override {
    if (over) return;
    left_with = with;
    end_soon(Ending::exited);
  }
  [[nodiscard]] const Runnable& program() const override { return *code->owner; }

  bool replace_program(const Runnable& target, const Cell* at);
  const Cell* come_back(const Cell* at);

 private:
  // The handler that called the helper looks at `over`, or the next that jumps asks for a refill.
  void end_soon(Ending why) {
    ending = why;
    over = true;
    slice = std::numeric_limits<std::int64_t>::min() / 2;
  }
  bool may_call_back(const Cell* target, std::uint64_t code_address);
  bool take_detour(const Code& target);
};

// The one caller of a handler that is none itself.
void start(Run* run, const Cell* from);

bool Run::may_call_back(const Cell* target, std::uint64_t code_address) {
  if (over) return false;
  callee = code_address;
  if (target == nullptr)
    end_soon(Ending::bad_callback);
  else if (frame == last)
    end_soon(Ending::too_deep);
  else if (slice < 0 && !refill())
    end_soon(ending);
  return !over;
}

// Nested: the outer program's handler waits below in the call of its helper, and goes on with what
// it kept in registers and on the stack. Its frames stay where they are.
std::optional<std::uint64_t> Run::call_back(std::uint64_t code_address,
                                            const Arguments& arguments) {
  const Cell* const target = code->subprogram(code_address);
  if (!may_call_back(target, code_address)) return std::nullopt;
  const auto kept = r;
  r = {};
  std::ranges::copy(arguments, &r[1]);
  r[isa::kFramePointer] = kept[isa::kFramePointer] + isa::kStackBytes;
  frame->back = code->end_callback();
  frame->saved = {};
  ++frame;
  frame->turns = kMayGotoTurns;
  start(this, target);
  if (over) {
    end_soon(ending);
    return std::nullopt;
  }
  slice -= (code->end_callback() - target) * kCellBytes;
  const std::uint64_t result = r[0];
  r = kept;
  return result;
}

bool Run::take_detour(const Code& target) {
  const unsigned depth = detour == nullptr ? 1 : detour->depth + 1;
  if (depth > kMaxDetours) {
    ending = Ending::too_deep;
    return false;
  }
  auto next = std::make_unique_for_overwrite<Detour>();
  next->depth = depth;
  next->code = code;
  next->frame = frame - 1;
  next->back = next->frame->back;
  next->last = last;
  next->frame_pointer = r[isa::kFramePointer] - isa::kStackBytes;
  next->room.frames[0] = {.back = target.come_back(), .saved = next->frame->saved, .turns = 0};
  next->outer = std::move(detour);
  detour = std::move(next);
  frame = detour->room.entry();
  last = &detour->room.frames.back();
  r[isa::kFramePointer] = detour->room.entry_top();
  return true;
}

// Ends a detour: goes on behind the call of the subprogram that the program had replaced.
const Cell* Run::come_back(const Cell* at) {
  const Cell* const back = detour->back;
  slice += ((back - detour->code->first()) - (at - code->first())) * kCellBytes;
  code = detour->code;
  frame = detour->frame;
  last = detour->last;
  r[isa::kFramePointer] = detour->frame_pointer;
  detour = std::move(detour->outer);
  return back;
}

}  // namespace

}  // namespace skep::engine
