// SPDX-License-Identifier: Apache-2.0
// A hook that fires by the clock: the machine's own event, for sampling and for printing now and
// then. Fires on a thread of its own for as long as the object lives.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "machine/fire.h"

namespace skep::machine {

class Interval {
 public:
  // The hook is the raw tracepoint "interval/<name>"; r1 leads to the number of the firing, from 1
  // on.
  Interval(Machine& machine, std::string_view name, std::chrono::nanoseconds period);
  Interval(const Interval&) = delete;
  Interval& operator=(const Interval&) = delete;
  ~Interval();

  // Firings that were left out, because programs took longer than the period.
  [[nodiscard]] std::uint64_t missed() const { return missed_.load(std::memory_order_relaxed); }

 private:
  void work();

  HookSite site_;
  const std::chrono::nanoseconds period_;
  std::atomic<std::uint64_t> missed_{0};
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  std::thread thread_;
};

[[nodiscard]] std::string interval_hook(std::string_view name);

}  // namespace skep::machine
