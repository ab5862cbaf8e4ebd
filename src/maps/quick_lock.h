// SPDX-License-Identifier: Apache-2.0
// As Lock, but let go by a plain store: cheaper by an atomic operation, and who waits looks again
// by himself. For short sections whose every step leaves whole what they protect, since nobody is
// told when a holder died inside.
#pragma once

#include "maps/lock.h"

namespace skep::maps {

class QuickLock {
 public:
  [[nodiscard]] bool take(const Holder& me) {
    std::uint32_t nobody = 0;
    return word_.compare_exchange_strong(nobody, me.word(), std::memory_order_acquire,
                                         std::memory_order_relaxed) ||
           take_slowly(me);
  }
  void release() { word_.store(0, std::memory_order_release); }

 private:
  [[nodiscard]] bool take_slowly(const Holder& me);

  std::atomic<HolderWord> word_{0};
};

class QuickGuard {
 public:
  QuickGuard(QuickLock& lock, const Holder& me) : lock_(lock), held_(lock.take(me)) {}
  QuickGuard(const QuickGuard&) = delete;
  QuickGuard& operator=(const QuickGuard&) = delete;
  ~QuickGuard() {
    if (held_) lock_.release();
  }
  [[nodiscard]] bool held() const { return held_; }

 private:
  QuickLock& lock_;
  bool held_;
};

}  // namespace skep::maps
