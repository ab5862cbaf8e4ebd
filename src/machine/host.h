// SPDX-License-Identifier: Apache-2.0
// What programs may learn of the world around the machine: clocks, random numbers, who runs. A test
// passes its own. Functions may be called from any thread.
#pragma once

#include <array>
#include <cstdint>

namespace skep::machine {

enum class Clock : std::uint8_t { monotonic, boot, coarse, tai };

// The thread that runs the program, in the numbers of Linux's helpers.
struct Identity {
  std::uint64_t pid_tgid = 0;  // process in the upper half, thread in the lower
  std::uint64_t uid_gid = 0;   // group in the upper half, user in the lower
};

struct Host {
  std::uint64_t (*now_ns)(void* self, Clock clock) = nullptr;
  std::uint32_t (*random)(void* self) = nullptr;
  Identity (*identity)(void* self) = nullptr;
  std::array<char, 16> (*command)(void* self) = nullptr;  // zero-padded
  void* self = nullptr;
};

// The system's clocks, a generator seeded by it, the calling thread. `self` must outlive the Host.
struct SystemHost {
  std::uint64_t state;
  SystemHost();
  [[nodiscard]] Host host();
};

}  // namespace skep::machine
