// SPDX-License-Identifier: Apache-2.0
#include "engine/interpreter.h"

#include <algorithm>
#include <array>

#include "base/cursor.h"
#include "engine/atomics.h"
#include "engine/load.h"
#include "engine/semantics.h"

// Labels as values are what makes the threading direct; both compilers have them.
#pragma GCC diagnostic ignored "-Wpedantic"

namespace skep::engine {

namespace {

using isa::Action;
using isa::OpId;
using isa::Shape;

// How often the stop flag is looked at, in instructions.
constexpr std::int64_t kSlice = 1 << 16;

struct Frame {
  const Step* back;
  std::array<std::uint64_t, 4> saved;  // r6 to r9
  std::uint32_t turns;                 // of may_goto
};

// For each operation the code of a step that goes on or forward, and of one that goes back.
struct Handlers {
  std::array<const void*, isa::kOps.size()> forward;
  std::array<const void*, isa::kOps.size()> back;
};

// The rare side of a run: frames, budget, stop flag. Out of line, so that the loop stays small.
class Control {
 public:
  explicit Control(const Input& input) : input_(input), left_(input.budget) {}

  std::uint64_t stack_top() { return std::bit_cast<std::uint64_t>(stack_.data()) + isa::kStackBytes; }

  // Brings a spent slice back above zero from the budget; false when the run is over.
  bool refill(std::int64_t& slice) {
    do {
      if (input_.stop != nullptr && input_.stop->load(std::memory_order_relaxed)) {
        ending_ = Ending::stopped;
        return false;
      }
      if (left_ == 0) return false;
      const std::uint64_t granted = std::min<std::uint64_t>(left_, kSlice);
      left_ -= granted;
      slice += static_cast<std::int64_t>(granted);
    } while (slice < 0);
    return true;
  }
  [[nodiscard]] Ending ending() const { return ending_; }

  [[nodiscard]] bool at_top() const { return depth_ == 0; }

  bool enter(const Step* back, std::uint64_t* r) {
    if (depth_ + 1 == isa::kMaxCallDepth) return false;
    Frame& frame = frames_[depth_++];
    frame.back = back;
    std::copy(r + 6, r + 10, frame.saved.begin());
    r[isa::kFramePointer] += isa::kStackBytes;
    frames_[depth_].turns = kMayGotoTurns;
    return true;
  }
  const Step* leave(std::uint64_t* r) {
    const Frame& frame = frames_[--depth_];
    std::copy(frame.saved.begin(), frame.saved.end(), r + 6);
    r[isa::kFramePointer] -= isa::kStackBytes;
    return frame.back;
  }

  // May_goto falls through this often in one frame, then jumps.
  bool take_turn() {
    std::uint32_t& turns = frames_[depth_].turns;
    return turns != 0 && turns-- != 0;
  }

 private:
  const Input& input_;
  std::uint64_t left_;
  Ending ending_ = Ending::out_of_budget;
  unsigned depth_ = 0;
  std::array<Frame, isa::kMaxCallDepth> frames_{Frame{.back = nullptr, .saved = {}, .turns = kMayGotoTurns}};
  alignas(16) std::array<std::byte, isa::kMaxCallDepth * isa::kStackBytes> stack_;
};

HelperFunction as_function(const Step* step) { return std::bit_cast<HelperFunction>(step->imm); }

std::uint64_t cast_space(std::uint64_t value, std::uint64_t arena_base) {
  const auto low = static_cast<std::uint32_t>(value);
  return low == 0 ? 0 : arena_base + low;
}

template <unsigned kBits>
std::uint64_t load_at(std::uint64_t address) {
  return load<Unsigned<kBits>>(std::bit_cast<const void*>(address));
}

template <unsigned kBits>
std::uint64_t load_signed_at(std::uint64_t address) {
  using Signed = std::make_signed_t<Unsigned<kBits>>;
  return static_cast<std::uint64_t>(std::int64_t{load<Signed>(std::bit_cast<const void*>(address))});
}

template <unsigned kBits>
void store_at(std::uint64_t address, std::uint64_t value) {
  store(std::bit_cast<void*>(address), static_cast<Unsigned<kBits>>(value));
}

// One macro a shape; ops.def says which operation has which. `goto *` at the end of each is the
// dispatch.
#define NEXT()             \
  do {                     \
    ++pc;                  \
    goto* pc->handler;     \
  } while (false)
#define GO_FORWARD()       \
  do {                     \
    pc += pc->target;      \
    goto* pc->handler;     \
  } while (false)
// A step back costs what lies between: a loop cannot run for ever.
#define GO_BACK()                                      \
  do {                                                 \
    slice += pc->target - 1;                           \
    if (slice < 0 && !control.refill(slice)) [[unlikely]] \
      goto over;                                       \
    pc += pc->target;                                  \
    goto* pc->handler;                                 \
  } while (false)
#define DST r[pc->dst]
#define SRC r[pc->src]
#define IMM static_cast<std::uint64_t>(pc->imm)
#define DST_PLACE (r[pc->dst] + static_cast<std::uint64_t>(std::int64_t{pc->offset}))
#define SRC_PLACE (r[pc->src] + static_cast<std::uint64_t>(std::int64_t{pc->offset}))

#define RUN_alu_imm(action, bits, GO)               \
  DST = alu<Action::action, bits>(DST, IMM);        \
  NEXT();
#define RUN_alu_reg(action, bits, GO)               \
  DST = alu<Action::action, bits>(DST, SRC);        \
  NEXT();
#define RUN_negate(action, bits, GO)                \
  DST = negate<bits>(DST);                          \
  NEXT();
#define RUN_space_cast(action, bits, GO)            \
  DST = cast_space(SRC, input.arena_base);          \
  NEXT();
#define RUN_endian(action, bits, GO)                \
  DST = reorder<Action::action, bits>(DST);         \
  NEXT();
#define RUN_jump(action, bits, GO) GO();
#define RUN_jump_long(action, bits, GO) GO();
#define RUN_may_jump(action, bits, GO)              \
  if (control.take_turn()) NEXT();                  \
  GO();
#define RUN_jump_imm(action, bits, GO)              \
  if (compare<Action::action, bits>(DST, IMM)) GO(); \
  NEXT();
#define RUN_jump_reg(action, bits, GO)              \
  if (compare<Action::action, bits>(DST, SRC)) GO(); \
  NEXT();
#define RUN_call_helper(action, bits, GO)                                     \
  r[0] = as_function(pc)(r[1], r[2], r[3], r[4], r[5], input.context);        \
  NEXT();
#define RUN_call_kfunc(action, bits, GO) RUN_call_helper(action, bits, GO)
#define RUN_call_local(action, bits, GO)            \
  if (!control.enter(pc + 1, r)) goto too_deep;     \
  GO();
#define RUN_call_reg(action, bits, GO) goto call_by_value;
#define RUN_exit(action, bits, GO)                  \
  if (control.at_top()) goto done;                  \
  pc = control.leave(r);                            \
  goto* pc->handler;
#define RUN_load(action, bits, GO)                  \
  DST = load_at<bits>(SRC_PLACE);                   \
  NEXT();
#define RUN_load_sx(action, bits, GO)               \
  DST = load_signed_at<bits>(SRC_PLACE);            \
  NEXT();
#define RUN_store_imm(action, bits, GO)             \
  store_at<bits>(DST_PLACE, IMM);                   \
  NEXT();
#define RUN_store_reg(action, bits, GO)             \
  store_at<bits>(DST_PLACE, SRC);                   \
  NEXT();
#define RUN_atomic(action, bits, GO)                              \
  fetch_at<Action::action, Unsigned<bits>>(DST_PLACE, SRC);       \
  NEXT();
#define RUN_atomic_fetch(action, bits, GO)                        \
  SRC = fetch_at<Action::action, Unsigned<bits>>(DST_PLACE, SRC); \
  NEXT();
#define RUN_exchange(action, bits, GO)                            \
  SRC = exchange_at<Unsigned<bits>>(DST_PLACE, SRC);              \
  NEXT();
#define RUN_compare_exchange(action, bits, GO)                        \
  r[0] = compare_exchange_at<Unsigned<bits>>(DST_PLACE, r[0], SRC);   \
  NEXT();
#define RUN_load_acquire(action, bits, GO)                        \
  DST = load_acquire_at<Unsigned<bits>>(SRC_PLACE);               \
  NEXT();
#define RUN_store_release(action, bits, GO)                       \
  store_release_at<Unsigned<bits>>(DST_PLACE, SRC);               \
  NEXT();
#define RUN_imm64(action, bits, GO)                 \
  DST = IMM;                                        \
  pc += 2;                                          \
  goto* pc->handler;
#define RUN_packet_abs(action, bits, GO)            \
  wanted = static_cast<std::int32_t>(pc->imm);      \
  wanted_bytes = bits / 8;                          \
  goto packet;
#define RUN_packet_ind(action, bits, GO)                                            \
  wanted = static_cast<std::int32_t>(static_cast<std::uint32_t>(SRC) +              \
                                     static_cast<std::uint32_t>(pc->imm));          \
  wanted_bytes = bits / 8;                                                          \
  goto packet;

// Without steps it gives its handlers and runs nothing.
#if defined(__clang__)
__attribute__((no_sanitize("alignment")))
#endif
Outcome
execute(const Step* first, const Calls& calls, const Input& input, Handlers* handlers) {
  if (handlers != nullptr) {
    *handlers = {
        .forward = {
#define SKEP_OP(id, ...) &&forward_##id,
#include "isa/ops.def"
#undef SKEP_OP
        },
        .back = {
#define SKEP_OP(id, ...) &&back_##id,
#include "isa/ops.def"
#undef SKEP_OP
        }};
    return {};
  }
  Control control(input);
  std::uint64_t r[isa::kRegisters] = {};
  r[1] = input.r1;
  r[2] = input.r2;
  r[isa::kFramePointer] = control.stack_top();
  std::int64_t slice = 0;
  if (!control.refill(slice)) return {.ending = control.ending()};
  std::int32_t wanted = 0;
  unsigned wanted_bytes = 0;
  const Step* pc = first;
  const auto at = [&] { return static_cast<std::size_t>(pc - first); };
  goto* pc->handler;

#define SKEP_OP(id, code, selector, selected, shape, action, bits, since) \
  forward_##id : RUN_##shape(action, bits, GO_FORWARD)
#include "isa/ops.def"
#undef SKEP_OP
#define SKEP_OP(id, code, selector, selected, shape, action, bits, since) \
  back_##id : RUN_##shape(action, bits, GO_BACK)
#include "isa/ops.def"
#undef SKEP_OP

call_by_value: {
  const std::uint64_t callee = DST;
  const HelperFunction helper = calls.helper != nullptr && callee <= UINT32_MAX
                                    ? calls.helper(static_cast<std::uint32_t>(callee))
                                    : nullptr;
  if (helper != nullptr) {
    r[0] = helper(r[1], r[2], r[3], r[4], r[5], input.context);
    NEXT();
  }
  if ((callee & kCodeAddressMask) != kCodeAddress)
    return {.ending = Ending::bad_call, .at = at(), .callee = callee};
  if (!control.enter(pc + 1, r)) goto too_deep;
  // Which way it goes is not known beforehand, so it is charged as a step back.
  if (--slice < 0 && !control.refill(slice)) goto over;
  pc = first + static_cast<std::uint32_t>(callee);
  goto* pc->handler;
}

packet: {
  const auto value = input.packet != nullptr ? load_packet(*input.packet, wanted, wanted_bytes)
                                             : std::nullopt;
  r[0] = value.value_or(0);
  if (value) NEXT();
  // kernel: a packet load that fails leaves the function with 0.
  if (control.at_top()) goto done;
  pc = control.leave(r);
  goto* pc->handler;
}

done:
  return {.ending = Ending::exited, .r0 = r[0], .at = at()};
over:
  return {.ending = control.ending(), .r0 = r[0], .at = at()};
too_deep:
  return {.ending = Ending::too_deep, .r0 = r[0], .at = at()};
}

const Handlers& handlers() {
  static const Handlers kHandlers = [] {
    Handlers found{};
    (void)execute(nullptr, {}, {}, &found);
    return found;
  }();
  return kHandlers;
}

class Interpreter final : public Runnable {
 public:
  Interpreter(std::vector<Step> steps, const Calls& calls)
      : steps_(std::move(steps)), calls_(calls) {
    for (Step& step : steps_) {
      const auto& table = step.target <= 0 ? handlers().back : handlers().forward;
      step.handler = table[static_cast<std::size_t>(step.op)];
    }
  }

  Outcome run(const Input& input) const override {
    return execute(steps_.data(), calls_, input, nullptr);
  }

 private:
  std::vector<Step> steps_;
  Calls calls_;
};

}  // namespace

Result<std::unique_ptr<Runnable>> load_interpreter(std::span<const isa::Insn> program,
                                                   const Calls& calls) {
  return std::make_unique<Interpreter>(SKEP_TRY(load_steps(program, calls)), calls);
}

}  // namespace skep::engine
