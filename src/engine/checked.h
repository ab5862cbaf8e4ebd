// SPDX-License-Identifier: Apache-2.0
// The judge: executes one instruction at a time, checks every memory access against the stack and
// the regions of the Input, counts, and tells a hook before each step. Slow, and in its own words:
// it shares no arithmetic with the fast engines. What a helper does with a pointer is not checked
// here.
#pragma once

#include "engine/engine.h"

namespace skep::engine {

[[nodiscard]] Result<std::unique_ptr<Runnable>> load_checked(std::span<const isa::Insn> program,
                                                             const Calls& calls);

}  // namespace skep::engine
