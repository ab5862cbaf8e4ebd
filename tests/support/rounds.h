// SPDX-License-Identifier: Apache-2.0
// How often a random test runs: `rounds(1'000'000)` is that in a plain build, and a twentieth where
// sanitizers make each round slower by about as much.
#pragma once

#include <cstdint>

namespace skep::test {

#ifdef SKEP_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

[[nodiscard]] constexpr std::uint64_t rounds(std::uint64_t plain) {
  return kSanitized ? plain / 20 + 1 : plain;
}

}  // namespace skep::test
