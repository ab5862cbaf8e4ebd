// SPDX-License-Identifier: Apache-2.0
#include "skep/ring_buffer.h"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <random>

#include "abi/commands.h"
#include "abi/info.h"
#include "abi/map_types.h"
#include "abi/rings.h"
#include "kernel/pages.h"

namespace skep {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kSize = 4096;

// A kernel with one ring buffer, whose pages the test writes as it likes.
class FakeKernel final : public Kernel {
 public:
  FakeKernel() : page_(kernel::page_bytes()), own_(page_ / 8), data_((page_ + 2 * kSize) / 8) {}

  long bpf(std::uint32_t command, void* attr, std::uint32_t) override {
    if (command == abi::BPF_MAP_GET_FD_BY_ID) return 100;
    if (command != abi::BPF_OBJ_GET_INFO_BY_FD) return -EINVAL;
    const auto& info = static_cast<abi::bpf_attr*>(attr)->info;
    abi::bpf_map_info map{};
    map.type = abi::BPF_MAP_TYPE_RINGBUF;
    map.max_entries = kSize;
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    std::memcpy(reinterpret_cast<void*>(info.info), &map, sizeof(map));
    return 0;
  }
  long close(int) override { return 0; }
  long read(int, std::span<std::byte>) override { return -EINVAL; }
  long mmap(int, std::uint64_t bytes, int, std::uint64_t offset) override {
    ++mapped;
    if (bytes != (offset == 0 ? page_ : page_ + 2 * kSize)) return -EINVAL;
    return reinterpret_cast<long>(offset == 0 ? own_.data() : data_.data());
  }
  long munmap(void*, std::uint64_t) override { return --mapped, 0; }
  long wait(std::span<const int>, milliseconds) override { return 0; }
  long unlink(std::string_view) override { return -ENOENT; }
  long perf_output(std::uint32_t) override { return -EOPNOTSUPP; }
  std::uint32_t cpus() const override { return 1; }

  std::uint64_t& consumer() { return own_[0]; }
  std::uint64_t& producer() { return data_[0]; }
  std::uint32_t& header(std::uint64_t position) {
    return *reinterpret_cast<std::uint32_t*>(&data_[(page_ + position % kSize) / 8]);
  }
  std::span<std::uint64_t> shared() { return data_; }

  int mapped = 0;

 private:
  std::uint64_t page_;
  std::vector<std::uint64_t> own_;
  std::vector<std::uint64_t> data_;
};

RingBuffer ring_of(FakeKernel& kernel) {
  static_assert(kSize % 8 == 0);
  const auto map = Map::by_id(kernel, 1);
  REQUIRE(map.has_value());
  auto ring = RingBuffer::open(*map);
  REQUIRE(ring.has_value());
  return std::move(*ring);
}

bool keep_on(std::span<const std::byte>) { return true; }

}  // namespace

TEST_CASE("ring buffer: records, discarded ones and one that is not finished") {
  FakeKernel kernel;
  {
    RingBuffer ring = ring_of(kernel);
    kernel.header(0) = 5;
    kernel.header(16) = 8 | abi::BPF_RINGBUF_DISCARD_BIT;
    kernel.header(32) = 1;
    kernel.header(48) = 8 | abi::BPF_RINGBUF_BUSY_BIT;
    kernel.producer() = 64;
    std::vector<std::size_t> sizes;
    const auto see = [&](std::span<const std::byte> record) {
      sizes.push_back(record.size());
      return record.size() != 5;
    };
    CHECK(ring.consume(see).value() == 1);
    CHECK(kernel.consumer() == 16);
    CHECK(ring.consume(see).value() == 1);
    CHECK(sizes == std::vector<std::size_t>{5, 1});
    CHECK(kernel.consumer() == 48);
    CHECK(ring.poll(milliseconds(2), see).value() == 0);
    kernel.header(48) = 8;
    CHECK(ring.poll(milliseconds(2), see).value() == 1);
    CHECK(kernel.consumer() == 64);
    CHECK(kernel.mapped == 2);
  }
  CHECK(kernel.mapped == 0);
}

TEST_CASE("ring buffer: positions that cannot be") {
  FakeKernel kernel;
  RingBuffer ring = ring_of(kernel);
  const std::array<std::array<std::uint64_t, 2>, 4> wrong = {
      {{0, kSize + 8}, {8, 0}, {3, 16}, {0, ~std::uint64_t{0}}}};
  for (const auto& [consumer, producer] : wrong) {
    CAPTURE(consumer);
    kernel.consumer() = consumer;
    kernel.producer() = producer;
    const auto seen = ring.consume(keep_on);
    REQUIRE(!seen.has_value());
    CHECK(seen.error().code == Code::io);
  }
  // A record that says it is longer than what was written.
  kernel.consumer() = 0;
  kernel.producer() = 16;
  kernel.header(0) = 9;
  CHECK(!ring.consume(keep_on).has_value());
  kernel.header(0) = abi::BPF_RINGBUF_DISCARD_BIT - 1;
  CHECK(!ring.consume(keep_on).has_value());
}

TEST_CASE("ring buffer: junk stays inside the pages") {
  FakeKernel kernel;
  RingBuffer ring = ring_of(kernel);
  std::mt19937_64 random(1);  // NOLINT(bugprone-random-generator-seed)
  const std::byte* begin = std::as_bytes(kernel.shared()).data();
  const std::byte* end = begin + kernel.shared().size_bytes();
  bool inside = true;
  for (int round = 0; round < 200; ++round) {
    for (std::uint64_t& word : kernel.shared()) word = random() >> random() % 64;
    kernel.consumer() = random() % 2 == 0 ? 0 : random() / 8 * 8;
    kernel.producer() = kernel.consumer() + random() % (kSize + 16);
    (void)ring.consume([&](std::span<const std::byte> record) {
      inside &= record.data() >= begin && record.data() + record.size() <= end;
      return true;
    });
  }
  CHECK(inside);
}

}  // namespace skep
