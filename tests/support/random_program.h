// SPDX-License-Identifier: Apache-2.0
// Random eBPF, biased towards boundaries: streams of any encodable instruction, for text and
// encoding, and programs that run to their end inside their memory, for comparing engines. The same
// seed gives the same sequence everywhere; SKEP_SEED and SKEP_RUNS in the environment choose.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "engine/engine.h"
#include "isa/ops.h"

namespace skep::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next();
  std::uint32_t below(std::uint32_t limit) {
    return static_cast<std::uint32_t>((next() >> 32) * limit >> 32);
  }
  bool one_in(std::uint32_t count) { return below(count) == 0; }
  // A boundary, its neighbour, something small, or anything.
  std::uint64_t value();
  std::int32_t imm();
  std::int16_t offset();
  template <class Range>
  const auto& one_of(const Range& choices) {
    return choices[below(static_cast<std::uint32_t>(std::size(choices)))];
  }

 private:
  std::uint64_t state_;
};

[[nodiscard]] std::uint64_t seed_or(std::uint64_t standard);
[[nodiscard]] std::uint64_t runs_or(std::uint64_t standard);

// One instruction of the row with random operands and reserved fields zero; two slots for imm64.
void append_random_insn(Random& random, const isa::Op& row, isa::Program& out);

// Any rows in any order; jumps go anywhere.
[[nodiscard]] isa::Program random_stream(Random& random, std::size_t insns);

// What an executable program runs with: r1 is this much memory, kArenaBase the arena.
inline constexpr std::size_t kDataBytes = 64;                 // read and written at random
inline constexpr std::size_t kMemoryBytes = kDataBytes + 72;  // then r0 to r8 as main left them
inline constexpr std::size_t kPacketBytes = 32;

// Ends by itself, uses only its stack and its memory, and shows no address in what it computes:
// every engine must agree about all of it. `out` is overwritten and keeps its capacity.
void random_executable(Random& random, isa::Program& out);

// Helpers 1 to 3 and kfuncs 1 to 3: pure functions of all five arguments.
[[nodiscard]] const engine::Calls& test_calls();

// The smallest program that still fails, found by leaving out instructions; jumps keep their
// targets.
[[nodiscard]] isa::Program shrink(isa::Program program,
                                  const std::function<bool(const isa::Program&)>& fails);

// As assembly text, for a failure message.
[[nodiscard]] std::string shown(const isa::Program& program);

}  // namespace skep::test
