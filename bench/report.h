// SPDX-License-Identifier: Apache-2.0
// The figures as a table for people and as JSON for tools. Times are medians of CPU time.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/host.h"
#include "bench/measure.h"

namespace skep::bench {

struct Report {
  Host host;
  std::string_view compiler;  // of programs and peers
  std::vector<Row> rows;
  std::vector<FixedCost> fixed;
};

[[nodiscard]] std::string as_table(const Report& report);
[[nodiscard]] std::string as_json(const Report& report);

}  // namespace skep::bench
