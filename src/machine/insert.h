// SPDX-License-Identifier: Apache-2.0
// Puts other instructions in the place of single ones; jumps, calls and code addresses go on to
// lead where they led. Pure.
#pragma once

#include <utility>
#include <vector>

#include "base/error.h"
#include "isa/insn.h"

namespace skep::machine {

// By index of the instruction that is replaced, in ascending order.
using Insertions = std::vector<std::pair<std::size_t, isa::Program>>;

// Fails with ERANGE when a jump would become longer than it can say.
[[nodiscard]] Result<isa::Program> replace_insns(const isa::Program& program,
                                                 const Insertions& changes);

}  // namespace skep::machine
