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
// it cannot be mistaken for memory.
inline constexpr std::uint64_t kCodeAddress = 0x5ce9'0000'0000'0000;
inline constexpr std::uint64_t kCodeAddressMask = 0xffff'ffff'0000'0000;

inline constexpr std::uint32_t kMayGotoTurns = 8U << 20;  // kernel: BPF_MAX_LOOPS

struct Step {
  const void* handler = nullptr;  // of the direct-threaded interpreter
  std::int64_t imm = 0;           // sign-extended, or all 64 bits, or the address of a helper
  std::int32_t target = 1;        // distance to the step that is jumped to or called
  std::int16_t offset = 0;
  std::uint8_t dst = 0;
  std::uint8_t src = 0;
  isa::OpId op{};
};

[[nodiscard]] Result<std::vector<Step>> load_steps(std::span<const isa::Insn> program,
                                                   const Calls& calls);

}  // namespace skep::engine
