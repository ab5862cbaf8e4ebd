// SPDX-License-Identifier: Apache-2.0
// What is measured: each row is a program of machine.bpf.c, the map that it works on, and the same
// 1,000 operations called directly from C++. Constant data.
#pragma once

#include <span>
#include <string_view>

#include "bench/machine_door.h"

namespace skep::bench {

inline constexpr std::uint32_t kTimes = 1000;  // operations of a run

struct Operation {
  std::string_view name;  // of the section
  MapShape map{};         // type 0: none
  std::uint32_t fill = 0;
  // Runs of one sample where the map does not hold more; 0 if it does not matter.
  std::uint32_t most_runs = 0;
  // False when an operation fails. `begin` is where the keys begin.
  bool (*direct)(maps::Map& map, const maps::Caller& caller, std::uint32_t begin) = nullptr;
};

// The loop itself comes first.
[[nodiscard]] std::span<const Operation> operations();

// Puts elements 0 to `fill` into the map.
[[nodiscard]] Status fill_map(Door& door, int map, const Operation& operation);

}  // namespace skep::bench
