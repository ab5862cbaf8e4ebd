// SPDX-License-Identifier: Apache-2.0
// The figures of machines: everything that `skep-bench --machine` does, as a table for people or as
// JSON for tools.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace skep::bench {

struct MachineRequest {
  std::string directory;    // where bench/build-programs put its output
  std::string_view filter;  // of names of operations; the costs besides come without one
  bool smoke = false;       // everything once, no figures
  bool json = false;
};

// What to print.
[[nodiscard]] Result<std::string> machine_figures(const MachineRequest& request);

}  // namespace skep::bench
