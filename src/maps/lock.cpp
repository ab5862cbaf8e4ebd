// SPDX-License-Identifier: Apache-2.0
#include "maps/lock.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace skep::maps {

namespace {

using Clock = std::chrono::steady_clock;

// Long enough that a living holder is not asked about often, short enough for the living.
constexpr std::chrono::milliseconds kLookAfter{2};

long futex(const void* word, int operation, std::uint32_t value, const timespec* timeout) {
  return syscall(SYS_futex, word, operation, value, timeout, nullptr, 0);
}

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

}  // namespace

// The word is not private to the process, so neither are the futex operations.
Taken Lock::take_slowly(const Holder& me, std::chrono::milliseconds patience) {
  // Most critical sections are shorter than a system call.
  for (int i = 0; i < 100; ++i) {
    if (try_take(me)) return Taken::clean;
    relax();
  }
  const auto end = Clock::now() + patience;
  for (;;) {
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    if (seen == 0) {
      // Somebody else may still wait: keep the mark, one wake too many does no harm.
      if (word_.compare_exchange_strong(seen, me.word() | kWaiters, std::memory_order_acquire))
        return Taken::clean;
      continue;
    }
    if ((seen & kWaiters) == 0 &&
        !word_.compare_exchange_strong(seen, seen | kWaiters, std::memory_order_relaxed))
      continue;
    const std::uint32_t waited = seen | kWaiters;
    const timespec wait{.tv_sec = 0, .tv_nsec = kLookAfter.count() * 1'000'000};
    futex(&word_, FUTEX_WAIT, waited, &wait);
    std::uint32_t held = waited;
    if (word_.load(std::memory_order_relaxed) == held && !me.lives(held & ~kWaiters) &&
        word_.compare_exchange_strong(held, me.word() | kWaiters, std::memory_order_acquire))
      return Taken::repair;
    if (Clock::now() >= end) return Taken::busy;
  }
}

void Lock::wake() { futex(&word_, FUTEX_WAKE, 1, nullptr); }

}  // namespace skep::maps
