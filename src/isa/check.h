// SPDX-License-Identifier: Apache-2.0
// Is this a program at all? Every instruction known, reserved fields zero, registers that exist,
// jumps that land on instructions, an end that cannot be run past. Whether it is safe is the
// verifier's question.
#pragma once

#include <optional>
#include <span>

#include "base/error.h"
#include "isa/ops.h"

namespace skep::isa {

// The row of program[at], or the reason why it is none. Looks at the second slot of a 64-bit
// immediate as well. `at` must lie inside the program.
[[nodiscard]] Result<const Op*> check_insn(std::span<const Insn> program, std::size_t at);

// Messages begin with "insn N: ".
[[nodiscard]] Status check_program(std::span<const Insn> program);

// Where an instruction of a jumping or calling shape goes, as an index that may lie outside the
// program; nothing for every other shape.
[[nodiscard]] std::optional<std::int64_t> target_of(const Op& row, const Insn& insn,
                                                    std::size_t at);

// False outside the program and on the second slot of a 64-bit immediate.
[[nodiscard]] bool starts_insn(std::span<const Insn> program, std::int64_t index);

}  // namespace skep::isa
