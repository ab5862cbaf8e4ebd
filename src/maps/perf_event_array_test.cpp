// SPDX-License-Identifier: Apache-2.0
#include "maps/perf_event_array.h"

#include <doctest/doctest.h>

#include <thread>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/test_world.h"
#include "maps/words.h"
#include "tests/support/rounds.h"

namespace skep::maps {

namespace {

constexpr MapType kType{abi::BPF_MAP_TYPE_PERF_EVENT_ARRAY,
                        check_perf_event_array,
                        perf_event_array_bytes,
                        open_perf_event_array,
                        false,
                        ""};

struct TestArray : TestMap {
  explicit TestArray(std::uint32_t flags = 0)
      : TestMap(kType, {.key_bytes = 4, .value_bytes = 4, .max_entries = 4, .flags = flags}) {}
  PerfEventArrayMap& array() { return static_cast<PerfEventArrayMap&>(map()); }
  long put(unsigned cpu, std::uint64_t flags, std::span<const std::byte> data) {
    return array().output({.cpu = cpu}, flags, data);
  }
  long put(unsigned cpu, std::uint64_t flags = abi::BPF_F_CURRENT_CPU, std::uint64_t word = 7) {
    return put(cpu, flags, std::as_bytes(std::span(&word, 1)));
  }
};

struct Got {
  std::vector<std::vector<std::byte>> samples{};
  std::uint64_t lost = 0;
  PerfReader reader(const PerfBuffer& buffer) {
    return {buffer.ring(),
            [this](auto data) {
              samples.emplace_back(data.begin(), data.end());
              return 0;
            },
            [this](std::uint64_t count) { lost += count; }};
  }
};

class OneDescriptor final : public PerfDescriptors {
 public:
  explicit OneDescriptor(std::uint64_t slot) : slot_(slot) {}
  [[nodiscard]] long acquire(int fd, std::uint64_t& slot) override {
    if (fd != 77) return -EBADF;
    slot = slot_;
    ++references;
    return 0;
  }
  void release(std::uint64_t) override { --references; }
  int references = 0;

 private:
  std::uint64_t slot_;
};

}  // namespace

TEST_CASE("perf event array: where a sample may go") {
  TestArray test;
  CHECK(test.put(0) == -ENOENT);
  CHECK(test.put(0, 4) == -E2BIG);
  CHECK(test.put(0, 1ULL << 32) == -EINVAL);
  const auto buffer = test.array().open_buffer(1, 1).value();
  CHECK(test.put(0) == -ENOENT);
  CHECK(test.put(0, 1) == -EOPNOTSUPP);
  CHECK(test.put(1, 1) == 0);
  CHECK(test.put(1) == 0);
  test.array().close_buffer(*buffer);
  CHECK(test.put(1) == -ENOENT);
  CHECK_FALSE(test.array().open_buffer(4, 1).has_value());
  CHECK_FALSE(test.array().open_buffer(0, 3).has_value());
  CHECK_FALSE(test.array().open_buffer(0, 0).has_value());
}

TEST_CASE("perf event array: records as perf lays them out") {
  TestArray test;
  const auto buffer = test.array().open_buffer(0, 2).value();
  const std::array<std::byte, 5> data{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                                      std::byte{5}};
  REQUIRE(test.put(0, abi::BPF_F_CURRENT_CPU, data) == 0);
  const std::byte* page = test.region().at(buffer->block(), 3 * 4096);
  const auto& head = *reinterpret_cast<const abi::perf_event_mmap_page*>(page);
  CHECK(head.data_head == 24);
  CHECK(head.data_tail == 0);
  CHECK(head.data_offset == 4096);
  CHECK(head.data_size == 8192);
  abi::perf_event_raw_sample sample{};
  std::memcpy(&sample, page + 4096, sizeof(sample));
  CHECK(sample.header.type == 9);
  CHECK(sample.header.size == 24);
  CHECK(sample.size == 12);  // 5 and padding up to a multiple of 8 with this word
  CHECK(std::memcmp(page + 4096 + 12, data.data(), 5) == 0);
  const std::array<std::byte, 7> zeros{};
  CHECK(std::memcmp(page + 4096 + 17, zeros.data(), 7) == 0);
  test.array().close_buffer(*buffer);
}

TEST_CASE("perf event array: samples cross the end, and what is lost is told") {
  TestArray test;
  const auto buffer = test.array().open_buffer(0, 1).value();
  Got got;
  PerfReader reader = got.reader(*buffer);
  std::vector<std::byte> data(700);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = std::byte(i & 0xff);
  for (int i = 0; i < 50; ++i) {
    REQUIRE(test.put(0, 0, data) == 0);
    REQUIRE(reader.consume() == 1);
    REQUIRE(std::memcmp(got.samples.back().data(), data.data(), 700) == 0);
    REQUIRE(got.samples.back().size() == 700);
  }
  int fit = 0;
  while (test.put(0, 0, data) == 0) ++fit;
  CHECK(fit == 5);
  CHECK(test.put(0, 0, data) == -ENOSPC);
  CHECK(reader.consume() == 5);
  CHECK(got.lost == 0);
  CHECK(test.put(0, 0, data) == 0);
  CHECK(reader.consume() == 1);
  CHECK(got.lost == 2);
  CHECK(test.put(0, 0, std::vector<std::byte>(1 << 16)) == -E2BIG);
  test.array().close_buffer(*buffer);
}

TEST_CASE("perf event array: two parts make one sample") {
  TestArray test;
  const auto buffer = test.array().open_buffer(0, 1).value();
  const std::uint32_t first = 1;
  const std::uint64_t second = 2;
  CHECK(test.array().output({}, 0, std::as_bytes(std::span(&first, 1)),
                            std::as_bytes(std::span(&second, 1))) == 0);
  Got got;
  REQUIRE(got.reader(*buffer).consume() == 1);
  REQUIRE(got.samples[0].size() == 12);
  CHECK(std::memcmp(got.samples[0].data() + 4, &second, 8) == 0);
  test.array().close_buffer(*buffer);
}

TEST_CASE("perf event array: bpf(2) puts descriptors in and cannot read them") {
  for (const std::uint32_t flags : {0U, std::uint32_t{abi::BPF_F_PRESERVE_ELEMS}}) {
    TestArray test(flags);
    REQUIRE(test.status == 0);
    std::uint32_t index = 2;
    int fd = 77;
    CHECK(test->write({}, &index, &fd, 0) == -EBADF);
    const auto buffer = PerfBuffer::create(test.region(), 3, 1).value();
    OneDescriptor descriptors(buffer->slot());
    test.array().set_descriptors(&descriptors);
    CHECK(test->write({}, &index, &fd, 1) == -EINVAL);
    CHECK(test->write({}, &index, &fd, 0) == 0);
    CHECK(test->write({}, &index, &fd, 0) == 0);
    CHECK(descriptors.references == 1);
    CHECK(test.put(3, 2) == 0);
    CHECK(test->read({}, &index, &fd, 0) == -abi::ENOTSUPP);
    fd = 5;
    CHECK(test->write({}, &index, &fd, 0) == -EBADF);
    test.array().descriptor_closed();
    CHECK(descriptors.references == (flags != 0 ? 1 : 0));
    CHECK(test->remove({}, &index) == (flags != 0 ? 0 : -ENOENT));
    CHECK(descriptors.references == 0);
    index = 4;
    CHECK(test->write({}, &index, &fd, 0) == -E2BIG);
    CHECK(test->remove({}, &index) == -E2BIG);
  }
}

TEST_CASE("perf event array: a reader that sleeps") {
  TestArray test;
  const auto buffer = test.array().open_buffer(0, 4).value();
  const std::uint64_t count = test::rounds(50'000);
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < count; ++i)
      while (test.put(0, 0, i) == -ENOSPC) std::this_thread::yield();
  });
  std::uint64_t next = 0;
  bool ordered = true;
  PerfReader reader(buffer->ring(),
                    [&](auto data) {
                      std::uint64_t word = 0;
                      std::memcpy(&word, data.data(), 8);
                      ordered = ordered && word == next++;
                      return 0;
                    },
                    {});
  while (next < count && reader.poll(std::chrono::seconds{5}) > 0) {
  }
  writer.join();
  CHECK(next == count);
  CHECK(ordered);
  test.array().close_buffer(*buffer);
}

TEST_CASE("perf event array: whatever stands in the pages, nothing leaves them") {
  TestArray test;
  const auto buffer = test.array().open_buffer(0, 1).value();
  const auto slot = buffer->slot();
  std::byte* page = test.region().at(buffer->block(), 8192);
  Got got;
  PerfReader reader = got.reader(*buffer);
  const std::vector<std::byte> data(300);
  for (std::uint64_t round = 0; round < test::rounds(20'000); ++round) {
    const std::uint64_t random = test.world.random() | std::uint64_t{test.world.random()} << 32;
    const std::uint64_t at =
        random % 3 == 0 ? 1024 + random / 3 % 2 * 8 : (random >> 20) % 8192 / 8 * 8;
    store_relaxed<std::uint64_t>(page + at, random);
    if (random % 100 == 1) store_relaxed<std::uint64_t>(test.memory(), random);
    (void)test.put(0, 0, std::span(data).first(random % 300));
    store_relaxed<std::uint64_t>(test.memory(), slot);
    (void)test.put(0, 0, std::span(data).first(random % 300));
    (void)reader.consume();
    got.samples.clear();
  }
  store_relaxed<std::uint64_t>(test.memory(), 0);
}

}  // namespace skep::maps
