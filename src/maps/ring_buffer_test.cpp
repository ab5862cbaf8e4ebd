// SPDX-License-Identifier: Apache-2.0
#include "maps/ring_buffer.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <array>
#include <thread>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/ring_reader.h"
#include "maps/test_world.h"
#include "maps/words.h"
#include "tests/support/rounds.h"

// NOLINTBEGIN(bugprone-unchecked-optional-access): REQUIRE has looked before

namespace skep::maps {

namespace {

constexpr MapType kType{
    abi::BPF_MAP_TYPE_RINGBUF, check_ring_buffer, ring_buffer_bytes, open_ring_buffer, false, ""};

struct TestRing : TestMap {
  explicit TestRing(std::uint32_t bytes) : TestMap(kType, {.max_entries = bytes}) {}
  RingBufferMap& ring() { return static_cast<RingBufferMap&>(map()); }
};

std::uint64_t word_of(std::span<const std::byte> sample) {
  std::uint64_t word = 0;
  if (sample.size() >= 8) std::memcpy(&word, sample.data(), 8);
  return word;
}

}  // namespace

TEST_CASE("ring buffer: specs as Linux takes them") {
  CHECK(TestMap(kType, {.max_entries = 4096}).status == 0);
  CHECK(TestMap(kType, {.max_entries = 0}).status == -EINVAL);
  CHECK(TestMap(kType, {.max_entries = 2048}).status == -EINVAL);
  CHECK(TestMap(kType, {.max_entries = 12288}).status == -EINVAL);
  CHECK(TestMap(kType, {.key_bytes = 4, .max_entries = 4096}).status == -EINVAL);
  CHECK(TestMap(kType, {.value_bytes = 4, .max_entries = 4096}).status == -EINVAL);
  CHECK(TestMap(kType, {.max_entries = 4096, .flags = abi::BPF_F_MMAPABLE}).status == -EINVAL);
}

TEST_CASE("ring buffer: no element operations") {
  TestRing test(4096);
  std::uint64_t word = 0;
  CHECK(test->read({}, &word, &word, 0) == -abi::ENOTSUPP);
  CHECK(test->write({}, &word, &word, 0) == -abi::ENOTSUPP);
  CHECK(test->remove({}, &word) == -abi::ENOTSUPP);
  CHECK(test->take({}, &word, &word, 0) == -abi::ENOTSUPP);
  CHECK(test->next_key({}, &word, &word) == -abi::ENOTSUPP);
}

TEST_CASE("ring buffer: records come out in order, discarded ones do not") {
  TestRing test(4096);
  RingBufferMap& ring = test.ring();
  std::vector<std::uint64_t> got;
  RingReader reader(ring, [&](auto sample) {
    got.push_back(word_of(sample));
    return 0;
  });
  auto* first = static_cast<std::uint64_t*>(ring.reserve(8, 0));
  auto* second = static_cast<std::uint64_t*>(ring.reserve(12, 0));
  REQUIRE(first != nullptr);
  REQUIRE(second != nullptr);
  *second = 2;
  ring.submit(second, 0);
  CHECK(reader.consume() == 0);  // the first is not committed
  CHECK(ring.query(abi::BPF_RB_AVAIL_DATA) == 16 + 24);
  *first = 1;
  ring.submit(first, 0);
  void* third = ring.reserve(1, 0);
  ring.discard(third, 0);
  const std::uint64_t fourth = 4;
  CHECK(ring.output(&fourth, 8, 0) == 0);
  CHECK(reader.consume() == 3);
  CHECK(got == std::vector<std::uint64_t>{1, 2, 4});
  CHECK(ring.query(abi::BPF_RB_CONS_POS) == 16 + 24 + 16 + 16);
  CHECK(ring.query(abi::BPF_RB_PROD_POS) == ring.query(abi::BPF_RB_CONS_POS));
  CHECK(ring.query(abi::BPF_RB_RING_SIZE) == 4096);
  CHECK(ring.query(17) == 0);
}

TEST_CASE("ring buffer: room") {
  TestRing test(4096);
  RingBufferMap& ring = test.ring();
  CHECK(ring.reserve(8, 1) == nullptr);         // no flags are known
  CHECK(ring.reserve(4096 - 7, 0) == nullptr);  // never fits
  CHECK(ring.reserve(abi::RINGBUF_MAX_RECORD_SZ + 1, 0) == nullptr);
  CHECK(ring.reserve(~std::uint64_t{0}, 0) == nullptr);
  // One byte always stays free, so a record of all bytes is refused too.
  CHECK(ring.reserve(4096 - 8, 0) == nullptr);
  void* most = ring.reserve(4096 - 16, 0);
  REQUIRE(most != nullptr);
  CHECK(ring.reserve(0, 0) == nullptr);
  std::uint64_t word = 0;
  CHECK(ring.output(&word, 8, 0) == -EAGAIN);
  CHECK(ring.output(&word, 8, 4) == -EINVAL);
  ring.submit(most, 0);
  CHECK(ring.reserve(0, 0) == nullptr);  // not consumed
  RingReader reader(ring, [](auto) { return 0; });
  CHECK(reader.consume() == 1);
  CHECK(ring.reserve(0, 0) != nullptr);
}

TEST_CASE("ring buffer: an old uncommitted record keeps its place even if it was consumed") {
  TestRing test(4096);
  RingBufferMap& ring = test.ring();
  void* old = ring.reserve(1000, 0);
  REQUIRE(old != nullptr);
  for (int i = 0; i < 3; ++i) {
    void* other = ring.reserve(1000, 0);
    REQUIRE(other != nullptr);
    ring.submit(other, 0);
  }
  // A consumer that says it is done with everything.
  ring.ring().consumer().store(ring.ring().producer().load());
  CHECK(ring.reserve(2000, 0) == nullptr);
  ring.submit(old, 0);
  CHECK(ring.reserve(2000, 0) != nullptr);
}

TEST_CASE("ring buffer: samples go on across the end") {
  TestRing test(4096);
  RingBufferMap& ring = test.ring();
  int bad = 0;
  RingReader reader(ring, [&](auto sample) {
    for (std::size_t i = 0; i < sample.size(); ++i) bad += sample[i] != std::byte(i & 0xff);
    return 0;
  });
  std::array<std::uint8_t, 1501> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = i & 0xff;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(ring.output(bytes.data(), bytes.size() - static_cast<unsigned>(i), 0) == 0);
    REQUIRE(reader.consume() == 1);
  }
  CHECK(bad == 0);
}

TEST_CASE("ring buffer: who is woken") {
  TestRing test(4096);
  RingBufferMap& ring = test.ring();
  int woken = 0;
  ring.set_on_wake([&] { ++woken; });
  RingReader reader(ring, [](auto) { return 0; });
  const std::uint64_t word = 0;
  (void)ring.output(&word, 8, abi::BPF_RB_NO_WAKEUP);
  CHECK(woken == 0);
  (void)ring.output(&word, 8, 0);  // the consumer does not wait for this one
  CHECK(woken == 0);
  (void)ring.output(&word, 8, abi::BPF_RB_FORCE_WAKEUP | abi::BPF_RB_NO_WAKEUP);
  CHECK(woken == 1);
  CHECK(reader.consume() == 3);
  (void)ring.output(&word, 8, 0);
  CHECK(woken == 2);
  CHECK(ring.readable());
}

TEST_CASE("ring buffer: a callback stops the reader after its record") {
  TestRing test(4096);
  const std::uint64_t word = 0;
  for (int i = 0; i < 3; ++i) (void)test.ring().output(&word, 8, 0);
  RingReader reader(test.ring(), [](auto) { return -7; });
  CHECK(reader.consume() == -7);
  RingReader rest(test.ring(), [](auto) { return 0; });
  CHECK(rest.consume(1) == 1);
  CHECK(rest.consume() == 1);
}

TEST_CASE("ring buffer: what mmap shows") {
  TestRing test(8192);
  Pages pages;
  CHECK(test->pages(0, 4096, true, pages) == 0);
  CHECK(test->pages(0, 8192, true, pages) == -EPERM);
  CHECK(test->pages(4096, 4096, true, pages) == -EPERM);
  CHECK(test->pages(4096, 4096 + 2 * 8192 + 1, false, pages) == -EINVAL);
  CHECK(test->pages(~std::uint64_t{4095}, 8192, false, pages) == -EINVAL);
  const std::uint64_t all = 4096 + 2 * 8192;
  auto* base =
      static_cast<std::byte*>(mmap(nullptr, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  int pieces = 0;
  for (std::uint64_t at = 0; at < all; at += pages.bytes, ++pieces) {
    REQUIRE(test->pages(4096 + at, all - at, false, pages) == 0);
    REQUIRE(mmap(base + at, pages.bytes, PROT_READ, MAP_SHARED | MAP_FIXED, test.region().fd(),
                 static_cast<off_t>(pages.offset)) != MAP_FAILED);
  }
  CHECK(pieces == 2);
  const std::uint64_t word = 0x1122334455667788;
  REQUIRE(test.ring().output(&word, 8, 0) == 0);
  CHECK(word_of({base, 8}) == 16);
  CHECK(word_of({base + 4096, 8}) == 8 + (std::uint64_t{test.region().word()} << 32));
  CHECK(word_of({base + 4096 + 8192 + 8, 8}) == word);
  munmap(base, all);
}

TEST_CASE("ring buffer: several producers, one reader, nothing lost, each in its order") {
  TestRing test(1 << 14);
  RingBufferMap& ring = test.ring();
  constexpr int kProducers = 3;
  constexpr std::uint64_t kEach = test::rounds(100'000);
  std::array<std::uint64_t, kProducers> next{};
  bool ordered = true;
  RingReader reader(ring, [&](auto sample) {
    const std::uint64_t word = word_of(sample);
    ordered = ordered && word >> 32 < kProducers && next[word >> 32]++ == (word & 0xffffffff);
    return 0;
  });
  std::vector<std::thread> threads;
  threads.reserve(kProducers);
  for (std::uint64_t who = 0; who < kProducers; ++who)
    threads.emplace_back([&ring, who] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        std::uint64_t* sample = nullptr;
        const std::uint64_t bytes = 8 + (i * 7) % 64;
        while ((sample = static_cast<std::uint64_t*>(ring.reserve(bytes, 0))) == nullptr)
          std::this_thread::yield();
        if (i % 16 == 5) {
          ring.discard(sample, 0);
          while ((sample = static_cast<std::uint64_t*>(ring.reserve(bytes, 0))) == nullptr)
            std::this_thread::yield();
        }
        *sample = who << 32 | i;
        ring.submit(sample, 0);
      }
    });
  std::uint64_t count = 0;
  while (count < kProducers * kEach) {
    const long got = reader.poll(std::chrono::milliseconds(5000));
    if (got <= 0) break;
    count += static_cast<std::uint64_t>(got);
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(count == kProducers * kEach);
  CHECK(ordered);
}

TEST_CASE("ring buffer: a record whose reserver was killed does not hold up the ring") {
  TestWorld world;
  auto region = Region::create_shared({.limit_bytes = 1 << 26, .cpus = 2}).value();
  MapSpec spec{.type = kType.number, .max_entries = 4096};
  const std::uint64_t bytes = *ring_buffer_bytes(spec, 2);
  const Offset block = region->allocate(bytes).value();
  const auto open = [&](Region& in, bool fresh) {
    return open_ring_buffer({in, world, kType, spec, block, in.at(block, bytes), bytes, fresh});
  };
  auto map = open(*region, true);
  auto& ring = static_cast<RingBufferMap&>(*map);
  region->publish(block);
  const pid_t child = fork();
  if (child == 0) {
    auto other = Region::attach(Fd(dup(region->fd()))).value();
    auto theirs = open(*other, false);
    auto& ring_there = static_cast<RingBufferMap&>(*theirs);
    // One of them inside the lock: the word stays theirs.
    (void)ring_there.reserve(2000, 0);
    (void)ring_there.reserve(100, 0);
    if (!ring_there.ring().control().lock.take(*other)) _exit(1);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  CHECK(ring.query(abi::BPF_RB_AVAIL_DATA) == 2008 + 112);
  int got = 0;
  RingReader reader(ring, [&](auto sample) {
    got += static_cast<int>(word_of(sample));
    return 0;
  });
  SUBCASE("met by the reader") {
    void* mine = ring.reserve(8, 0);
    REQUIRE(mine != nullptr);
    std::memset(mine, 1, 1);
    ring.submit(mine, 0);
    CHECK(reader.poll(std::chrono::seconds(5)) == 1);
    CHECK(got == 1);
  }
  SUBCASE("met by a producer") {
    CHECK(ring.reserve(3000, 0) == nullptr);
    CHECK(reader.consume() == 0);
    CHECK(ring.query(abi::BPF_RB_AVAIL_DATA) == 112);
    CHECK(ring.reserve(4000, 0) == nullptr);
    CHECK(reader.consume() == 0);
    CHECK(ring.reserve(4000, 0) != nullptr);
  }
  SUBCASE("found by repair") {
    map->repair();
    CHECK(reader.consume() == 0);
    CHECK(ring.query(abi::BPF_RB_AVAIL_DATA) == 0);
  }
}

TEST_CASE("ring buffer: whatever stands in its pages, nothing leaves them") {
  TestRing test(4096);
  RingBufferMap& ring = test.ring();
  std::uint64_t seen = 0;
  RingReader reader(ring, [&](auto sample) {
    for (const std::byte byte : sample) seen += static_cast<std::uint8_t>(byte);
    return 0;
  });
  std::array<std::byte, 300> data{};
  for (std::uint64_t round = 0; round < test::rounds(20'000); ++round) {
    const std::uint64_t random = test.world.random() | std::uint64_t{test.world.random()} << 32;
    auto put = [&](std::uint64_t at) {
      store_relaxed<std::uint64_t>(test.memory() + at % (3 * 4096 + 4096) / 8 * 8, random);
    };
    constexpr std::array<std::uint64_t, 3> kPositions{8, kRingPage, 2 * kRingPage};
    put(random % 8 < 3 ? kPositions[random % 8] : 3 * kRingPage + (random >> 20) % 4096);
    if (void* sample = ring.reserve(random % 300, 0)) std::memset(sample, 0xab, random % 300);
    (void)ring.output(data.data(), random % data.size(), 0);
    (void)reader.consume(100);
    if (random % 64 == 9) test->repair();
  }
  CHECK(seen != 1);
}

}  // namespace skep::maps

// NOLINTEND(bugprone-unchecked-optional-access)
