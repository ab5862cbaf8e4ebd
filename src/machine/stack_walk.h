// SPDX-License-Identifier: Apache-2.0
// Return addresses of a thread's stack by its chain of frame pointers. Everything is read safely
// and a chain that goes wrong is just short. Any thread.
#pragma once

#include <cstdint>
#include <span>

namespace skep::machine {

// The registers to begin with.
struct StackStart {
  std::uint64_t ip = 0;
  std::uint64_t frame = 0;  // rbp, x29
};

// Fills `ips` from the innermost frame on, without the first `skip`; the number of frames there.
[[nodiscard]] std::size_t walk_stack(const StackStart& start, std::size_t skip,
                                     std::span<std::uint64_t> ips);

// The caller's own stack.
[[nodiscard]] StackStart this_stack();

}  // namespace skep::machine
