// SPDX-License-Identifier: Apache-2.0
#include "maps/quick_lock.h"

#include <sched.h>

#include <ctime>

namespace skep::maps {

bool QuickLock::take_slowly(const Holder& me) {
  using Clock = std::chrono::steady_clock;
  constexpr int kSpins = 200;
  constexpr int kYields = 20;
  const auto end = Clock::now() + kPatience;
  for (int round = 0;; ++round) {
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    if (seen == 0 && word_.compare_exchange_strong(seen, me.word(), std::memory_order_acquire))
      return true;
    if (round < kSpins) continue;
    if (round < kSpins + kYields) {
      sched_yield();
      continue;
    }
    if (!me.lives(seen) &&
        word_.compare_exchange_strong(seen, me.word(), std::memory_order_acquire))
      return true;
    if (Clock::now() >= end) return false;
    const timespec wait{.tv_sec = 0, .tv_nsec = 100'000};
    nanosleep(&wait, nullptr);
  }
}

}  // namespace skep::maps
