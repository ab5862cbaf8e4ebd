// SPDX-License-Identifier: Apache-2.0
// Checks that the engines and the native peers do the same, and measures what each run costs:
// thread CPU time, several runs a sample, several samples. The samples of all peers of a program
// are taken in turns, so that a slow second of the machine hits them alike.
#pragma once

#include <string_view>
#include <vector>

#include "bench/programs.h"

namespace skep::bench {

// Nanoseconds a run: the median of the samples and how far they lie apart.
struct Cost {
  double median_ns = 0;
  double min_ns = 0;
  double max_ns = 0;
};

struct EngineCost {
  std::string_view engine;
  Cost cost;
};

struct Row {
  std::string_view program;
  std::uint64_t executed = 0;  // BPF instructions of a run
  Cost native;
  Cost scalar;
  std::vector<EngineCost> engines;  // as engine::engines() has them
};

// What an engine costs besides executing instructions.
struct FixedCost {
  std::string_view engine;
  Cost load;       // of one instruction
  Cost empty_run;  // of a program that only exits
};

// Runs everything once; fails where r0 or memory differ. Gives the number of executed instructions.
[[nodiscard]] Result<std::uint64_t> check(const Program& program);

[[nodiscard]] Result<Row> measure(const Program& program);
[[nodiscard]] Result<FixedCost> measure_fixed(const engine::EngineType& type,
                                              const Programs& programs);

}  // namespace skep::bench
