// SPDX-License-Identifier: Apache-2.0
#include "maps/stack_trace.h"

#include <doctest/doctest.h>

#include <array>
#include <thread>

#include "abi/helper_flags.h"
#include "abi/map_types.h"
#include "maps/test_world.h"
#include "maps/words.h"
#include "tests/support/rounds.h"

namespace skep::maps {

namespace {

constexpr MapType kType{abi::BPF_MAP_TYPE_STACK_TRACE,
                        check_stack_trace,
                        stack_trace_bytes,
                        open_stack_trace,
                        false,
                        ""};

struct TestStacks : TestMap {
  explicit TestStacks(std::uint32_t entries, std::uint32_t flags = 0, std::uint32_t bytes = 64)
      : TestMap(kType,
                {.key_bytes = 4, .value_bytes = bytes, .max_entries = entries, .flags = flags}) {}
  StackTraceMap& stacks() { return static_cast<StackTraceMap&>(map()); }
  long put(std::initializer_list<std::uint64_t> addresses, std::uint64_t flags = 0) {
    return stacks().put({addresses.begin(), addresses.size()}, flags);
  }
};

}  // namespace

TEST_CASE("stack trace: specs as Linux takes them") {
  const auto status = [](MapSpec spec) { return check_stack_trace(spec, 1); };
  CHECK(status({.key_bytes = 4, .value_bytes = 127 * 8, .max_entries = 1}) == 0);
  CHECK(status({.key_bytes = 4, .value_bytes = 128 * 8, .max_entries = 1}) == -EINVAL);
  CHECK(status({.key_bytes = 4, .value_bytes = 12, .max_entries = 1}) == -EINVAL);
  CHECK(status({.key_bytes = 8, .value_bytes = 8, .max_entries = 1}) == -EINVAL);
  const std::uint32_t build_id = abi::BPF_F_STACK_BUILD_ID;
  CHECK(status({.key_bytes = 4, .value_bytes = 32, .max_entries = 1, .flags = build_id}) == 0);
  CHECK(status({.key_bytes = 4, .value_bytes = 40, .max_entries = 1, .flags = build_id}) ==
        -EINVAL);
}

TEST_CASE("stack trace: the same stack has the same id, and is read back") {
  TestStacks test(1024);
  const long id = test.put({1, 2, 3});
  REQUIRE(id >= 0);
  CHECK(test.put({1, 2, 3}) == id);
  CHECK(test.put({9, 1, 2, 3}, 1) == id);  // one frame skipped
  CHECK(test.put({1}, 1) == -EFAULT);
  CHECK(test.put({}) == -EFAULT);
  CHECK(test.put({1}, abi::BPF_F_USER_BUILD_ID) == -EINVAL);
  std::array<std::uint64_t, 8> value{};
  value.fill(7);
  const auto key = static_cast<std::uint32_t>(id);
  CHECK(test->read({}, &key, value.data(), 0) == 0);
  CHECK(value == std::array<std::uint64_t, 8>{1, 2, 3});
  CHECK(test->lookup({}, &key) == nullptr);
  CHECK(test->update({}, &key, value.data(), 0) == -EINVAL);
  CHECK(test->take({}, &key, value.data(), 0) == 0);
  CHECK(test->take({}, &key, value.data(), 0) == -ENOENT);
  CHECK(test->remove({}, &key) == -ENOENT);
  const std::uint32_t outside = 1024;
  CHECK(test->remove({}, &outside) == -E2BIG);
  CHECK(test->read({}, &outside, value.data(), 0) == -ENOENT);
}

TEST_CASE("stack trace: deeper than a value is cut") {
  TestStacks test(1024, 0, 16);
  CHECK(test.put({1, 2, 3}) == test.put({1, 2, 4}));
}

TEST_CASE("stack trace: collisions") {
  TestStacks test(2);
  const long first = test.put({1});
  // Until one meets the same bucket.
  std::uint64_t other = 2;
  while (test.put({other}) >= 0) {
    const auto id = static_cast<std::uint32_t>(1 - first);
    if (test->read({}, &id, std::array<std::uint64_t, 8>{}.data(), 0) == 0)
      REQUIRE(test->remove({}, &id) == 0);
    ++other;
  }
  CHECK(test.put({other}) == -EEXIST);
  CHECK(test.put({other}, abi::BPF_F_REUSE_STACKID) == first);
  CHECK(test.put({other}) == first);
  CHECK(test.put({1}) == -EEXIST);
}

TEST_CASE("stack trace: no more stacks than entries") {
  TestStacks test(3);
  int stored = 0;
  bool full = false;
  for (std::uint64_t i = 1; i < 1000; ++i) {
    const long status = test.put({i});
    stored += status >= 0 ? 1 : 0;
    full = full || status == -ENOMEM;
  }
  CHECK(stored == 3);
  CHECK(full);
  std::uint32_t key = 0;
  int keys = 0;
  for (long status = test->next_key({}, nullptr, &key); status == 0; ++keys)
    status = test->next_key({}, &key, &key);
  CHECK(keys == 3);
  REQUIRE(test->next_key({}, nullptr, &key) == 0);
  CHECK(test->remove({}, &key) == 0);
  store_relaxed<std::uint32_t>(test.memory(), 3);  // the count that a killed process left behind
  test->repair();
  stored = 0;
  for (std::uint64_t i = 1; i < 1000; ++i) stored += test.put({i + 5000}) >= 0 ? 1 : 0;
  CHECK(stored == 1);
}

TEST_CASE("stack trace: build ids") {
  TestStacks test(64, abi::BPF_F_STACK_BUILD_ID, 64);
  const long plain = test.put({0x1000, 0x2000});
  REQUIRE(plain >= 0);
  auto key = static_cast<std::uint32_t>(plain);
  std::array<abi::bpf_stack_build_id, 2> value{};
  REQUIRE(test->read({}, &key, value.data(), 0) == 0);
  CHECK(value[1].status == abi::BPF_STACK_BUILD_ID_IP);
  CHECK(value[1].ip == 0x2000);
  test.stacks().set_find_build_id([](std::uint64_t address) {
    return abi::bpf_stack_build_id{
        .status = abi::BPF_STACK_BUILD_ID_VALID, .build_id = {1}, .offset = address + 1};
  });
  const long known = test.put({0x3000});
  REQUIRE(known >= 0);
  key = static_cast<std::uint32_t>(known);
  REQUIRE(test->read({}, &key, value.data(), 0) == 0);
  CHECK(value[0].status == abi::BPF_STACK_BUILD_ID_VALID);
  CHECK(value[0].offset == 0x3001);
  CHECK(value[1].status == abi::BPF_STACK_BUILD_ID_EMPTY);
}

TEST_CASE("stack trace: two writers and a reader see whole stacks") {
  TestStacks test(8);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  threads.reserve(2);
  for (std::uint64_t who = 0; who < 2; ++who)
    threads.emplace_back([&, who] {
      for (std::uint64_t i = 0; i < test::rounds(100'000); ++i)
        (void)test.put({i * 2 + who, i * 2 + who, i * 2 + who}, abi::BPF_F_REUSE_STACKID);
      stop = true;
    });
  bool whole = true;
  while (!stop) {
    for (std::uint32_t key = 0; key < 8; ++key) {
      std::array<std::uint64_t, 8> value{};
      if (test->read({}, &key, value.data(), 0) == 0)
        whole = whole && value[0] == value[1] && value[1] == value[2] && value[3] == 0;
    }
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(whole);
}

TEST_CASE("stack trace: numbers of frames from elsewhere stay inside") {
  TestStacks test(4);
  std::array<std::uint64_t, 8> value{};
  for (std::uint64_t round = 0; round < test::rounds(20'000); ++round) {
    const std::uint32_t random = test.world.random();
    store_relaxed<std::uint32_t>(test.memory() + random % test.bytes() / 4 * 4, random);
    const std::uint32_t key = random % 5;
    (void)test.put({random, 1, 2}, random & 0x700);
    (void)test->read({}, &key, value.data(), 0);
    // A lock that names a stranger is taken over, though not at once.
    for (std::uint32_t id = 0; id < 4; ++id)
      store_relaxed<std::uint32_t>(test.memory() + 64 + id * 80, 0);
  }
}

}  // namespace skep::maps
