// SPDX-License-Identifier: Apache-2.0
// bpf_tail_call: which program takes the place of the running one, as engines ask for it.
#pragma once

#include "engine/calls.h"

namespace skep::machine {

// engine::TailCallFunction over a Run. A run makes at most 33 of them.
[[nodiscard]] const engine::Runnable* tail_call(std::uint64_t r1, std::uint64_t map,
                                                std::uint64_t index, void* context);

}  // namespace skep::machine
