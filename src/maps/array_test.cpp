// SPDX-License-Identifier: Apache-2.0
#include "maps/array.h"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <thread>
#include <vector>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/test_world.h"

namespace skep::maps {

namespace {

using abi::BPF_MAP_TYPE_ARRAY;
using abi::BPF_MAP_TYPE_PERCPU_ARRAY;

constexpr Caller kFirst{.cpu = 0};
constexpr Caller kSecond{.cpu = 1};

MapSpec spec_of(std::uint32_t value_bytes, std::uint32_t max_entries, std::uint32_t flags = 0) {
  return {.key_bytes = 4, .value_bytes = value_bytes, .max_entries = max_entries, .flags = flags};
}

const MapType& array() { return *find_map_type(BPF_MAP_TYPE_ARRAY); }
const MapType& percpu_array() { return *find_map_type(BPF_MAP_TYPE_PERCPU_ARRAY); }

long check(const MapType& type, MapSpec spec) { return type.check(spec, 4); }

std::uint64_t value_at(Map& map, std::uint32_t index) {
  std::uint64_t value = 0;
  REQUIRE(map.read(kFirst, &index, &value, 0) == 0);
  return value;
}

struct Locked {
  std::uint64_t first = 0;
  std::uint32_t lock = 0;
  std::uint32_t padding = 0;
  std::uint64_t second = 0;
};

MapSpec locked_spec(std::uint32_t max_entries) {
  MapSpec spec = spec_of(sizeof(Locked), max_entries);
  REQUIRE(spec.fields.add({.kind = FieldKind::spin_lock, .offset = 8, .bytes = 4}));
  return spec;
}

}  // namespace

TEST_CASE("an array is refused as by Linux") {
  CHECK(check(array(), spec_of(8, 1)) == 0);
  CHECK(check(array(), spec_of(8, 0)) == -EINVAL);
  CHECK(check(array(), spec_of(0, 1)) == -EINVAL);
  CHECK(check(array(), {.key_bytes = 8, .value_bytes = 8, .max_entries = 1}) == -EINVAL);
  CHECK(check(array(), spec_of(0x7fff'ffff, 1)) == 0);
  CHECK(check(array(), spec_of(0x8000'0000, 1)) == -E2BIG);
  CHECK(check(array(), spec_of(8, 1, abi::BPF_F_NO_PREALLOC)) == -EINVAL);
  CHECK(check(array(), spec_of(8, 1, abi::BPF_F_MMAPABLE | abi::BPF_F_INNER_MAP)) == 0);
  CHECK(check(array(), spec_of(8, 1, abi::BPF_F_RDONLY_PROG | abi::BPF_F_WRONLY_PROG)) == -EINVAL);
  CHECK(check(percpu_array(), spec_of(abi::PCPU_MIN_UNIT_SIZE, 1)) == 0);
  CHECK(check(percpu_array(), spec_of(abi::PCPU_MIN_UNIT_SIZE + 1, 1)) == -E2BIG);
  CHECK(check(percpu_array(), spec_of(8, 1, abi::BPF_F_MMAPABLE)) == -EINVAL);
  CHECK(check(percpu_array(), spec_of(8, 1, abi::BPF_F_NUMA_NODE)) == -EINVAL);
}

TEST_CASE("the largest array that can be asked for is counted without overflow") {
  const MapSpec largest = spec_of(0x7fff'ffff, 0xffff'ffff);
  CHECK(array().bytes(largest, 1) == (std::uint64_t{1} << 31) * 0xffff'ffff);
  const MapSpec percpu = spec_of(abi::PCPU_MIN_UNIT_SIZE, 0xffff'ffff);
  CHECK(percpu_array().bytes(percpu, kMaxCpus) ==
        std::uint64_t{abi::PCPU_MIN_UNIT_SIZE} * 0xffff'ffff * kMaxCpus);
}

TEST_CASE("elements are zero until they are written, and never go") {
  TestMap map(array(), spec_of(8, 3));
  std::uint32_t index = 2;
  CHECK(value_at(map.map(), index) == 0);
  const std::uint64_t value = 0x1122'3344'5566'7788;
  CHECK(map->write(kFirst, &index, &value, abi::BPF_EXIST) == 0);
  CHECK(value_at(map.map(), index) == value);
  CHECK(*static_cast<std::uint64_t*>(map->lookup(kSecond, &index)) == value);
  CHECK(map->erase(kFirst, &index) == -EINVAL);
  CHECK(map->remove(kFirst, &index) == -EINVAL);
  CHECK(map->write(kFirst, &index, &value, abi::BPF_NOEXIST) == -EEXIST);
  CHECK(map->write(kFirst, &index, &value, 3) == -EINVAL);
  CHECK(map->write(kFirst, &index, &value, abi::BPF_F_LOCK) == -EINVAL);
  index = 3;
  CHECK(map->lookup(kFirst, &index) == nullptr);
  CHECK(map->write(kFirst, &index, &value, 0) == -E2BIG);
  std::uint64_t out = 0;
  CHECK(map->read(kFirst, &index, &out, 0) == -ENOENT);
}

TEST_CASE("keys follow one another and begin again after one that is not there") {
  TestMap map(array(), spec_of(8, 3));
  std::uint32_t next = 99;
  const auto after = [&](std::uint32_t key) { return map->next_key(kFirst, &key, &next); };
  CHECK(map->next_key(kFirst, nullptr, &next) == 0);
  CHECK(next == 0);
  CHECK(after(0) == 0);
  CHECK(next == 1);
  CHECK(after(2) == -ENOENT);
  CHECK(after(3) == 0);
  CHECK(next == 0);
  CHECK(after(0xffff'ffff) == 0);
  CHECK(next == 0);
}

TEST_CASE("a walk visits all elements or ends early") {
  TestMap map(array(), spec_of(8, 5));
  std::vector<std::uint32_t> keys;
  const Visitor visitor{.visit =
                            [](void* self, const void* key, void* value) {
                              auto& seen = *static_cast<std::vector<std::uint32_t>*>(self);
                              seen.push_back(*static_cast<const std::uint32_t*>(key));
                              *static_cast<std::uint64_t*>(value) = seen.size();
                              return seen.size() == 4 ? 1L : 0L;
                            },
                        .self = &keys};
  CHECK(map->for_each(kFirst, visitor, 0) == 4);
  CHECK(keys == std::vector<std::uint32_t>{0, 1, 2, 3});
  CHECK(value_at(map.map(), 3) == 4);
  CHECK(map->for_each(kFirst, visitor, 1) == -EINVAL);
}

TEST_CASE("batches go on where the cursor says and end with ENOENT") {
  TestMap map(array(), spec_of(8, 5));
  std::array<std::uint32_t, 8> keys{0, 1, 2, 3, 4, 5, 6, 7};
  std::array<std::uint64_t, 8> values{10, 11, 12, 13, 14, 15, 16, 17};
  std::uint32_t cursor = 0;
  Batch batch{.next = reinterpret_cast<std::byte*>(&cursor),
              .keys = reinterpret_cast<std::byte*>(keys.data()),
              .values = reinterpret_cast<std::byte*>(values.data()),
              .count = 6};
  CHECK(map->write_batch(kFirst, batch) == -E2BIG);
  CHECK(batch.count == 5);
  batch.count = 3;
  keys = {};
  CHECK(map->read_batch(kFirst, batch, false) == 0);
  CHECK(batch.count == 3);
  CHECK(keys[2] == 2);
  CHECK(values[2] == 12);
  batch.from = batch.next;
  CHECK(map->read_batch(kFirst, batch, false) == -ENOENT);
  CHECK(batch.count == 2);
  CHECK(keys[1] == 4);
  CHECK(values[1] == 14);
  CHECK(map->read_batch(kFirst, batch, true) == -abi::ENOTSUPP);
  CHECK(map->remove_batch(kFirst, batch) == -abi::ENOTSUPP);
}

TEST_CASE("only a map of one element has an address for programs") {
  TestMap one(array(), spec_of(100, 1));
  CHECK(one->direct_value(0) != 0);
  CHECK(one->direct_value(99) == one->direct_value(0) + 99);
  CHECK(one->direct_value(100) == 0);
  TestMap two(array(), spec_of(100, 2));
  CHECK(two->direct_value(0) == 0);
  TestMap percpu(percpu_array(), spec_of(100, 1));
  CHECK(percpu->direct_value(0) == 0);
}

TEST_CASE("pages are shown of mmapable arrays, and none beyond") {
  TestMap map(array(), spec_of(8, 513, abi::BPF_F_MMAPABLE));
  Pages pages;
  CHECK(map->pages(0, 8192, true, pages) == 0);
  CHECK(pages.bytes == 8192);
  CHECK(pages.offset % 4096 == 0);
  CHECK(map->pages(4096, 4096, true, pages) == 0);
  CHECK(map->pages(4096, 4097, true, pages) == -EINVAL);
  CHECK(map->pages(8192, 4096, true, pages) == -EINVAL);
  CHECK(map->pages(~std::uint64_t{0xfff}, 8192, true, pages) == -EINVAL);
  TestMap plain(array(), spec_of(8, 513));
  CHECK(plain->pages(0, 4096, true, pages) == -EINVAL);
  TestMap percpu(percpu_array(), spec_of(8, 513));
  CHECK(percpu->pages(0, 4096, true, pages) == -abi::ENOTSUPP);
}

TEST_CASE("each CPU has its own value, and bpf(2) moves all of them in whole words") {
  TestMap map(percpu_array(), spec_of(5, 2), 3);
  CHECK(map->user_value_bytes() == 24);
  const std::uint32_t index = 1;
  CHECK(map->update(kSecond, &index, "abcde", 0) == 0);
  std::array<char, 24> all{};
  CHECK(map->read(kFirst, &index, all.data(), 0) == 0);
  CHECK(std::string_view(all.data() + 8, 5) == "abcde");
  CHECK(all[0] == 0);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>('A' + i);
  CHECK(map->write(kFirst, &index, all.data(), 0) == 0);
  std::array<char, 24> back{};
  CHECK(map->read(kSecond, &index, back.data(), 0) == 0);
  CHECK(back == all);
  CHECK(static_cast<char*>(map->lookup(kSecond, &index))[0] == 'I');
  CHECK(static_cast<char*>(map->lookup_on(2, &index))[0] == 'Q');
  CHECK(map->lookup_on(3, &index) == nullptr);
  CHECK(map->lookup_on(~0U, &index) == nullptr);
}

TEST_CASE("a locked update is seen whole, and the lock itself stays out of copies") {
  TestMap map(array(), locked_spec(1));
  const std::uint32_t index = 0;
  const Locked set{.first = 1, .lock = 0xffff'ffff, .second = 1};
  CHECK(map->write(kFirst, &index, &set, 0) == 0);
  CHECK(static_cast<Locked*>(map->lookup(kFirst, &index))->lock == 0);
  std::atomic<bool> torn = false;
  {
    std::vector<std::jthread> threads;
    threads.reserve(2);
    for (std::uint64_t thread = 1; thread <= 2; ++thread)
      threads.emplace_back([&, thread] {
        for (std::uint64_t i = 0; i < 20'000; ++i) {
          const Locked mine{.first = i * thread, .second = i * thread};
          Locked seen;
          if (map->update(kFirst, &index, &mine, abi::BPF_F_LOCK) != 0 ||
              map->read(kFirst, &index, &seen, abi::BPF_F_LOCK) != 0 || seen.first != seen.second ||
              seen.lock != 0)
            torn = true;
        }
      });
  }
  CHECK_FALSE(torn);
}

TEST_CASE("fields are given back when elements are written over and when the map goes") {
  MapSpec spec = spec_of(24, 2);
  REQUIRE(spec.fields.add({.kind = FieldKind::timer, .offset = 8, .bytes = 16}));
  TestMap map(array(), spec);
  const std::uint32_t index = 1;
  std::array<std::uint64_t, 3> value{1, 2, 3};
  CHECK(map->write(kFirst, &index, value.data(), 0) == 0);
  CHECK(map.world.dropped == 1);
  CHECK(map->read(kFirst, &index, value.data(), 0) == 0);
  CHECK(value == std::array<std::uint64_t, 3>{1, 0, 0});
  map->clear(kFirst);
  CHECK(map.world.dropped == 3);
}

}  // namespace skep::maps
