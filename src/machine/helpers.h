// SPDX-License-Identifier: Apache-2.0
// Helpers of the machine that need nothing but a host: time, random numbers, the CPU's number. The
// context of the run must be a Host.
#pragma once

#include "engine/engine.h"

namespace skep::machine {

// What programs may learn of the world; a test passes its own.
struct Host {
  std::uint64_t (*now_ns)(void* self) = nullptr;
  std::uint32_t (*random)(void* self) = nullptr;
  std::uint32_t (*cpu)(void* self) = nullptr;
  void* self = nullptr;
};

// The monotonic clock, a generator seeded from the system, CPU 0. `self` must outlive the Host.
struct SystemHost {
  std::uint64_t state;
  SystemHost();
  [[nodiscard]] Host host();
};

[[nodiscard]] const engine::Calls& helper_calls();

}  // namespace skep::machine
