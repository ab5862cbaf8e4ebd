// SPDX-License-Identifier: Apache-2.0
// What a machine costs around its programs: commands of bpf(2), hooks, CPU slots, and its start;
// beside the same commands of the running Linux where there are such.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "bench/machine_contest.h"

namespace skep::bench {

struct FixedRow {
  std::string_view what;
  std::optional<Cost> on_linux{};
  std::optional<Cost> on_machine{};
};

// With `smoke` each is done once, and the figures mean nothing.
[[nodiscard]] Result<std::vector<FixedRow>> measure_machine_fixed(const Sides& sides, bool smoke);

}  // namespace skep::bench
