// SPDX-License-Identifier: Apache-2.0
// What BPF_MAP_CREATE asks of several types in the same words.
#pragma once

#include "abi/map_types.h"

namespace skep::maps {

// The most that Linux allocates in one piece.
inline constexpr std::uint32_t kMaxAllocation = 4U << 20;

inline constexpr std::uint32_t kAccessFlags =
    abi::BPF_F_RDONLY | abi::BPF_F_WRONLY | abi::BPF_F_RDONLY_PROG | abi::BPF_F_WRONLY_PROG;

// No others than `known`, and not both of those that leave a program nothing to do.
[[nodiscard]] constexpr bool flags_known(std::uint32_t flags, std::uint32_t known) {
  constexpr std::uint32_t kBoth = abi::BPF_F_RDONLY_PROG | abi::BPF_F_WRONLY_PROG;
  return (flags & ~known) == 0 && (flags & kBoth) != kBoth;
}

}  // namespace skep::maps
