// SPDX-License-Identifier: Apache-2.0
// The fast interpreter: every instruction is decoded once when loaded, and each step jumps straight
// to the code of the next. Memory is used as the program says, unchecked: for programs that a
// verifier has accepted, or in a process of their own (engine/contained.h).
#pragma once

#include "engine/engine.h"

namespace skep::engine {

[[nodiscard]] Result<std::unique_ptr<Runnable>> load_interpreter(std::span<const isa::Insn> program,
                                                                 const Calls& calls);

}  // namespace skep::engine
