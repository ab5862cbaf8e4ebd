// SPDX-License-Identifier: Apache-2.0
#include "machine/timers.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <thread>

#include "abi/helper_flags.h"
#include "abi/map_types.h"
#include "maps/test_world.h"

namespace skep::machine {

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kEntries = 4;

const engine::Runnable* some_program() { return reinterpret_cast<const engine::Runnable*>(64); }

// An array with a timer at 8 and a work queue at 24 in each value, and timers that note callbacks.
class Bench {
 public:
  explicit Bench(std::function<void(const Firing&)> on_fire = {})
      : on_fire_(std::move(on_fire)),
        timers_(system_.host(), [this](const Firing& firing, const std::function<bool()>& begin) {
          if (!begin()) return;
          key = *static_cast<const std::uint32_t*>(firing.key);
          ++fired;
          if (on_fire_) on_fire_(firing);
        }) {
    maps::MapSpec spec{.type = abi::BPF_MAP_TYPE_ARRAY,
                       .key_bytes = 4,
                       .value_bytes = 40,
                       .max_entries = kEntries};
    REQUIRE(spec.fields.add({maps::FieldKind::timer, 8, 16}));
    REQUIRE(spec.fields.add({maps::FieldKind::workqueue, 24, 16}));
    auto region = maps::Region::create({.limit_bytes = 1 << 20, .cpus = 2});
    REQUIRE(region);
    region_ = std::move(*region);
    maps::Offset block{};
    auto made = maps::create_map(*region_, world_, spec, block);
    REQUIRE(made);
    map_ = std::move(*made);
  }
  Timers& timers() { return timers_; }
  maps::Map& map() { return *map_; }
  std::byte* timer(std::uint32_t index) {
    return static_cast<std::byte*>(map_->lookup({}, &index)) + 8;
  }
  std::byte* work(std::uint32_t index) { return timer(index) + 16; }
  long ready(std::uint32_t index) {
    const long made = timers_.init(timer(index), *map_, CLOCK_MONOTONIC);
    return made != 0 ? made
                     : timers_.set_callback(timer(index), {.program = some_program(), .code = 1});
  }
  bool wait_for(unsigned count) {
    for (int i = 0; i < 2000 && fired < count; ++i) std::this_thread::sleep_for(1ms);
    return fired >= count;
  }

  std::atomic<unsigned> fired = 0;
  std::atomic<std::uint32_t> key = 99;

 private:
  std::function<void(const Firing&)> on_fire_;
  SystemHost system_;
  maps::TestWorld world_;
  std::unique_ptr<maps::Region> region_;
  std::unique_ptr<maps::Map> map_;
  Timers timers_;
};

}  // namespace

TEST_CASE("timers: the order in which they must be set up") {
  Bench bench;
  Timers& timers = bench.timers();
  std::byte* at = bench.timer(0);
  CHECK(timers.start(at, 0, 0, 0) == -EINVAL);
  CHECK(timers.cancel(at) == -EINVAL);
  CHECK(timers.set_callback(at, {}) == -EINVAL);
  CHECK(timers.init(at, bench.map(), 16) == -EINVAL);
  CHECK(timers.init(at, bench.map(), 2) == -EINVAL);
  CHECK(timers.init(at, bench.map(), CLOCK_BOOTTIME) == 0);
  CHECK(timers.init(at, bench.map(), CLOCK_MONOTONIC) == -EBUSY);
  CHECK(timers.start(at, 0, 0, 0) == -EINVAL);
  CHECK(timers.set_callback(at, {.program = some_program(), .code = 1}) == 0);
  CHECK(timers.start(at, 0, 4, 0) == -EINVAL);
  CHECK(timers.cancel(at) == 0);
  CHECK(timers.start(at, 0, 0, 0) == -EINVAL);
  timers.in_use = [](const maps::Map&) { return false; };
  CHECK(timers.init(bench.timer(1), bench.map(), CLOCK_MONOTONIC) == -EPERM);
}

TEST_CASE("timers: fire once with the element's key") {
  Bench bench;
  REQUIRE(bench.ready(2) == 0);
  CHECK(bench.timers().start(bench.timer(2), 1'000'000, 0, 0) == 0);
  CHECK(bench.wait_for(1));
  CHECK(bench.key == 2);
  std::this_thread::sleep_for(5ms);
  CHECK(bench.fired == 1);
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto due = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + 1;
  CHECK(bench.timers().start(bench.timer(2), due, abi::BPF_F_TIMER_ABS, 0) == 0);
  CHECK(bench.wait_for(2));
}

TEST_CASE("timers: cancelled ones do not fire") {
  Bench bench;
  REQUIRE(bench.ready(0) == 0);
  REQUIRE(bench.ready(1) == 0);
  REQUIRE(bench.ready(3) == 0);
  CHECK(bench.timers().start(bench.timer(0), 20'000'000, 0, 0) == 0);
  CHECK(bench.timers().start(bench.timer(1), 20'000'000, 0, 0) == 0);
  CHECK(bench.timers().start(bench.timer(3), ~std::uint64_t{0}, 0, 0) == 0);
  CHECK(bench.timers().cancel(bench.timer(0)) == 1);
  bench.timers().drop(bench.timer(1));
  CHECK(bench.timers().cancel(bench.timer(1)) == -EINVAL);
  std::this_thread::sleep_for(40ms);
  CHECK(bench.fired == 0);
  bench.timers().drop_map(bench.map());
  CHECK(bench.timers().cancel(bench.timer(3)) == -EINVAL);
}

TEST_CASE("timers: cancel waits for a callback, and in it would wait for ever") {
  std::atomic<long> inside = 0;
  std::atomic<bool> over = false;
  Bench* place = nullptr;
  Bench bench([&](const Firing&) {
    inside = place->timers().cancel(place->timer(0));
    std::this_thread::sleep_for(10ms);
    over = true;
  });
  place = &bench;
  REQUIRE(bench.ready(0) == 0);
  CHECK(bench.timers().start(bench.timer(0), 0, 0, 0) == 0);
  REQUIRE(bench.wait_for(1));
  (void)bench.timers().cancel(bench.timer(0));
  CHECK(over);
  CHECK(inside == -EDEADLK);
}

TEST_CASE("timers: bytes that another wrote name no timer") {
  Bench bench;
  REQUIRE(bench.ready(0) == 0);
  std::copy_n(bench.timer(0), 16, bench.timer(1));
  CHECK(bench.timers().start(bench.timer(1), 0, 0, 0) == -EINVAL);
  std::fill_n(bench.timer(0), 16, std::byte{0x5a});
  CHECK(bench.timers().start(bench.timer(0), 0, 0, 0) == -EINVAL);
}

TEST_CASE("work queues: run soon") {
  Bench bench;
  Timers& timers = bench.timers();
  CHECK(timers.init_work(bench.work(1), bench.map(), 1) == -EINVAL);
  CHECK(timers.init_work(bench.work(1), bench.map(), 0) == 0);
  CHECK(timers.start_work(bench.work(1), 0, 0) == -EINVAL);
  CHECK(timers.set_callback(bench.work(1), {.program = some_program(), .code = 1}) == 0);
  CHECK(timers.start_work(bench.work(1), 1, 0) == -EINVAL);
  CHECK(timers.start_work(bench.work(1), 0, 0) == 0);
  CHECK(bench.wait_for(1));
  CHECK(bench.key == 1);
}

}  // namespace skep::machine
