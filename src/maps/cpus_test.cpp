// SPDX-License-Identifier: Apache-2.0
#include "maps/cpus.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/map_process.h"

namespace skep::maps {

namespace {

using namespace std::chrono_literals;

}  // namespace

TEST_CASE("there are as many possible CPUs as a region can have slots for") {
  CHECK(possible_cpus() >= 1);
  CHECK(possible_cpus() <= kMaxCpus);
  CHECK(possible_cpus() >= std::min(std::thread::hardware_concurrency(), kMaxCpus));
  CHECK(Region::create({}).value()->cpus() == possible_cpus());
}

TEST_CASE("each holder has a slot of its own and gives it back") {
  const auto region = Region::create({.cpus = 5}).value();
  for (unsigned round = 0; round < 3; ++round) {
    std::array<std::optional<Cpu>, 5> held;
    std::set<unsigned> numbers;
    for (auto& cpu : held) {
      cpu.emplace(*region);
      REQUIRE(cpu->held());
      CHECK(cpu->number() < 5);
      numbers.insert(cpu->number());
    }
    CHECK(numbers.size() == 5);
  }
  const Cpu third(*region, 3);
  CHECK(third.held());
  CHECK(third.number() == 3);
}

TEST_CASE("more threads than slots: one thread a slot at a time, and all get their turn") {
  const auto region = Region::create({.cpus = 2}).value();
  constexpr unsigned kThreads = 8;
  constexpr unsigned kTurns = 500;
  std::array<std::atomic<int>, 2> inside{};
  std::atomic<int> wrong = 0;
  std::atomic<unsigned> turns = 0;
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (unsigned i = 0; i < kThreads; ++i)
      threads.emplace_back([&, i] {
        for (unsigned turn = 0; turn < kTurns; ++turn) {
          std::optional<Cpu> cpu;
          if (i == 0)
            cpu.emplace(*region, turn % 2);
          else
            cpu.emplace(*region);
          if (!cpu->held() || inside[cpu->number()]++ != 0) ++wrong;
          if (cpu->held()) --inside[cpu->number()];
          ++turns;
        }
      });
  }
  CHECK(wrong == 0);
  CHECK(turns == kThreads * kTurns);
}

TEST_CASE("the slot of a killed process is had again") {
  using Mark = std::atomic<std::uint64_t>;
  const auto region = Region::create_shared({.cpus = 2}).value();
  for (unsigned i = 0; i < 10; ++i) {
    test::ChildProcess child([&] {
      const auto mine = Region::attach(Fd(dup(region->fd()))).value();
      const Cpu one(*mine);
      const Cpu two(*mine);
      *mine->root<Mark>(0).value() = one.held() && two.held() ? i + 1 : 0;
      for (;;) pause();
      return 0;
    });
    REQUIRE(test::comes_true([&] { return *region->root<Mark>(0).value() == i + 1; }));
    child.kill();
    const auto begin = std::chrono::steady_clock::now();
    const Cpu one(*region);
    const Cpu two(*region, 1 - one.number());
    CHECK(one.held());
    CHECK(two.held());
    CHECK(std::chrono::steady_clock::now() - begin < 1s);
  }
}

TEST_CASE("a slot that its holder keeps is waited for") {
  const auto region = Region::create({.cpus = 1}).value();
  std::optional<Cpu> first(std::in_place, *region);
  std::atomic<bool> had = false;
  const std::jthread second([&] { had = Cpu(*region).held(); });
  std::this_thread::sleep_for(20ms);
  CHECK_FALSE(had);
  first.reset();
  CHECK(test::comes_true([&] { return had.load(); }));
}

}  // namespace skep::maps
