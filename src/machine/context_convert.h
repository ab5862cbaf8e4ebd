// SPDX-License-Identifier: Apache-2.0
// Rewrites an access to a program's context into what the machine's own structures need: most stay
// as they are, because these structures begin with the context as programs see it. Pure.
#pragma once

#include <vector>

#include "isa/insn.h"
#include "machine/program_types.h"

namespace skep::machine {

inline constexpr std::size_t kMaxConverted = 4;

// `insn` loads or stores through the context pointer of a program of this type, and check_access
// allows it. Appends what takes its place: one instruction to kMaxConverted.
void convert_access(const ProgramType& type, const isa::Insn& insn, std::vector<isa::Insn>& out);

}  // namespace skep::machine
