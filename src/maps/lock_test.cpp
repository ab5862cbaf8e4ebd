// SPDX-License-Identifier: Apache-2.0
#include "maps/lock.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "maps/region.h"
#include "tests/support/map_process.h"

namespace skep::maps {

namespace {

using namespace std::chrono_literals;

class TestHolder final : public Holder {
 public:
  TestHolder(HolderWord word, bool others_live) : others_live_(others_live) { word_ = word; }
  [[nodiscard]] bool lives(HolderWord word) const override { return word == word_ || others_live_; }

 private:
  bool others_live_;
};

// A lock, and its word as anybody could write it.
struct Shared {
  Lock lock;
  [[nodiscard]] std::atomic<std::uint32_t>& word() {
    return reinterpret_cast<std::atomic<std::uint32_t>&>(lock);
  }
};

}  // namespace

TEST_CASE("a lock names its holder and is free again") {
  const TestHolder me(0x101, true);
  Lock lock;
  CHECK(lock.holder() == 0);
  CHECK(lock.take(me) == Taken::clean);
  CHECK(lock.holder() == 0x101);
  CHECK_FALSE(lock.try_take(me));
  CHECK(lock.take_within(me, 3ms) == Taken::busy);
  lock.release();
  CHECK(lock.holder() == 0);
  CHECK(lock.try_take(me));
  lock.release();
  {
    const Guard guard(lock, me);
    CHECK(guard.taken() == Taken::clean);
    CHECK_FALSE(guard.busy());
    CHECK(lock.holder() == 0x101);
  }
  CHECK(lock.holder() == 0);
}

TEST_CASE("threads take turns, and none is forgotten") {
  const TestHolder me(0x101, true);
  Lock lock;
  constexpr unsigned kThreads = 4;
  constexpr std::uint64_t kTurns = 20'000;
  std::uint64_t count = 0;
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (unsigned i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        for (std::uint64_t turn = 0; turn < kTurns; ++turn) {
          const Guard guard(lock, me);
          if (!guard.busy()) count = count + 1;
        }
      });
  }
  CHECK(count == kThreads * kTurns);
  CHECK(lock.holder() == 0);
}

TEST_CASE("a waiter wakes when the lock is let go") {
  const TestHolder me(0x101, true);
  Lock lock;
  REQUIRE(lock.take(me) == Taken::clean);
  std::atomic<bool> taken = false;
  const std::jthread waiter([&] {
    taken = lock.take(me) == Taken::clean;
    lock.release();
  });
  std::this_thread::sleep_for(10ms);
  CHECK_FALSE(taken);
  lock.release();
  CHECK(test::comes_true([&] { return taken.load(); }));
}

TEST_CASE("the lock of a dead holder is taken over for repair") {
  const TestHolder dead(0x101, true);
  const TestHolder me(0x202, false);
  Lock lock;
  REQUIRE(lock.take(dead) == Taken::clean);
  CHECK(lock.take(me) == Taken::repair);
  CHECK(lock.holder() == 0x202);
  lock.release();
  CHECK(lock.take(me) == Taken::clean);
  lock.release();
}

TEST_CASE("one of many waiters repairs, the others find it done") {
  const TestHolder dead(0x101, true);
  Lock lock;
  REQUIRE(lock.take(dead) == Taken::clean);
  std::atomic<int> repairs = 0;
  std::atomic<int> clean = 0;
  {
    std::vector<std::jthread> threads;
    threads.reserve(4);
    for (unsigned i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        // Only the first holder is dead.
        class Other final : public Holder {
         public:
          Other() { word_ = 0x202; }
          [[nodiscard]] bool lives(HolderWord word) const override { return word == word_; }
        };
        const Other me;
        const Guard guard(lock, me);
        (guard.taken() == Taken::repair ? repairs : clean) += guard.busy() ? 0 : 1;
      });
  }
  CHECK(repairs == 1);
  CHECK(clean == 3);
}

TEST_CASE("a living holder that never lets go costs its waiters their patience") {
  const TestHolder other(0x101, true);
  const TestHolder me(0x202, true);
  Lock lock;
  REQUIRE(lock.take(other) == Taken::clean);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(lock.take(me) == Taken::busy);
  const auto waited = std::chrono::steady_clock::now() - begin;
  CHECK(waited >= kPatience);
  CHECK(waited < 10 * kPatience);
  CHECK(lock.holder() == 0x101);
  const Guard guard(lock, me);
  CHECK(guard.busy());
}

TEST_CASE("whatever word stands in a lock, its waiters come to an end") {
  const TestHolder me(0x202, false);
  for (const std::uint32_t word :
       {1U, 0xffU, 0x101U, 0x7fff'ffffU, 0x8000'0000U, 0x8000'0001U, 0xffff'ffffU}) {
    CAPTURE(word);
    Shared shared;
    shared.word() = word;
    CHECK(shared.lock.take(me) == Taken::repair);
    shared.lock.release();
    CHECK(shared.word() == 0);
  }
  // Its own: as a lock that it holds already.
  for (const std::uint32_t word : {0x202U, 0x8000'0202U}) {
    Shared shared;
    shared.word() = word;
    CHECK(shared.lock.take_within(me, 10ms) == Taken::busy);
  }
}

TEST_CASE("a word that changes all the time ends in busy or in the lock") {
  const TestHolder me(0x202, true);
  Shared shared;
  std::atomic<bool> stop = false;
  const std::jthread hostile([&] {
    for (std::uint32_t i = 0; !stop; ++i) shared.word() = 0x101 + (i % 7 << 8);
  });
  for (unsigned i = 0; i < 5; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    (void)shared.lock.take_within(me, 20ms);
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
  }
  stop = true;
}

TEST_CASE("a process that is killed inside a lock leaves it for repair") {
  const auto region = Region::create_shared({.cpus = 1}).value();
  const Offset block = region->allocate(64).value();
  region->publish(block);
  Lock& lock = *region->at<Lock>(block);
  for (unsigned i = 0; i < 20; ++i) {
    test::ChildProcess child([&] {
      const auto mine = Region::attach(Fd(dup(region->fd()))).value();
      Lock& same = *mine->at<Lock>(block);
      if (same.take(*mine) == Taken::busy) return 1;
      for (;;) pause();
      return 0;
    });
    REQUIRE(test::comes_true([&] { return lock.holder() != 0; }));
    CHECK(lock.take_within(*region, 10ms) == Taken::busy);
    // The waiter was there first, and finds out by itself.
    std::atomic<Taken> taken = Taken::busy;
    {
      const std::jthread waiter([&] { taken = lock.take(*region); });
      child.kill();
    }
    CHECK(taken == Taken::repair);
    lock.release();
  }
}

}  // namespace skep::maps
