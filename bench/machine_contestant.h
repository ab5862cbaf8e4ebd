// SPDX-License-Identifier: Apache-2.0
// One side of the measurement of one operation: its map filled, its programs loaded. `run` may be
// called by two threads at the same time.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/machine_operations.h"

namespace skep::bench {

struct Contestant {
  std::string side;
  std::function<Status(std::uint32_t runs)> run;
  std::function<Status(std::uint32_t runs)> run_empty;
  std::function<void()> rewind = [] {};  // before each measurement: empties a ring
  std::uint32_t runs = 1;                // of a sample
};

struct OperationCode {
  isa::Program empty;
  isa::Program operation;
};
[[nodiscard]] Result<OperationCode> read_code(const std::string& directory,
                                              const Operation& operation);

[[nodiscard]] Result<Contestant> program_contestant(Door& door, const Operation& operation,
                                                    const OperationCode& code);
// Calls the map of a machine.
[[nodiscard]] Result<Contestant> direct_contestant(Door& door, const Operation& operation);

}  // namespace skep::bench
