// SPDX-License-Identifier: Apache-2.0
// Runs the program of a case in one place and says what was seen there. What is executed on the
// checked engine is noted, so that no operation of the table goes untested.
#pragma once

#include <array>

#include "engine/engine.h"
#include "isa/ops.h"
#include "tests/runner/case.h"

namespace skep::test {

using Covered = std::array<bool, isa::kOps.size()>;

// Either the program ended by exit, or `error` says in one line why it did not.
struct Observed {
  std::string error;
  std::uint64_t r0 = 0;
  Bytes memory;
  bool loaded = false;
};

// Fails when the runner itself cannot do its work, or when the engine takes the process with it.
[[nodiscard]] Result<Observed> run_on_engine(const engine::EngineType& type, const Case& given,
                                             const isa::Program& program, Covered& covered);

struct LinuxObserved {
  bool accepted = false;
  std::string log;  // of the refusal
  Observed run;     // when accepted and asked for
};

// The case's program becomes a function that a small main of the runner calls. Its r3 is the
// context, which Linux wants in r6 for packet loads.
[[nodiscard]] Result<LinuxObserved> run_on_linux(const Case& given, const isa::Program& program,
                                                 bool runs);

}  // namespace skep::test
