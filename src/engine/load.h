// SPDX-License-Identifier: Apache-2.0
// What all engines ask of a program before they take it, and the form in which interpreters hold an
// instruction: operands widened, targets and callees resolved. One step a slot, so that the place
// of a step is the index of its instruction.
#pragma once

#include <vector>

#include "engine/engine.h"
#include "isa/ops.h"

namespace skep::engine {

// The value of a code address (ld_imm64 of a subprogram): no canonical x86-64 or arm64 address, so
// it cannot be mistaken for memory. The low half is the place in the program, so it has a meaning
// only together with the program that took it.
inline constexpr std::uint64_t kCodeAddress = 0x5ce9'0000'0000'0000;

inline constexpr std::uint32_t kMayGotoTurns = 8U << 20;  // kernel: BPF_MAX_LOOPS

// A run never nests more tail calls from subprograms than Linux allows in all
// (include/linux/bpf.h: MAX_TAIL_CALL_CNT), even when nobody counts them.
inline constexpr unsigned kMaxDetours = 33;

struct Step {
  std::int64_t imm = 0;     // sign-extended, or all 64 bits, or the address of a function
  std::int32_t target = 1;  // distance to the step that is jumped to or called
  std::int16_t offset = 0;
  std::uint8_t dst = 0;
  std::uint8_t src = 0;
  isa::OpId op{};
  bool is_tail_call = false;  // a call_helper of the TailCallFunction in imm
};

struct Loaded {
  std::vector<Step> steps;
  std::vector<std::uint32_t> subprograms;  // where each begins, in order
  bool takes_code_address = false;         // so that helpers may call it back
};

[[nodiscard]] Result<Loaded> load_steps(std::span<const isa::Insn> program, const Calls& calls);

// Where the subprogram with this code address begins; nothing when there is none in the program.
[[nodiscard]] std::optional<std::uint32_t> find_subprogram(
    std::span<const std::uint32_t> subprograms, std::uint64_t code_address);

}  // namespace skep::engine
