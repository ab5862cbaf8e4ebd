// SPDX-License-Identifier: Apache-2.0
// Runs one program on several engines over the same memory and compares all that can be seen of it.
// For programs that nobody checked, judge() first finds out whether the outcome depends on where
// the stack lies or on what was left there: only then may engines differ.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "engine/checked.h"
#include "engine/interpreter.h"
#include "isa/check.h"
#include "tests/support/random_program.h"

namespace skep::test {

// The memory of a run. It stays at one address, so that addresses are equal in all runs.
struct Ground {
  alignas(16) std::array<std::byte, kMemoryBytes + 16> memory{};
  std::array<std::byte, kMemoryBytes> before{};
  std::array<std::byte, kPacketBytes> bytes{};
  engine::Packet packet{};
  engine::Region region{};

  explicit Ground(std::uint64_t seed) {
    refill(seed);
    packet.bytes = bytes;
    region = {.name = "mem", .begin = begin(), .bytes = kMemoryBytes};
  }
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;

  void refill(std::uint64_t seed) {
    Random random(seed);
    for (std::size_t i = 0; i < kDataBytes; i += 8) store(before.data() + i, random.value());
    for (std::size_t i = 0; i < kPacketBytes; i += 8) store(bytes.data() + i, random.next());
  }
  [[nodiscard]] std::uint64_t begin() const { return std::bit_cast<std::uint64_t>(memory.data()); }
  [[nodiscard]] engine::Input input(std::uint64_t budget) const {
    return {.r1 = begin(),
            .r2 = kMemoryBytes,
            .packet = &packet,
            .arena_base = begin() - 8,
            .budget = budget,
            .regions = {&region, 1}};
  }
  engine::Outcome run(const engine::Runnable& runnable, const engine::Input& input) {
    std::memcpy(memory.data(), before.data(), kMemoryBytes);
    return runnable.run(input);
  }
};

struct Seen {
  engine::Ending ending{};
  std::uint64_t r0 = 0;
  std::size_t at = 0;
  std::array<std::byte, kMemoryBytes> memory{};

  bool operator==(const Seen&) const = default;
};

inline Seen see(const engine::Outcome& outcome, const Ground& ground) {
  Seen seen{.ending = outcome.ending, .r0 = outcome.r0, .at = outcome.at};
  std::memcpy(seen.memory.data(), ground.memory.data(), kMemoryBytes);
  return seen;
}

// Fills each new frame, and notes when a program reaches from its frame into another one: distances
// between frames are each engine's own.
struct Scribbler {
  std::span<const isa::Insn> program;
  int pattern;
  unsigned frame = 0;
  bool began = false;
  bool crossed = false;

  static bool before(void* self, const engine::StepView& view) {
    return static_cast<Scribbler*>(self)->look(view);
  }
  // False ends the run, because what follows need not be the same everywhere.
  bool look(const engine::StepView& view) {
    if (!began || view.frame > frame)
      std::memset(const_cast<std::byte*>(view.stack.data()), pattern, view.stack.size());
    began = true;
    frame = view.frame;
    const isa::Insn& insn = program[view.at];
    const isa::Op& row = *isa::find_op(insn);
    return access_is_fair(insn, row, view) && use_is_fair(insn, row, view);
  }

  static bool near_stack(const engine::StepView& view, std::uint64_t value) {
    const std::uint64_t from_stack = value - std::bit_cast<std::uint64_t>(view.stack.data());
    return from_stack + (1 << 15) < (1 << 16);
  }

  // Atomics that are not aligned are refused by Linux, and cost milliseconds where they straddle
  // cache lines.
  bool access_is_fair(const isa::Insn& insn, const isa::Op& row, const engine::StepView& view) {
    const unsigned instruction_class = insn.code & 7U;
    if (instruction_class == 0 || instruction_class > 3) return true;
    const bool by_source = instruction_class == 1 || row.shape == isa::Shape::load_acquire;
    const std::uint64_t address =
        view.registers[by_source ? insn.src : insn.dst] + static_cast<std::uint64_t>(insn.offset);
    const std::uint64_t from_stack = address - std::bit_cast<std::uint64_t>(view.stack.data());
    if (from_stack >= isa::kStackBytes && near_stack(view, address)) crossed = true;
    const bool is_atomic = (insn.code & 0xe7) == 0xc3;
    return !is_atomic || address % (row.bits / 8U) == 0;
  }

  // An address in the stack may be moved, stored and added to. Whatever else is computed from it
  // tells where the stack lies.
  static bool use_is_fair(const isa::Insn& insn, const isa::Op& row, const engine::StepView& view) {
    switch (row.id) {
      case isa::OpId::mov64_reg:
      case isa::OpId::add64_imm:
      case isa::OpId::add64_reg:
      case isa::OpId::sub64_imm:
      case isa::OpId::call_local:
      case isa::OpId::store64_reg:
        return true;
      default:
        break;
    }
    const isa::Fields used = isa::fields_of(row.shape);
    const bool is_place = (insn.code & 7U) == 1 || row.shape == isa::Shape::load_acquire;
    const bool is_target = (insn.code & 7U) == 2 || (insn.code & 7U) == 3;
    if (used.src && !is_place && near_stack(view, view.registers[insn.src])) return false;
    if (used.dst && !is_place && !is_target && near_stack(view, view.registers[insn.dst]))
      return false;
    if (row.action != isa::Action::call) return true;
    return std::none_of(view.registers.begin() + 1, view.registers.begin() + 6,
                        [&](std::uint64_t value) { return near_stack(view, value); });
  }
};

// Runs with its stack moved down by about `lower` bytes.
__attribute__((noinline)) inline engine::Outcome run_lower(Ground& ground,
                                                           const engine::Runnable& runnable,
                                                           const engine::Input& input,
                                                           std::size_t lower) {
  volatile char* room = static_cast<volatile char*>(__builtin_alloca(lower));
  room[0] = 0;
  return ground.run(runnable, input);
}

struct Judgement {
  Seen seen;
  bool crossed = false;
};

// What every engine must show; nothing when the program is no fair test: it uses what is not its
// own, does not end, or depends on addresses or on what lay in the stack.
inline std::optional<Judgement> judge(std::span<const isa::Insn> program,
                                      const engine::Runnable& checked, Ground& ground,
                                      std::uint64_t budget) {
  std::optional<Judgement> judgement;
  struct Stack {
    std::size_t lower;
    int pattern;
  };
  for (const auto& [lower, pattern] :
       {Stack{16, 0}, Stack{5008, 0xff}, Stack{9888, 0x5a}, Stack{30064, 0x81}}) {
    Scribbler scribbler{.program = program, .pattern = pattern};
    engine::Input input = ground.input(budget);
    input.hook = {.before = Scribbler::before, .self = &scribbler};
    const engine::Outcome outcome = run_lower(ground, checked, input, lower);
    if (outcome.ending != engine::Ending::exited && outcome.ending != engine::Ending::too_deep)
      return std::nullopt;
    const Seen seen = see(outcome, ground);
    if (judgement && !(judgement->seen == seen)) return std::nullopt;
    const bool crossed = scribbler.crossed || (judgement && judgement->crossed);
    judgement = Judgement{.seen = seen, .crossed = crossed};
  }
  return judgement;
}

}  // namespace skep::test
