// SPDX-License-Identifier: Apache-2.0
// What the types built on hashes share when they are made. Pure functions.
#pragma once

#include "maps/hash_table.h"

namespace skep::maps {

struct HashTraits {
  bool lru;
  bool percpu;
};

[[nodiscard]] long check_hash_spec(MapSpec& spec, unsigned cpus, const HashTraits& traits);
[[nodiscard]] std::optional<std::uint64_t> bytes_of_hash(const MapSpec& spec, unsigned cpus);

}  // namespace skep::maps
