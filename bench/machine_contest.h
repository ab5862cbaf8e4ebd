// SPDX-License-Identifier: Apache-2.0
// Operations on maps by programs of the running Linux and of machines, one machine an engine, and
// by C++ that calls the map. Each sample is CPU time of the thread less that of the empty loop; the
// samples of all sides are taken in turns. With two threads both work on one map at the same time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/machine_operations.h"
#include "bench/measure.h"

namespace skep::bench {

struct Share {
  std::string side;
  Cost one;                 // ns an operation, one thread
  Cost two;                 // of each of two threads
  double wall_scaling = 0;  // operations a second of two threads, by the wall, over those of one
};

struct OperationRow {
  std::string_view operation;
  std::vector<Share> sides;
};

// Linux where it allows that, and a machine for each engine that trusts programs.
struct Sides {
  std::vector<std::unique_ptr<Door>> doors;
  std::string why_no_linux;
};
[[nodiscard]] Result<Sides> open_sides();

// `directory` is where bench/build-programs put its output.
[[nodiscard]] Result<OperationRow> measure_operation(const Sides& sides, const Operation& operation,
                                                     const std::string& directory);
// Each side does it once, with two threads.
[[nodiscard]] Status try_operation(const Sides& sides, const Operation& operation,
                                   const std::string& directory);

}  // namespace skep::bench
