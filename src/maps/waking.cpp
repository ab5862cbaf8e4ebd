// SPDX-License-Identifier: Apache-2.0
#include "maps/waking.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <ctime>

namespace skep::maps {

void Waking::wake() {
  count_.fetch_add(1);
  if (sleepers_.load() != 0) syscall(SYS_futex, &count_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void Waking::sleep(std::uint32_t seen, std::chrono::nanoseconds timeout) {
  // Short enough that a sleeper who was forgotten sleeps not for long.
  constexpr std::chrono::nanoseconds kLongest = std::chrono::milliseconds{100};
  const timespec wait{
      .tv_sec = 0, .tv_nsec = std::clamp(timeout, std::chrono::nanoseconds{0}, kLongest).count()};
  sleepers_.fetch_add(1);
  syscall(SYS_futex, &count_, FUTEX_WAIT, seen, &wait, nullptr, 0);
  std::uint32_t sleepers = sleepers_.load();
  while (sleepers != 0 && !sleepers_.compare_exchange_weak(sleepers, sleepers - 1)) {
  }
}

}  // namespace skep::maps
