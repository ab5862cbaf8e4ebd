// SPDX-License-Identifier: Apache-2.0
// Looks at the arguments of helpers before they are called, for programs that no verifier has
// accepted: pointers must lead to memory that the program could touch itself, maps must be its own,
// dynptrs must be as a helper left them. What cannot be told from the numbers is refused. Slow, and
// for engines that do not trust programs.
#pragma once

#include <array>
#include <cstddef>

#include "engine/calls.h"

namespace skep::machine {

// A dynptr on a program's stack, as the helper that made it left it.
struct KnownDynptr {
  std::uint64_t at = 0;
  std::array<std::byte, 16> content{};
};

// The helpers of helper_calls(); a call that is not allowed ends the run, and Run::refused_helper
// says which it was.
[[nodiscard]] const engine::Calls& judged_calls();

}  // namespace skep::machine
