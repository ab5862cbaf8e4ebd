// SPDX-License-Identifier: Apache-2.0
// Finds the loads and stores of a program that go through its context pointer, and makes of them
// what the machine's own structures need. Follows the pointer through registers, stack slots and
// calls, along every path; where paths disagree it is no context pointer any more. Pure.
#pragma once

#include "base/error.h"
#include "isa/insn.h"
#include "machine/program_types.h"

namespace skep::machine {

// The program must have passed isa::check_program. Fails with EACCES for an access that a program
// of this type may not make, in the words of Linux.
[[nodiscard]] Result<isa::Program> rewrite_context(const isa::Program& program,
                                                   const ProgramType& type, std::uint32_t attach);

}  // namespace skep::machine
