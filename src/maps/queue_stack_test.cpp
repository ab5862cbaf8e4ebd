// SPDX-License-Identifier: Apache-2.0
#include "maps/queue_stack.h"

#include <doctest/doctest.h>

#include <deque>
#include <thread>

#include "abi/map_types.h"
#include "maps/test_world.h"
#include "maps/words.h"
#include "tests/support/rounds.h"

namespace skep::maps {

namespace {

constexpr MapType kQueue{abi::BPF_MAP_TYPE_QUEUE, check_queue, queue_bytes, open_queue, false, ""};
constexpr MapType kStack{abi::BPF_MAP_TYPE_STACK, check_stack, stack_bytes, open_stack, false, ""};

constexpr MapSpec kSpec{.value_bytes = 8, .max_entries = 3};

}  // namespace

TEST_CASE("queue and stack: specs as Linux takes them") {
  const auto status = [](MapSpec spec) { return check_queue(spec, 1); };
  CHECK(status(kSpec) == 0);
  CHECK(status({.key_bytes = 4, .value_bytes = 8, .max_entries = 3}) == -EINVAL);
  CHECK(status({.value_bytes = 0, .max_entries = 3}) == -EINVAL);
  CHECK(status({.value_bytes = 8, .max_entries = 0}) == -EINVAL);
  CHECK(status({.value_bytes = 4U << 20, .max_entries = 1}) == 0);
  CHECK(status({.value_bytes = (4U << 20) + 1, .max_entries = 1}) == -E2BIG);
  CHECK(status({.value_bytes = 8, .max_entries = 3, .flags = abi::BPF_F_NO_PREALLOC}) == -EINVAL);
}

TEST_CASE("queue and stack: what Linux answers") {
  for (const MapType& type : {kQueue, kStack}) {
    TestMap test(type, kSpec);
    std::uint64_t value = 5;
    CHECK(test->peek({}, &value) == -ENOENT);
    CHECK(value == 0);
    CHECK(test->pop({}, &value) == -ENOENT);
    for (const std::uint64_t flags : {1, 3, 4, 8}) CHECK(test->push({}, &value, flags) == -EINVAL);
    for (value = 1; value <= 3; ++value) CHECK(test->write({}, nullptr, &value, 0) == 0);
    CHECK(test->push({}, &value, 0) == -E2BIG);
    CHECK(test->push({}, &value, abi::BPF_EXIST) == 0);  // pushes out the oldest
    CHECK(test->read({}, nullptr, &value, 0) == 0);
    const bool queue = type.number == kQueue.number;
    CHECK(value == (queue ? 2 : 4));
    for (const std::uint64_t expected : {2, 3, 4}) {
      CHECK(test->take({}, nullptr, &value, 0) == 0);
      CHECK(value == (queue ? expected : 6 - expected));
    }
    CHECK(test->take({}, nullptr, &value, 0) == -ENOENT);
    CHECK(test->update({}, nullptr, &value, 0) == -EINVAL);
    CHECK(test->remove({}, nullptr) == -EINVAL);
    CHECK(test->next_key({}, nullptr, &value) == -EINVAL);
    CHECK(test->lookup({}, nullptr) == nullptr);
  }
}

TEST_CASE("queue and stack: as a deque, whatever is asked") {
  for (const MapType& type : {kQueue, kStack}) {
    TestMap test(type, {.value_bytes = 12, .max_entries = 7});
    std::deque<std::uint32_t> model;
    for (std::uint32_t round = 0; round < test::rounds(200'000); ++round) {
      std::array<std::uint32_t, 3> value{round, ~round, round};
      const bool full = model.size() == 7;
      switch (test.world.random() % 5) {
        case 0:
          REQUIRE(test->push({}, value.data(), 0) == (full ? -E2BIG : 0));
          if (!full) model.push_back(round);
          break;
        case 1:
          REQUIRE(test->push({}, value.data(), abi::BPF_EXIST) == 0);
          if (full) model.pop_front();
          model.push_back(round);
          break;
        case 2:
        case 3: {
          REQUIRE(test->pop({}, value.data()) == (model.empty() ? -ENOENT : 0));
          if (model.empty()) break;
          const bool queue = type.number == kQueue.number;
          REQUIRE(value[0] == (queue ? model.front() : model.back()));
          REQUIRE(value[1] == ~value[0]);
          queue ? model.pop_front() : model.pop_back();
          break;
        }
        default:
          REQUIRE(test->peek({}, value.data()) == (model.empty() ? -ENOENT : 0));
      }
    }
  }
}

TEST_CASE("queue: several producers and consumers, every value once") {
  TestMap test(kQueue, {.value_bytes = 8, .max_entries = 64});
  const std::uint64_t each = test::rounds(50'000);
  std::atomic<std::uint64_t> sum{0};
  std::atomic<std::uint64_t> popped{0};
  std::vector<std::thread> threads;
  for (std::uint64_t who = 0; who < 2; ++who) {
    threads.emplace_back([&, who] {
      for (std::uint64_t i = 0; i < each; ++i) {
        const std::uint64_t value = who * each + i;
        while (test->push({}, &value, 0) != 0) std::this_thread::yield();
      }
    });
    threads.emplace_back([&] {
      std::uint64_t value = 0;
      while (popped < 2 * each) {
        if (test->pop({}, &value) != 0) {
          std::this_thread::yield();
          continue;
        }
        sum += value;
        ++popped;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::uint64_t count = 2 * each;
  CHECK(sum == count * (count - 1) / 2);
}

TEST_CASE("queue and stack: indices from elsewhere stay inside") {
  for (const MapType& type : {kQueue, kStack}) {
    TestMap test(type, {.value_bytes = 8, .max_entries = 3});
    std::uint64_t value = 0;
    for (std::uint64_t round = 0; round < test::rounds(20'000); ++round) {
      const std::uint32_t random = test.world.random();
      store_relaxed<std::uint32_t>(test.memory() + 4 + random % 2 * 4, random >> (random % 32));
      (void)test->push({}, &value, random & 2);
      (void)test->pop({}, &value);
      (void)test->peek({}, &value);
    }
  }
}

}  // namespace skep::maps
