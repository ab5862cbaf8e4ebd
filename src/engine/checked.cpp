// SPDX-License-Identifier: Apache-2.0
#include "engine/checked.h"

#include <algorithm>
#include <array>
#include <deque>

#include "engine/checked_values.h"
#include "engine/load.h"

namespace skep::engine {

namespace {

using namespace checked;
using isa::Op;
using isa::Shape;

bool must_be_aligned(Shape shape) {
  return shape == Shape::atomic || shape == Shape::atomic_fetch || shape == Shape::exchange ||
         shape == Shape::compare_exchange || shape == Shape::load_acquire ||
         shape == Shape::store_release;
}

// A loaded program.
struct Code {
  Loaded loaded;
  Calls calls;
  const Runnable* owner;
};

// The program that runs.
struct Current {
  const Code* code = nullptr;
  unsigned entry = 0;    // the frame in which it began
  unsigned detours = 0;  // tail calls out of subprograms that wait for it
};

// Of one active function, and what it goes on with when the function that it called comes back.
struct Frame {
  Current current{};
  std::size_t back = 0;
  bool calls_back = false;               // by way of a helper
  std::array<std::uint64_t, 4> saved{};  // r6 to r9
  std::uint32_t turns = kMayGotoTurns;
  alignas(16) std::array<std::byte, isa::kStackBytes> stack{};
};

class Checked final : public Runnable {
 public:
  Checked(Loaded loaded, const Calls& calls)
      : Runnable(Engine::checked),
        code_{.loaded = std::move(loaded), .calls = calls, .owner = this} {}
  Outcome run(const Input& input) const override;
  Outcome run_subprogram(std::uint64_t code_address, const Arguments& arguments,
                         const Input& input) const override;
  [[nodiscard]] const Code& code() const { return code_; }

 private:
  Code code_;
};

class Run final : public Running {
 public:
  Run(const Code& code, const Input& input) : current_{.code = &code}, input_(input) {
    frames_.emplace_back();
    registers_[isa::kFramePointer] = stack_top(0);
  }

  Outcome run();
  Outcome run(std::size_t subprogram, const Arguments& arguments);

  std::optional<std::uint64_t> call_back(std::uint64_t code_address,
                                         const Arguments& arguments) override;
  void leave(std::uint64_t r0) override {
    if (!running_) return;
    left_with_ = r0;
    finish(Ending::exited);
  }
  [[nodiscard]] bool may_access(std::uint64_t address, std::uint32_t bytes,
                                bool write) const override {
    return within(address, bytes, write);
  }
  [[nodiscard]] const Runnable& program() const override { return *current_.code->owner; }

 private:
  [[nodiscard]] std::uint64_t stack_top(unsigned frame) const {
    return std::bit_cast<std::uint64_t>(frames_[frame].stack.data()) + isa::kStackBytes;
  }
  [[nodiscard]] bool may_go_on();
  [[nodiscard]] bool within(std::uint64_t address, std::uint32_t bytes, bool write) const;
  bool reach(std::uint64_t address, const Op& row, bool write);
  void write(unsigned reg, std::uint64_t value);
  void finish(Ending ending) {
    outcome_.ending = ending;
    running_ = false;
  }

  Outcome run_from(std::size_t at);
  void go_on();
  void execute(const Step& step, const Op& row);
  void compute(const Step& step, const Op& row);
  void access(const Step& step, const Op& row);
  void atomic(const Step& step, const Op& row);
  void call(const Step& step, const Op& row);
  void call_by_value(const Step& step);
  void call_out(HelperFunction function);
  void tail_call(TailCallFunction find_target);
  void enter(std::size_t target);
  void exit();
  void packet(const Step& step, const Op& row);
  void jump(const Step& step) {
    next_ = static_cast<std::size_t>(static_cast<std::int64_t>(at_) + step.target);
  }

  Current current_;
  const Input& input_;
  std::array<std::uint64_t, isa::kRegisters> registers_{};
  std::deque<Frame> frames_;  // those beyond depth_ have been used and will be again
  unsigned depth_ = 0;
  std::size_t at_ = 0;
  std::size_t next_ = 0;
  std::uint64_t executed_ = 0;
  bool running_ = true;
  bool called_back_ = false;  // a callback has come to its end
  std::optional<std::uint64_t> left_with_{};
  Outcome outcome_{};
};

bool Run::may_go_on() {
  if (executed_ == input_.budget) {
    finish(Ending::out_of_budget);
  } else if (input_.stop != nullptr && input_.stop->load(std::memory_order_relaxed)) {
    finish(Ending::stopped);
  } else if (input_.hook.before != nullptr &&
             !input_.hook.before(input_.hook.self, {.at = at_,
                                                    .registers = registers_,
                                                    .frame = depth_,
                                                    .stack = frames_[depth_].stack,
                                                    .program = current_.code->owner})) {
    finish(Ending::stopped);
  }
  return running_;
}

void Run::go_on() {
  while (running_ && !called_back_ && may_go_on()) {
    const Step& step = current_.code->loaded.steps[at_];
    ++executed_;
    next_ = at_ + 1;
    execute(step, isa::op(step.op));
    if (running_) at_ = next_;
  }
  called_back_ = false;
}

Outcome Run::run_from(std::size_t at) {
  const RunningScope shown(input_.running, this);
  at_ = at;
  go_on();
  outcome_.r0 = left_with_.value_or(registers_[0]);
  outcome_.at = at_;
  outcome_.executed = executed_;
  outcome_.program = current_.code->owner;
  return outcome_;
}

Outcome Run::run() {
  registers_[1] = input_.r1;
  registers_[2] = input_.r2;
  return run_from(0);
}

Outcome Run::run(std::size_t subprogram, const Arguments& arguments) {
  std::ranges::copy(arguments, &registers_[1]);
  return run_from(subprogram);
}

// Nested: the helper and the instruction that called it wait for the callback's exit.
std::optional<std::uint64_t> Run::call_back(std::uint64_t code_address,
                                            const Arguments& arguments) {
  if (!running_) return std::nullopt;
  outcome_.callee = code_address;
  const auto target = find_subprogram(current_.code->loaded.subprograms, code_address);
  const auto kept = registers_;
  const std::size_t kept_at = at_;
  if (!target) {
    finish(Ending::bad_callback);
    return std::nullopt;
  }
  enter(*target);
  if (!running_) return std::nullopt;
  registers_ = {};
  std::ranges::copy(arguments, &registers_[1]);
  registers_[isa::kFramePointer] = stack_top(depth_);
  frames_[depth_ - 1].calls_back = true;
  at_ = next_;
  go_on();
  if (!running_) return std::nullopt;
  const std::uint64_t result = registers_[0];
  registers_ = kept;
  at_ = kept_at;
  return result;
}

// Frames of callers are reachable: a pointer to the stack may be handed down.
bool Run::within(std::uint64_t address, std::uint32_t bytes, bool write) const {
  const auto inside = [&](std::uint64_t begin, std::uint64_t length) {
    return address >= begin && bytes <= length && address - begin <= length - bytes;
  };
  for (unsigned frame = 0; frame <= depth_; ++frame)
    if (inside(stack_top(frame) - isa::kStackBytes, isa::kStackBytes)) return true;
  const auto has_room = [&](const Region& region) {
    return (region.writable || !write) && inside(region.begin, region.bytes);
  };
  if (std::ranges::any_of(input_.regions, has_room)) return true;
  return input_.judge.may_access != nullptr &&
         input_.judge.may_access(input_.judge.self, address, bytes, write);
}

bool Run::reach(std::uint64_t address, const Op& row, bool write) {
  const bool is_aligned = !must_be_aligned(row.shape) || address % (row.bits / 8U) == 0;
  const bool is_within = within(address, row.bits / 8U, write);
  if (is_within && is_aligned) return true;
  outcome_.access = {.address = address,
                     .frame_top = registers_[isa::kFramePointer],
                     .bytes = row.bits / 8U,
                     .write = write};
  finish(is_within ? Ending::misaligned : Ending::bad_access);
  return false;
}

void Run::write(unsigned reg, std::uint64_t value) {
  if (reg == isa::kFramePointer) {
    finish(Ending::bad_write);
    return;
  }
  registers_[reg] = value;
}

void Run::compute(const Step& step, const Op& row) {
  const std::uint64_t left = registers_[step.dst];
  const std::uint64_t right = row.shape == Shape::alu_reg || row.shape == Shape::space_cast
                                  ? registers_[step.src]
                                  : static_cast<std::uint64_t>(step.imm);
  switch (row.shape) {
    case Shape::negate:
      return write(step.dst, low_bits(~left + 1, row.bits));
    case Shape::endian:
      return write(step.dst, change_order(row, left));
    case Shape::space_cast: {
      const std::uint64_t low = low_bits(right, 32);
      return write(step.dst, low == 0 ? 0 : input_.arena_base + low);
    }
    default:
      return write(step.dst, low_bits(arithmetic(row, left, right), row.bits));
  }
}

void Run::access(const Step& step, const Op& row) {
  const bool writes = row.shape == Shape::store_imm || row.shape == Shape::store_reg ||
                      row.shape == Shape::store_release;
  const std::uint64_t base = registers_[writes ? step.dst : step.src];
  const std::uint64_t address = base + static_cast<std::uint64_t>(std::int64_t{step.offset});
  if (!reach(address, row, writes)) return;
  if (row.shape == Shape::store_imm)
    write_bytes(address, row.bits, static_cast<std::uint64_t>(step.imm));
  else if (writes)
    write_bytes(address, row.bits, registers_[step.src]);
  else if (row.shape == Shape::load_sx)
    write(step.dst,
          static_cast<std::uint64_t>(signed_value(read_bytes(address, row.bits), row.bits)));
  else
    write(step.dst, read_bytes(address, row.bits));
}

void Run::atomic(const Step& step, const Op& row) {
  const std::uint64_t address =
      registers_[step.dst] + static_cast<std::uint64_t>(std::int64_t{step.offset});
  if (!reach(address, row, true)) return;
  const std::uint64_t operand = registers_[step.src];
  const bool compares = row.shape == Shape::compare_exchange;
  const auto next = [&](std::uint64_t old) {
    if (compares) return old == low_bits(registers_[0], row.bits) ? operand : old;
    return combine(row.action, old, operand);
  };
  const std::uint64_t old = row.bits == 64 ? replace<std::uint64_t>(address, next)
                                           : replace<std::uint32_t>(address, next);
  if (compares)
    write(0, old);
  else if (row.shape != Shape::atomic)
    write(step.src, old);
}

void Run::enter(std::size_t target) {
  if (depth_ + 1 - current_.entry == isa::kMaxCallDepth) return finish(Ending::too_deep);
  Frame& caller = frames_[depth_];
  caller.current = current_;
  caller.back = next_;
  caller.calls_back = false;
  std::copy(registers_.begin() + 6, registers_.begin() + 10, caller.saved.begin());
  if (++depth_ == frames_.size()) frames_.emplace_back();
  frames_[depth_].turns = kMayGotoTurns;
  registers_[isa::kFramePointer] = stack_top(depth_);
  next_ = target;
}

void Run::exit() {
  if (depth_ == 0) return finish(Ending::exited);
  --depth_;
  const Frame& caller = frames_[depth_];
  std::ranges::copy(caller.saved, registers_.begin() + 6);
  registers_[isa::kFramePointer] = stack_top(depth_);
  current_ = caller.current;
  next_ = caller.back;
  called_back_ = caller.calls_back;
}

void Run::tail_call(TailCallFunction find_target) {
  const Runnable* target = find_target(registers_[1], registers_[2], registers_[3], input_.context);
  if (target == nullptr) return;
  SKEP_ASSERT(target->engine == Engine::checked);
  if (depth_ != current_.entry && ++current_.detours > kMaxDetours) return finish(Ending::too_deep);
  current_.code = &static_cast<const Checked*>(target)->code();
  current_.entry = depth_;
  frames_[depth_].turns = kMayGotoTurns;
  next_ = 0;
}

void Run::call_out(HelperFunction function) {
  const auto& r = registers_;
  const std::size_t back = next_;
  const std::uint64_t result = function(r[1], r[2], r[3], r[4], r[5], input_.context);
  next_ = back;
  if (running_) write(0, result);
}

void Run::call_by_value(const Step& step) {
  const std::uint64_t callee = registers_[step.dst];
  if (const auto target = find_subprogram(current_.code->loaded.subprograms, callee))
    return enter(*target);
  const HelperFunction helper =
      callee == low_bits(callee, 32)
          ? current_.code->calls.find_helper(static_cast<std::uint32_t>(callee))
          : nullptr;
  if (helper != nullptr) return call_out(helper);
  outcome_.callee = callee;
  finish(Ending::bad_call);
}

void Run::call(const Step& step, const Op& row) {
  if (row.shape == Shape::call_reg) return call_by_value(step);
  if (row.shape == Shape::call_local)
    return enter(static_cast<std::size_t>(static_cast<std::int64_t>(at_) + step.target));
  if (step.is_tail_call) return tail_call(std::bit_cast<TailCallFunction>(step.imm));
  call_out(std::bit_cast<HelperFunction>(step.imm));
}

void Run::packet(const Step& step, const Op& row) {
  const std::uint64_t base = row.shape == Shape::packet_ind ? registers_[step.src] : 0;
  const auto offset = static_cast<std::int32_t>(base + static_cast<std::uint64_t>(step.imm));
  const auto value =
      input_.packet != nullptr ? load_packet(*input_.packet, offset, row.bits / 8U) : std::nullopt;
  write(0, value.value_or(0));
  if (!value) exit();  // kernel: the function ends with 0
}

void Run::execute(const Step& step, const Op& row) {
  switch (row.shape) {
    case Shape::alu_imm:
    case Shape::alu_reg:
    case Shape::negate:
    case Shape::endian:
    case Shape::space_cast:
      return compute(step, row);
    case Shape::jump:
    case Shape::jump_long:
      return jump(step);
    case Shape::may_jump:
      return frames_[depth_].turns == 0 ? jump(step) : void(--frames_[depth_].turns);
    case Shape::jump_imm:
      return condition(row, registers_[step.dst], static_cast<std::uint64_t>(step.imm)) ? jump(step)
                                                                                        : void();
    case Shape::jump_reg:
      return condition(row, registers_[step.dst], registers_[step.src]) ? jump(step) : void();
    case Shape::call_helper:
    case Shape::call_local:
    case Shape::call_kfunc:
    case Shape::call_reg:
      return call(step, row);
    case Shape::exit:
      return exit();
    case Shape::load:
    case Shape::load_sx:
    case Shape::store_imm:
    case Shape::store_reg:
    case Shape::load_acquire:
    case Shape::store_release:
      return access(step, row);
    case Shape::atomic:
    case Shape::atomic_fetch:
    case Shape::exchange:
    case Shape::compare_exchange:
      return atomic(step, row);
    case Shape::imm64:
      ++next_;
      return write(step.dst, static_cast<std::uint64_t>(step.imm));
    case Shape::packet_abs:
    case Shape::packet_ind:
      return packet(step, row);
  }
}

Outcome Checked::run(const Input& input) const { return Run(code_, input).run(); }

Outcome Checked::run_subprogram(std::uint64_t code_address, const Arguments& arguments,
                                const Input& input) const {
  const auto target = find_subprogram(code_.loaded.subprograms, code_address);
  if (!target)
    return {.ending = Ending::bad_callback, .callee = code_address, .executed = 0, .program = this};
  return Run(code_, input).run(*target, arguments);
}

}  // namespace

Result<std::unique_ptr<Runnable>> load_checked(std::span<const isa::Insn> program,
                                               const Calls& calls) {
  return std::make_unique<Checked>(SKEP_TRY(load_steps(program, calls)), calls);
}

}  // namespace skep::engine
