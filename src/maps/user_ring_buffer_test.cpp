// SPDX-License-Identifier: Apache-2.0
#include "maps/user_ring_buffer.h"

#include <doctest/doctest.h>

#include <thread>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/test_world.h"
#include "maps/words.h"
#include "tests/support/rounds.h"

namespace skep::maps {

namespace {

constexpr MapType kType{abi::BPF_MAP_TYPE_USER_RINGBUF,
                        check_user_ring_buffer,
                        user_ring_buffer_bytes,
                        open_user_ring_buffer,
                        false,
                        ""};

struct TestRing : TestMap {
  explicit TestRing(std::uint32_t bytes) : TestMap(kType, {.max_entries = bytes}) {}
  UserRingBufferMap& ring() { return static_cast<UserRingBufferMap&>(map()); }
  void put(std::uint64_t value, std::uint64_t bytes = 8) {
    UserRingWriter writer(ring());
    void* sample = nullptr;
    REQUIRE(writer.reserve(bytes, sample) == 0);
    std::memcpy(sample, &value, 8);
    writer.submit(sample);
  }
};

struct Seen {
  std::vector<std::uint64_t> words{};
  long answer = 0;
  UserRingBufferMap* nested = nullptr;
  long nested_result = 0;

  static long visit(void* self, std::byte* sample, std::uint32_t bytes) {
    auto& seen = *static_cast<Seen*>(self);
    std::uint64_t word = 0;
    if (bytes >= 8) load_words(&word, sample, 8);
    seen.words.push_back(word);
    if (seen.nested != nullptr) seen.nested_result = seen.nested->drain({visit, self}, 0);
    return seen.answer;
  }
  SampleVisitor visitor() { return {visit, this}; }
};

}  // namespace

TEST_CASE("user ring buffer: samples reach the program in order, discarded ones do not count") {
  TestRing test(4096);
  Seen seen;
  CHECK(test.ring().drain(seen.visitor(), 0) == 0);
  test.put(1);
  UserRingWriter writer(test.ring());
  void* sample = nullptr;
  REQUIRE(writer.reserve(100, sample) == 0);
  writer.discard(sample);
  test.put(2);
  REQUIRE(writer.reserve(8, sample) == 0);  // busy: the drain stops here
  test.put(3);
  CHECK(test.ring().drain(seen.visitor(), 0) == 2);
  CHECK(seen.words == std::vector<std::uint64_t>{1, 2});
  writer.discard(sample);
  CHECK(test.ring().drain(seen.visitor(), 0) == 1);
  CHECK(test->read({}, nullptr, sample, 0) == -abi::ENOTSUPP);
}

TEST_CASE("user ring buffer: a callback stops the drain, and no drain is inside another") {
  TestRing test(4096);
  for (std::uint64_t i = 0; i < 3; ++i) test.put(i);
  Seen seen;
  seen.answer = 1;
  seen.nested = &test.ring();
  CHECK(test.ring().drain(seen.visitor(), 0) == 1);
  CHECK(seen.nested_result == -EBUSY);
  CHECK(test.ring().drain(seen.visitor(), 4) == -EINVAL);
}

TEST_CASE("user ring buffer: a producer that breaks the rules") {
  TestRing test(4096);
  Seen seen;
  const Ring& ring = test.ring().ring();
  SUBCASE("position not a multiple of 8") {
    ring.producer() = 12;
    CHECK(test.ring().drain(seen.visitor(), 0) == -EINVAL);
  }
  SUBCASE("sample longer than announced") {
    ring.header(0).length = 17;
    ring.producer() = 24;
    CHECK(test.ring().drain(seen.visitor(), 0) == -EINVAL);
  }
  SUBCASE("sample longer than the ring") {
    ring.header(0).length = 4096;
    ring.producer() = 8192;
    CHECK(test.ring().drain(seen.visitor(), 0) == -E2BIG);
  }
  SUBCASE("position behind the consumer's") {
    ring.consumer() = 64;
    ring.producer() = 8;
    CHECK(test.ring().drain(seen.visitor(), 0) == 0);
  }
  CHECK(seen.words.empty());
}

TEST_CASE("user ring buffer: room, and who is woken") {
  TestRing test(4096);
  int woken = 0;
  test.ring().set_on_wake([&] { ++woken; });
  UserRingWriter writer(test.ring());
  void* sample = nullptr;
  CHECK(writer.reserve(4089, sample) == -E2BIG);
  CHECK(writer.reserve(~std::uint64_t{0}, sample) == -E2BIG);
  CHECK(test.ring().writable());
  REQUIRE(writer.reserve(4088, sample) == 0);
  CHECK_FALSE(test.ring().writable());
  writer.submit(sample);
  CHECK(writer.reserve(0, sample) == -ENOSPC);
  CHECK(writer.reserve_within(0, std::chrono::milliseconds{1}, sample) == -ENOSPC);
  Seen seen;
  CHECK(test.ring().drain(seen.visitor(), abi::BPF_RB_NO_WAKEUP) == 1);
  CHECK(woken == 0);
  CHECK(test.ring().drain(seen.visitor(), 0) == 0);
  CHECK(woken == 0);
  CHECK(test.ring().drain(seen.visitor(), abi::BPF_RB_FORCE_WAKEUP) == 0);
  CHECK(woken == 1);
  test.put(1);
  CHECK(test.ring().drain(seen.visitor(), 0) == 1);
  CHECK(woken == 2);
}

TEST_CASE("user ring buffer: the program's position cannot be mapped to write") {
  TestRing test(4096);
  Pages pages;
  CHECK(test->pages(0, 4096, false, pages) == 0);
  CHECK(test->pages(0, 4096, true, pages) == -EPERM);
  CHECK(test->pages(4096, 4096 + 8192, true, pages) == 0);
  CHECK(test->pages(4096, 8192 + 8192, true, pages) == -EINVAL);
}

TEST_CASE("user ring buffer: a writer that waits and a program that drains") {
  TestRing test(4096);
  const std::uint64_t count = test::rounds(50'000);
  std::thread producer([&] {
    UserRingWriter writer(test.ring());
    for (std::uint64_t i = 0; i < count; ++i) {
      void* sample = nullptr;
      if (writer.reserve_within(8 + i % 100, std::chrono::seconds{5}, sample) != 0) return;
      std::memcpy(sample, &i, 8);
      writer.submit(sample);
    }
  });
  Seen seen;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (seen.words.size() < count && std::chrono::steady_clock::now() < end)
    if (test.ring().drain(seen.visitor(), 0) == 0) std::this_thread::yield();
  producer.join();
  REQUIRE(seen.words.size() == count);
  for (std::uint64_t i = 0; i < count; ++i) REQUIRE(seen.words[i] == i);
}

TEST_CASE("user ring buffer: whatever stands in its pages, nothing leaves them") {
  TestRing test(4096);
  struct Reader {
    static long visit(void* self, std::byte* sample, std::uint32_t bytes) {
      for (std::uint32_t i = 0; i < bytes; ++i)
        *static_cast<std::uint64_t*>(self) += load_relaxed<std::uint8_t>(sample + i);
      return 0;
    }
  };
  std::uint64_t sum = 0;
  UserRingWriter writer(test.ring());
  for (std::uint64_t round = 0; round < test::rounds(20'000); ++round) {
    const std::uint64_t random = test.world.random() | std::uint64_t{test.world.random()} << 32;
    const bool position = random % 4 == 0;
    const std::uint64_t at =
        position ? (1 + random / 4 % 2) * kRingPage : 3 * kRingPage + (random >> 20) % 4096 / 8 * 8;
    // Small positions are the dangerous ones: they pass the first checks.
    store_relaxed<std::uint64_t>(test.memory() + at, random >> (round % 50) & ~7ULL);
    void* sample = nullptr;
    if (writer.reserve(random % 500, sample) == 0) {
      std::memset(sample, 1, random % 500);
      writer.submit(sample);
    }
    (void)test.ring().drain({Reader::visit, &sum}, 0);
  }
  CHECK(sum != 1);
}

}  // namespace skep::maps
