// SPDX-License-Identifier: Apache-2.0
#include "machine/stack_walk.h"

#include <array>
#include <bit>

#include "machine/probe_read.h"

namespace skep::machine {

namespace {

constexpr std::size_t kMostFrames = 1024;
constexpr std::uint64_t kMostFrameBytes = std::uint64_t{1} << 24;

}  // namespace

std::size_t walk_stack(const StackStart& start, std::size_t skip, std::span<std::uint64_t> ips) {
  std::size_t found = 0;
  std::uint64_t ip = start.ip;
  std::uint64_t frame = start.frame;
  for (std::size_t depth = 0; depth < kMostFrames && ip != 0; ++depth) {
    if (depth >= skip) {
      if (found == ips.size()) break;
      ips[found++] = ip;
    }
    // Caller's frame pointer and return address.
    std::array<std::uint64_t, 2> saved{};
    if (frame == 0 || frame % 8 != 0 ||
        probe_read(std::as_writable_bytes(std::span(saved)), frame) != 0)
      break;
    // Stacks grow down: a chain that does not climb is none.
    if (saved[0] != 0 && (saved[0] <= frame || saved[0] - frame > kMostFrameBytes)) saved[0] = 0;
    frame = saved[0];
    ip = saved[1];
  }
  return found;
}

[[gnu::noinline]] StackStart this_stack() {
  return {.ip = std::bit_cast<std::uint64_t>(__builtin_return_address(0)),
          .frame = std::bit_cast<std::uint64_t>(__builtin_frame_address(0))};
}

}  // namespace skep::machine
