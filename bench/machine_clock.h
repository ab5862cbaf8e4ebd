// SPDX-License-Identifier: Apache-2.0
// Time as the figures of machines need it: of this thread, so that who else uses the computer
// matters little, and of the wall for what two threads do together.
#pragma once

#include <algorithm>
#include <ctime>
#include <vector>

#include "bench/measure.h"

namespace skep::bench {

inline constexpr double kMachineSampleNs = 20e6;
inline constexpr unsigned kMachineSamples = 7;

[[nodiscard]] inline double clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

[[nodiscard]] inline double median_of(std::vector<double> samples) {
  std::ranges::sort(samples);
  return samples.empty() ? 0 : samples[samples.size() / 2];
}

[[nodiscard]] inline Cost cost_of(const std::vector<double>& samples) {
  if (samples.empty()) return {};
  const auto [least, most] = std::ranges::minmax(samples);
  return {.median_ns = median_of(samples), .min_ns = least, .max_ns = most};
}

}  // namespace skep::bench
