// SPDX-License-Identifier: Apache-2.0
#include "engine/checked.h"

#include <algorithm>
#include <array>

#include "base/cursor.h"
#include "engine/load.h"

namespace skep::engine {

namespace {

using isa::Action;
using isa::Op;
using isa::Shape;

// Wide enough that nothing overflows.
__extension__ typedef unsigned __int128 U128;
__extension__ typedef __int128 S128;

std::uint64_t low_bits(std::uint64_t value, unsigned bits) {
  return bits == 64 ? value : value & ((std::uint64_t{1} << bits) - 1);
}

std::int64_t signed_value(std::uint64_t value, unsigned bits) {
  const std::uint64_t sign = std::uint64_t{1} << (bits - 1);
  return static_cast<std::int64_t>((low_bits(value, bits) ^ sign) - sign);
}

// Shift right and fill with the sign.
std::uint64_t shift_arithmetic(std::uint64_t a, unsigned by, unsigned bits) {
  const std::uint64_t moved = low_bits(a, bits) >> by;
  if (signed_value(a, bits) >= 0) return moved;
  const std::uint64_t kept = low_bits(~std::uint64_t{0}, bits) >> by;
  return moved | ~kept;
}

std::uint64_t divide_signed(std::uint64_t a, std::uint64_t b, unsigned bits, bool modulo) {
  const S128 x = signed_value(a, bits);
  const S128 y = signed_value(b, bits);
  if (y == 0) return modulo ? a : 0;
  return static_cast<std::uint64_t>(modulo ? x % y : x / y);
}

std::uint64_t divide_unsigned(std::uint64_t a, std::uint64_t b, unsigned bits, bool modulo) {
  const std::uint64_t x = low_bits(a, bits);
  const std::uint64_t y = low_bits(b, bits);
  if (y == 0) return modulo ? a : 0;
  return modulo ? x % y : x / y;
}

std::uint64_t arithmetic(const Op& row, std::uint64_t a, std::uint64_t b) {
  const unsigned bits = row.bits;
  const auto by = static_cast<unsigned>(b % bits);
  switch (row.action) {
    case Action::add:
      return static_cast<std::uint64_t>(U128{a} + b);
    case Action::sub:
      return static_cast<std::uint64_t>(U128{a} - b);
    case Action::mul:
      return static_cast<std::uint64_t>(U128{a} * b);
    case Action::div:
    case Action::mod:
      return divide_unsigned(a, b, bits, row.action == Action::mod);
    case Action::sdiv:
    case Action::smod:
      return divide_signed(a, b, bits, row.action == Action::smod);
    case Action::bit_or:
      return a | b;
    case Action::bit_and:
      return a & b;
    case Action::bit_xor:
      return a ^ b;
    case Action::lsh:
      return static_cast<std::uint64_t>(U128{a} << by);
    case Action::rsh:
      return low_bits(a, bits) >> by;
    case Action::arsh:
      return shift_arithmetic(a, by, bits);
    case Action::movsx8:
      return static_cast<std::uint64_t>(signed_value(b, 8));
    case Action::movsx16:
      return static_cast<std::uint64_t>(signed_value(b, 16));
    case Action::movsx32:
      return static_cast<std::uint64_t>(signed_value(b, 32));
    default:
      return b;
  }
}

std::uint64_t change_order(const Op& row, std::uint64_t value) {
  if (row.action == Action::to_le) return low_bits(value, row.bits);  // registers hold numbers
  std::uint64_t reversed = 0;
  for (unsigned byte = 0; byte < row.bits / 8U; ++byte)
    reversed = reversed << 8 | ((value >> (8 * byte)) & 0xff);
  return reversed;
}
static_assert(std::endian::native == std::endian::little,
              "change_order says what little endian hosts do");

bool condition(const Op& row, std::uint64_t a, std::uint64_t b) {
  const std::uint64_t x = low_bits(a, row.bits);
  const std::uint64_t y = low_bits(b, row.bits);
  const std::int64_t sx = signed_value(a, row.bits);
  const std::int64_t sy = signed_value(b, row.bits);
  switch (row.action) {
    case Action::eq:
      return x == y;
    case Action::ne:
      return x != y;
    case Action::gt:
      return y < x;
    case Action::ge:
      return y <= x;
    case Action::lt:
      return x < y;
    case Action::le:
      return x <= y;
    case Action::sgt:
      return sy < sx;
    case Action::sge:
      return sy <= sx;
    case Action::slt:
      return sx < sy;
    case Action::sle:
      return sx <= sy;
    default:
      return (x & y) != 0;
  }
}

bool must_be_aligned(Shape shape) {
  return shape == Shape::atomic || shape == Shape::atomic_fetch || shape == Shape::exchange ||
         shape == Shape::compare_exchange || shape == Shape::load_acquire ||
         shape == Shape::store_release;
}

struct Frame {
  std::size_t back = 0;
  std::array<std::uint64_t, 4> saved{};  // r6 to r9
  std::uint32_t turns = kMayGotoTurns;
  alignas(16) std::array<std::byte, isa::kStackBytes> stack{};
};

class Run {
 public:
  Run(const std::vector<Step>& steps, const Calls& calls, const Input& input)
      : steps_(steps), calls_(calls), input_(input) {
    registers_[1] = input.r1;
    registers_[2] = input.r2;
    registers_[isa::kFramePointer] = stack_top(0);
  }

  Outcome run();

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

  void execute(const Step& step, const Op& row);
  void compute(const Step& step, const Op& row);
  void access(const Step& step, const Op& row);
  void atomic(const Step& step, const Op& row);
  void call(const Step& step, const Op& row);
  void call_by_value(const Step& step);
  void enter(std::size_t target);
  void leave();
  void packet(const Step& step, const Op& row);
  void jump(const Step& step) {
    next_ = static_cast<std::size_t>(static_cast<std::int64_t>(at_) + step.target);
  }

  const std::vector<Step>& steps_;
  const Calls& calls_;
  const Input& input_;
  std::array<std::uint64_t, isa::kRegisters> registers_{};
  std::array<Frame, isa::kMaxCallDepth> frames_{};
  unsigned depth_ = 0;
  std::size_t at_ = 0;
  std::size_t next_ = 0;
  std::uint64_t executed_ = 0;
  bool running_ = true;
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
                                                    .stack = frames_[depth_].stack})) {
    finish(Ending::stopped);
  }
  return running_;
}

Outcome Run::run() {
  while (running_ && may_go_on()) {
    const Step& step = steps_[at_];
    ++executed_;
    next_ = at_ + 1;
    execute(step, isa::op(step.op));
    if (running_) at_ = next_;
  }
  outcome_.r0 = registers_[0];
  outcome_.at = at_;
  outcome_.executed = executed_;
  return outcome_;
}

// Frames of callers are reachable: a pointer to the stack may be handed down.
bool Run::within(std::uint64_t address, std::uint32_t bytes, bool write) const {
  const auto inside = [&](std::uint64_t begin, std::uint64_t length) {
    return address >= begin && bytes <= length && address - begin <= length - bytes;
  };
  for (unsigned frame = 0; frame <= depth_; ++frame)
    if (inside(stack_top(frame) - isa::kStackBytes, isa::kStackBytes)) return true;
  return std::ranges::any_of(input_.regions, [&](const Region& region) {
    return (region.writable || !write) && inside(region.begin, region.bytes);
  });
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

std::uint64_t read_bytes(std::uint64_t address, unsigned bits) {
  std::uint64_t value = 0;
  std::memcpy(&value, std::bit_cast<const void*>(address), bits / 8);
  return value;
}

void write_bytes(std::uint64_t address, unsigned bits, std::uint64_t value) {
  std::memcpy(std::bit_cast<void*>(address), &value, bits / 8);
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

std::uint64_t combine(Action action, std::uint64_t old, std::uint64_t operand) {
  switch (action) {
    case Action::add:
      return old + operand;
    case Action::bit_or:
      return old | operand;
    case Action::bit_and:
      return old & operand;
    case Action::bit_xor:
      return old ^ operand;
    default:
      return operand;
  }
}

// Atomic against other threads as well, by trying until nobody came between.
template <class Unsigned, class Combine>
__attribute__((no_sanitize("alignment"))) std::uint64_t replace(std::uint64_t address,
                                                                Combine combine) {
  auto* place = std::bit_cast<Unsigned*>(address);
  Unsigned old = __atomic_load_n(place, __ATOMIC_SEQ_CST);
  while (!__atomic_compare_exchange_n(place, &old, static_cast<Unsigned>(combine(old)), false,
                                      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
  }
  return old;
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
  if (depth_ + 1 == isa::kMaxCallDepth) return finish(Ending::too_deep);
  frames_[depth_].back = next_;
  std::copy(registers_.begin() + 6, registers_.begin() + 10, frames_[depth_].saved.begin());
  ++depth_;
  frames_[depth_].turns = kMayGotoTurns;
  registers_[isa::kFramePointer] = stack_top(depth_);
  next_ = target;
}

void Run::leave() {
  if (depth_ == 0) return finish(Ending::exited);
  --depth_;
  std::ranges::copy(frames_[depth_].saved, registers_.begin() + 6);
  registers_[isa::kFramePointer] = stack_top(depth_);
  next_ = frames_[depth_].back;
}

void Run::call_by_value(const Step& step) {
  const std::uint64_t callee = registers_[step.dst];
  if ((callee & kCodeAddressMask) == kCodeAddress) return enter(low_bits(callee, 32));
  const HelperFunction helper = calls_.helper != nullptr && callee == low_bits(callee, 32)
                                    ? calls_.helper(static_cast<std::uint32_t>(callee))
                                    : nullptr;
  outcome_.callee = callee;
  if (helper == nullptr) return finish(Ending::bad_call);
  const auto& r = registers_;
  write(0, helper(r[1], r[2], r[3], r[4], r[5], input_.context));
}

void Run::call(const Step& step, const Op& row) {
  if (row.shape == Shape::call_reg) return call_by_value(step);
  if (row.shape == Shape::call_local)
    return enter(static_cast<std::size_t>(static_cast<std::int64_t>(at_) + step.target));
  const auto& r = registers_;
  const auto function = std::bit_cast<HelperFunction>(step.imm);
  write(0, function(r[1], r[2], r[3], r[4], r[5], input_.context));
}

void Run::packet(const Step& step, const Op& row) {
  const std::uint64_t base = row.shape == Shape::packet_ind ? registers_[step.src] : 0;
  const auto offset = static_cast<std::int32_t>(base + static_cast<std::uint64_t>(step.imm));
  const auto value =
      input_.packet != nullptr ? load_packet(*input_.packet, offset, row.bits / 8U) : std::nullopt;
  write(0, value.value_or(0));
  if (!value) leave();  // kernel: the function ends with 0
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
      return leave();
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

class Checked final : public Runnable {
 public:
  Checked(std::vector<Step> steps, const Calls& calls) : steps_(std::move(steps)), calls_(calls) {}
  Outcome run(const Input& input) const override { return Run(steps_, calls_, input).run(); }

 private:
  std::vector<Step> steps_;
  Calls calls_;
};

}  // namespace

Result<std::unique_ptr<Runnable>> load_checked(std::span<const isa::Insn> program,
                                               const Calls& calls) {
  return std::make_unique<Checked>(SKEP_TRY(load_steps(program, calls)), calls);
}

}  // namespace skep::engine
