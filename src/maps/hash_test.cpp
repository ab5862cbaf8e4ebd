// SPDX-License-Identifier: Apache-2.0
#include "maps/hash.h"

#include <doctest/doctest.h>

#include <set>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/test_world.h"

namespace skep::maps {
namespace {

constexpr MapType kHash{abi::BPF_MAP_TYPE_HASH, check_hash, hash_bytes, open_hash, true, ""};
constexpr MapType kPercpu{abi::BPF_MAP_TYPE_PERCPU_HASH,
                          check_percpu_hash,
                          percpu_hash_bytes,
                          open_percpu_hash,
                          true,
                          ""};
constexpr Caller kMe{.cpu = 1};

using Word = std::uint64_t;

long put(Map& map, Word key, Word value, Word flags = 0, Caller caller = kMe) {
  return map.update(caller, &key, &value, flags);
}
long drop(Map& map, Word key, Caller caller = kMe) { return map.erase(caller, &key); }
Word* found(Map& map, Word key, Caller caller = kMe) {
  return static_cast<Word*>(map.lookup(caller, &key));
}
std::vector<Word> keys_of(Map& map) {
  std::vector<Word> keys;
  Word key = 0;
  for (const Word* from = nullptr; map.next_key(kMe, from, &key) == 0; from = &keys.back())
    keys.push_back(key);
  return keys;
}

const MapSpec kWords{.key_bytes = 8, .value_bytes = 8, .max_entries = 10};

TEST_CASE("a hash is refused as Linux refuses it") {
  const auto status = [](MapSpec spec, auto check) { return check(spec, 4); };
  const MapSpec good{.key_bytes = 4, .value_bytes = 8, .max_entries = 10};
  const auto with = [&](auto change) {
    MapSpec spec = good;
    change(spec);
    return spec;
  };
  CHECK(status(good, check_hash) == 0);
  CHECK(status(with([](auto& s) { s.max_entries = 0; }), check_hash) == -EINVAL);
  CHECK(status(with([](auto& s) { s.key_bytes = 0; }), check_hash) == -EINVAL);
  CHECK(status(with([](auto& s) { s.value_bytes = 0; }), check_hash) == -EINVAL);
  CHECK(status(with([](auto& s) { s.value_bytes = 4194251; }), check_hash) == 0);
  CHECK(status(with([](auto& s) { s.value_bytes = 4194252; }), check_hash) == -E2BIG);
  CHECK(status(with([](auto& s) { s.value_bytes = UINT32_MAX; }), check_hash) == -E2BIG);
  CHECK(status(with([](auto& s) { s.value_bytes = 32769; }), check_percpu_hash) == -E2BIG);
  CHECK(status(with([](auto& s) { s.max_entries = (1 << 27) + 1; }), check_hash) == -E2BIG);
  CHECK(status(with([](auto& s) { s.flags = abi::BPF_F_NO_COMMON_LRU; }), check_hash) == -EINVAL);
  CHECK(status(with([](auto& s) { s.flags = abi::BPF_F_MMAPABLE; }), check_hash) == -EINVAL);
  CHECK(status(with([](auto& s) { s.flags = abi::BPF_F_NUMA_NODE; }), check_hash) == 0);
  CHECK(status(with([](auto& s) { s.flags = abi::BPF_F_NUMA_NODE; }), check_percpu_hash) ==
        -EINVAL);
  CHECK(status(with([](auto& s) { s.flags = abi::BPF_F_RDONLY_PROG | abi::BPF_F_WRONLY_PROG; }),
               check_hash) == -EINVAL);
}

TEST_CASE("elements are put, found, replaced and erased") {
  TestMap map(kHash, kWords);
  CHECK(found(map.map(), 1) == nullptr);
  CHECK(put(map.map(), 1, 10) == 0);
  REQUIRE(found(map.map(), 1) != nullptr);
  CHECK(*found(map.map(), 1) == 10);
  CHECK(put(map.map(), 1, 11) == 0);
  CHECK(*found(map.map(), 1) == 11);
  CHECK(drop(map.map(), 1) == 0);
  CHECK(drop(map.map(), 1) == -ENOENT);
  CHECK(found(map.map(), 1) == nullptr);
}

TEST_CASE("flags of an update say what must be there") {
  TestMap map(kHash, kWords);
  CHECK(put(map.map(), 1, 10, abi::BPF_EXIST) == -ENOENT);
  CHECK(put(map.map(), 1, 10, abi::BPF_NOEXIST) == 0);
  CHECK(put(map.map(), 1, 11, abi::BPF_NOEXIST) == -EEXIST);
  CHECK(put(map.map(), 1, 12, abi::BPF_EXIST) == 0);
  CHECK(*found(map.map(), 1) == 12);
  CHECK(put(map.map(), 1, 1, 3) == -EINVAL);
  CHECK(put(map.map(), 1, 1, 8) == -EINVAL);
  CHECK(put(map.map(), 1, 1, abi::BPF_F_LOCK) == -EINVAL);
}

TEST_CASE("a full hash takes no new key, and replaces what it has") {
  for (const std::uint32_t entries : {1U, 2U, 10U, 100U}) {
    TestMap map(kHash, {.key_bytes = 8, .value_bytes = 8, .max_entries = entries});
    for (Word key = 0; key < entries; ++key)
      REQUIRE(put(map.map(), key, key, 0, {.cpu = static_cast<unsigned>(key % 4)}) == 0);
    CHECK(put(map.map(), entries, 0) == -E2BIG);
    for (Word round = 0; round < 5; ++round)
      for (Word key = 0; key < entries; ++key)
        REQUIRE(put(map.map(), key, round, 0, {.cpu = static_cast<unsigned>(round % 4)}) == 0);
    CHECK(put(map.map(), entries, 0) == -E2BIG);
    REQUIRE(drop(map.map(), 0, {.cpu = 3}) == 0);
    CHECK(put(map.map(), entries, 0, 0, {.cpu = 0}) == 0);
    CHECK(put(map.map(), entries + 1, 0) == -E2BIG);
  }
}

TEST_CASE("the next key follows, and a key that is gone begins again") {
  TestMap map(kHash, kWords);
  Word next = 0;
  CHECK(map->next_key(kMe, nullptr, &next) == -ENOENT);
  for (Word key = 0; key < 10; ++key) REQUIRE(put(map.map(), key, key) == 0);
  const std::vector<Word> keys = keys_of(map.map());
  CHECK(std::set<Word>(keys.begin(), keys.end()).size() == 10);
  const Word unknown = 99;
  CHECK(map->next_key(kMe, &unknown, &next) == 0);
  CHECK(next == keys.front());
  CHECK(map->next_key(kMe, &keys.back(), &next) == -ENOENT);
}

TEST_CASE("every element is visited, and may be erased meanwhile") {
  TestMap map(kHash, {.key_bytes = 8, .value_bytes = 8, .max_entries = 100});
  for (Word key = 0; key < 100; ++key) REQUIRE(put(map.map(), key, key) == 0);
  const Visitor erase{.visit = [](void* self, const void* key,
                                  void*) { return static_cast<Map*>(self)->erase(kMe, key); },
                      .self = &map.map()};
  CHECK(map->for_each(kMe, erase, 1) == -EINVAL);
  CHECK(map->for_each(kMe, erase, 0) == 100);
  CHECK(keys_of(map.map()).empty());
  const Visitor once{.visit = [](void*, const void*, void*) { return 1L; }};
  REQUIRE(put(map.map(), 1, 1) == 0);
  REQUIRE(put(map.map(), 2, 1) == 0);
  CHECK(map->for_each(kMe, once, 0) == 1);
}

TEST_CASE("an element is taken with its value") {
  TestMap map(kHash, kWords);
  REQUIRE(put(map.map(), 1, 42) == 0);
  const Word key = 1;
  Word value = 0;
  CHECK(map->take(kMe, &key, &value, abi::BPF_F_LOCK) == -EINVAL);
  CHECK(map->take(kMe, &key, &value, 0) == 0);
  CHECK(value == 42);
  CHECK(map->take(kMe, &key, &value, 0) == -ENOENT);
  CHECK(map->read(kMe, &key, &value, 0) == -ENOENT);
}

TEST_CASE("batches hold whole buckets") {
  TestMap map(kHash, {.key_bytes = 8, .value_bytes = 8, .max_entries = 64});
  for (Word key = 0; key < 64; ++key) REQUIRE(put(map.map(), key, key * 3) == 0);
  std::array<Word, 64> keys{};
  std::array<Word, 64> values{};
  std::uint32_t cursor = 0;
  Batch batch{.next = reinterpret_cast<std::byte*>(&cursor),
              .keys = reinterpret_cast<std::byte*>(keys.data()),
              .values = reinterpret_cast<std::byte*>(values.data()),
              .count = 16};
  std::set<Word> seen;
  long status = 0;
  while (status == 0) {
    batch.count = 16;
    status = map->read_batch(kMe, batch, false);
    for (std::uint32_t i = 0; i < batch.count; ++i) {
      CHECK(values[i] == keys[i] * 3);
      CHECK(seen.insert(keys[i]).second);
    }
    batch.from = batch.next;
  }
  CHECK(status == -ENOENT);
  CHECK(seen.size() == 64);
  CHECK(cursor == 64);
  batch.count = 4;
  CHECK(map->read_batch(kMe, batch, false) == -ENOENT);
  batch = {.next = batch.next, .keys = batch.keys, .values = batch.values, .count = 64};
  batch.element_flags = abi::BPF_NOEXIST;
  CHECK(map->read_batch(kMe, batch, false) == -EINVAL);
  batch.element_flags = 0;
  CHECK(map->read_batch(kMe, batch, true) == -ENOENT);
  CHECK(batch.count == 64);
  CHECK(keys_of(map.map()).empty());
  for (Word key = 100; key < 164; ++key) CHECK(put(map.map(), key, 1) == 0);
}

TEST_CASE("a bucket larger than the batch is ENOSPC") {
  TestMap map(kHash, {.key_bytes = 8, .value_bytes = 8, .max_entries = 1});
  REQUIRE(put(map.map(), 1, 1) == 0);
  Word word = 0;
  std::uint32_t cursor = 0;
  Batch batch{.next = reinterpret_cast<std::byte*>(&cursor),
              .keys = reinterpret_cast<std::byte*>(&word),
              .values = reinterpret_cast<std::byte*>(&word),
              .count = 0};
  CHECK(map->read_batch(kMe, batch, false) == 0);
  TestMap crowded(kHash, {.key_bytes = 8, .value_bytes = 8, .max_entries = 64});
  for (Word key = 0; key < 64; ++key) REQUIRE(put(crowded.map(), key, key) == 0);
  long status = 0;
  while (status == 0) {
    batch.count = 1;
    status = crowded->read_batch(kMe, batch, false);
    batch.from = batch.next;
  }
  CHECK(status == -ENOSPC);
  CHECK(batch.count == 0);
}

TEST_CASE("a per-CPU hash has a value for each CPU") {
  TestMap map(kPercpu, {.key_bytes = 4, .value_bytes = 12, .max_entries = 10});
  const std::uint32_t key = 7;
  const std::array<std::uint32_t, 3> value{1, 2, 3};
  CHECK(map->user_value_bytes() == 64);
  CHECK(map->update({.cpu = 2}, &key, value.data(), 0) == 0);
  CHECK(std::memcmp(map->lookup({.cpu = 2}, &key), value.data(), 12) == 0);
  CHECK(*static_cast<std::uint32_t*>(map->lookup({.cpu = 1}, &key)) == 0);
  CHECK(map->lookup_on(2, &key) == map->lookup({.cpu = 2}, &key));
  CHECK(map->lookup_on(4, &key) == nullptr);
  std::array<std::uint32_t, 16> all{};
  for (std::uint32_t i = 0; i < 16; ++i) all[i] = 100 + i;
  CHECK(map->write(kMe, &key, all.data(), abi::BPF_NOEXIST) == -EEXIST);
  CHECK(map->write(kMe, &key, all.data(), abi::BPF_F_LOCK) == -EINVAL);
  CHECK(map->write(kMe, &key, all.data(), 0) == 0);
  std::array<std::uint32_t, 16> read{};
  CHECK(map->read(kMe, &key, read.data(), 0) == 0);
  CHECK(read == all);
  // An element that begins anew has nothing of the one before on other CPUs.
  CHECK(map->erase(kMe, &key) == 0);
  CHECK(map->update({.cpu = 0}, &key, value.data(), 0) == 0);
  CHECK(*static_cast<std::uint32_t*>(map->lookup_on(3, &key)) == 0);
}

TEST_CASE("a value with a spin lock is written in place under it") {
  MapSpec spec = kWords;
  REQUIRE(spec.fields.add({.kind = FieldKind::spin_lock, .offset = 0, .bytes = 4}));
  TestMap map(kHash, spec);
  CHECK(put(map.map(), 1, Word{5} << 32, abi::BPF_F_LOCK) == 0);
  Word* before = found(map.map(), 1);
  CHECK(put(map.map(), 1, Word{6} << 32 | 0xff, abi::BPF_F_LOCK) == 0);
  CHECK(found(map.map(), 1) == before);
  CHECK(*before == Word{6} << 32);
  Word value = 0;
  const Word key = 1;
  CHECK(map->read(kMe, &key, &value, abi::BPF_F_LOCK) == 0);
  CHECK(value == Word{6} << 32);
}

TEST_CASE("fields are dropped when their element goes") {
  MapSpec spec = kWords;
  REQUIRE(spec.fields.add({.kind = FieldKind::kptr, .offset = 0, .bytes = 8}));
  TestMap map(kHash, spec);
  REQUIRE(put(map.map(), 1, 0) == 0);
  CHECK(map.world.dropped == 0);
  REQUIRE(put(map.map(), 1, 0) == 0);
  CHECK(map.world.dropped == 1);
  REQUIRE(drop(map.map(), 1) == 0);
  CHECK(map.world.dropped == 2);
  for (Word key = 0; key < 10; ++key) REQUIRE(put(map.map(), key, 0) == 0);
  map->clear(kMe);
  CHECK(map.world.dropped == 12);
  CHECK(keys_of(map.map()).empty());
}

TEST_CASE("keys of any size are told apart") {
  for (const std::uint32_t size : {1U, 2U, 3U, 4U, 5U, 7U, 8U, 9U, 12U, 16U, 17U, 40U, 512U}) {
    TestMap map(kHash, {.key_bytes = size, .value_bytes = 3, .max_entries = 200});
    for (unsigned i = 0; i < 200; ++i) {
      std::vector<std::uint8_t> key(size, 0);
      key[i % size] = static_cast<std::uint8_t>(i);
      const std::array<std::uint8_t, 3> value{static_cast<std::uint8_t>(i), 2, 3};
      REQUIRE(map->update(kMe, key.data(), value.data(), 0) == 0);
      REQUIRE(std::memcmp(map->lookup(kMe, key.data()), value.data(), 3) == 0);
    }
  }
}

TEST_CASE("another view of the block finds the same elements") {
  TestMap map(kHash, kWords);
  REQUIRE(put(map.map(), 1, 10) == 0);
  const auto other = map.view();
  REQUIRE(found(*other, 1) != nullptr);
  CHECK(put(*other, 2, 20) == 0);
  CHECK(*found(map.map(), 2) == 20);
}

}  // namespace
}  // namespace skep::maps
