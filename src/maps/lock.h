// SPDX-License-Identifier: Apache-2.0
// A lock of 32 bits in memory that processes share, and which survives the death of its holder: the
// word names the process that holds it, whoever waits looks now and then whether that process still
// lives, and takes the lock over if not. Waiting is bounded, since the memory is hostile: a word
// that names a living process and never changes costs its waiters kPatience, not for ever.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace skep::maps {

// How a holder is written into a lock: the slot of the process and the generation of the slot.
// 0 is nobody.
using HolderWord = std::uint32_t;

// Who asks for locks: one for each process (or thread of a private Region) that uses the memory.
class Holder {
 public:
  Holder() = default;
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  virtual ~Holder() = default;
  [[nodiscard]] HolderWord word() const { return word_; }
  // Whether the process that this word names can still release what it holds.
  [[nodiscard]] virtual bool lives(HolderWord word) const = 0;

 protected:
  HolderWord word_ = 0;
};

enum class Taken : std::uint8_t {
  clean,
  repair,  // the holder died inside: what the lock protects may be half done
  busy,    // not taken
};

inline constexpr std::chrono::milliseconds kPatience{1000};

class Lock {
 public:
  static constexpr std::uint32_t kWaiters = std::uint32_t{1} << 31;

  [[nodiscard]] Taken take(const Holder& me) {
    std::uint32_t nobody = 0;
    if (word_.compare_exchange_strong(nobody, me.word(), std::memory_order_acquire,
                                      std::memory_order_relaxed)) [[likely]]
      return Taken::clean;
    return take_slowly(me, kPatience);
  }
  [[nodiscard]] bool try_take(const Holder& me) {
    std::uint32_t nobody = 0;
    return word_.load(std::memory_order_relaxed) == 0 &&
           word_.compare_exchange_strong(nobody, me.word(), std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }
  // For a lock that need not be had at any price: `busy` after `patience`.
  [[nodiscard]] Taken take_within(const Holder& me, std::chrono::milliseconds patience) {
    return try_take(me) ? Taken::clean : take_slowly(me, patience);
  }
  void release() {
    if ((word_.exchange(0, std::memory_order_release) & kWaiters) != 0) wake();
  }
  [[nodiscard]] HolderWord holder() const {
    return word_.load(std::memory_order_relaxed) & ~kWaiters;
  }

 private:
  [[nodiscard]] Taken take_slowly(const Holder& me, std::chrono::milliseconds patience);
  void wake();

  std::atomic<std::uint32_t> word_{0};
};
static_assert(sizeof(Lock) == 4, "fits where a program has its struct bpf_spin_lock");

// Releases at the end of its scope what it took.
class Guard {
 public:
  Guard(Lock& lock, const Holder& me) : lock_(lock), taken_(lock.take(me)) {}
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() {
    if (taken_ != Taken::busy) lock_.release();
  }
  [[nodiscard]] Taken taken() const { return taken_; }
  [[nodiscard]] bool busy() const { return taken_ == Taken::busy; }

 private:
  Lock& lock_;
  Taken taken_;
};

}  // namespace skep::maps
