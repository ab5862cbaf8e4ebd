// SPDX-License-Identifier: Apache-2.0
// The same random operations on two sides, which must answer the same to the errno. What Linux does
// not promise is not compared: the order of a hash, and which elements an LRU evicts.
#pragma once

#include <string>
#include <vector>

#include "base/hex.h"
#include "tests/support/map_side.h"
#include "tests/support/random_program.h"

namespace skep::test {

struct Trial {
  maps::MapSpec spec;
  std::vector<Bytes> keys;  // operations choose among these, so that they meet; empty without keys
  std::uint64_t value_bytes = 0;  // as bpf(2) has them
  bool ordered = false;           // next_key and batches come in the same order on both sides
};

// A spec that can be made, small enough to be filled, and keys for it.
[[nodiscard]] Trial random_trial(std::uint32_t type, Random& random, unsigned cpus);

// Any spec, mostly one that is almost right; not larger than what a machine can give.
[[nodiscard]] maps::MapSpec random_spec(std::uint32_t type, Random& random);

// As text for a failure: "type 1, 4-byte keys, ...".
[[nodiscard]] std::string shown(const maps::MapSpec& spec);

// Where both differ first, in words; nothing if nowhere. Both hold the trial's map, freshly made.
[[nodiscard]] std::string first_difference(MapSide& one, MapSide& two, const Trial& trial,
                                           Random& random, unsigned steps);

}  // namespace skep::test
