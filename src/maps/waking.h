// SPDX-License-Identifier: Apache-2.0
// Sleeping until somebody, maybe in another process, has something to tell: a counter that is a
// futex. It stands in shared memory; whatever others write there, a sleeper wakes in time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace skep::maps {

class Waking {
 public:
  // All who sleep.
  void wake();
  [[nodiscard]] std::uint32_t count() const { return count_.load(); }
  // Until `count()` is not `seen` any more, the time is over, or a tenth of a second is.
  void sleep(std::uint32_t seen, std::chrono::nanoseconds timeout);
  // Sleepers that died count no more.
  void forget_sleepers() { sleepers_.store(0); }

 private:
  std::atomic<std::uint32_t> count_{0};
  std::atomic<std::uint32_t> sleepers_{0};
};
static_assert(sizeof(Waking) == 8);

}  // namespace skep::maps
