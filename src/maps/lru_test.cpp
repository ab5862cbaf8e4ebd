// SPDX-License-Identifier: Apache-2.0
#include "maps/lru.h"

#include <doctest/doctest.h>

#include <list>
#include <unordered_map>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/test_world.h"
#include "tests/support/random_program.h"
#include "tests/support/rounds.h"

namespace skep::maps {
namespace {

using Word = std::uint64_t;

constexpr MapType kLru{
    abi::BPF_MAP_TYPE_LRU_HASH, check_lru_hash, lru_hash_bytes, open_lru_hash, true, ""};
constexpr MapType kLruPercpu{abi::BPF_MAP_TYPE_LRU_PERCPU_HASH,
                             check_lru_percpu_hash,
                             lru_percpu_hash_bytes,
                             open_lru_percpu_hash,
                             true,
                             ""};

MapSpec words(std::uint32_t entries, std::uint32_t flags = 0) {
  return {.key_bytes = 8, .value_bytes = 8, .max_entries = entries, .flags = flags};
}

std::size_t count(Map& map) {
  std::size_t found = 0;
  Word key = 0;
  Word before = 0;
  for (const Word* from = nullptr; map.next_key({}, from, &key) == 0; from = &before) {
    before = key;
    ++found;
  }
  return found;
}

bool has(Map& map, Word key) {
  std::array<Word, 4> values{};
  return map.read({}, &key, values.data(), 0) == 0;
}

TEST_CASE("an LRU is refused as Linux refuses it") {
  const auto status = [](std::uint32_t flags) {
    MapSpec spec = words(10, flags);
    return check_lru_hash(spec, 4);
  };
  CHECK(status(0) == 0);
  CHECK(status(abi::BPF_F_NO_PREALLOC) == -abi::ENOTSUPP);
  CHECK(status(abi::BPF_F_NUMA_NODE) == 0);
  CHECK(status(abi::BPF_F_NUMA_NODE | abi::BPF_F_NO_COMMON_LRU) == -EINVAL);
  MapSpec spec = words(10, abi::BPF_F_NO_COMMON_LRU);
  CHECK(check_lru_hash(spec, 4) == 0);
  CHECK(spec.max_entries == 12);
}

TEST_CASE("a full LRU makes room, and holds no more than it may") {
  for (const MapType& type : {kLru, kLruPercpu}) {
    for (const std::uint32_t entries : {1U, 3U, 64U, 1000U}) {
      TestMap map(type, words(entries));
      for (Word key = 0; key < 5 * entries; ++key) {
        const Caller caller{.cpu = static_cast<unsigned>(key % 4)};
        REQUIRE(map->update(caller, &key, &key, 0) == 0);
        REQUIRE(has(map.map(), key));
      }
      CHECK(count(map.map()) == entries);
    }
  }
}

TEST_CASE("nothing is evicted while there is room") {
  TestMap map(kLru, words(100));
  Word key = 0;
  for (; key < 100; ++key) REQUIRE(map->update({.cpu = 0}, &key, &key, 0) == 0);
  for (key = 0; key < 60; ++key) REQUIRE(map->erase({.cpu = 0}, &key) == 0);
  for (key = 100; key < 160; ++key) REQUIRE(map->update({.cpu = 1}, &key, &key, 0) == 0);
  CHECK(count(map.map()) == 100);
  for (key = 60; key < 160; ++key) REQUIRE(map->update({.cpu = 2}, &key, &key, 0) == 0);
  CHECK(count(map.map()) == 100);
}

TEST_CASE("what is looked up stays, what is only read goes") {
  TestMap map(kLru, words(100));
  for (Word key = 0; key < 100; ++key) REQUIRE(map->update({}, &key, &key, 0) == 0);
  for (Word fresh = 1000; fresh < 2000; ++fresh) {
    for (Word hot = 0; hot < 10; ++hot) REQUIRE(map->lookup({}, &hot) != nullptr);
    for (Word cold = 10; cold < 20; ++cold) (void)has(map.map(), cold);
    REQUIRE(map->update({}, &fresh, &fresh, 0) == 0);
  }
  for (Word cold = 10; cold < 20; ++cold) CHECK(!has(map.map(), cold));
}

// What a list in the exact order of use would find.
class ExactLru {
 public:
  explicit ExactLru(std::size_t room) : room_(room) {}
  bool use(Word key) {
    const auto found = places_.find(key);
    const bool hit = found != places_.end();
    if (hit) order_.erase(found->second);
    order_.push_front(key);
    places_[key] = order_.begin();
    if (places_.size() > room_) {
      places_.erase(order_.back());
      order_.pop_back();
    }
    return hit;
  }

 private:
  std::size_t room_;
  std::list<Word> order_;
  std::unordered_map<Word, std::list<Word>::iterator> places_;
};

TEST_CASE("a skewed load finds at least what the exact order of use would find") {
  TestMap map(kLru, words(100));
  ExactLru exact(100);
  test::Random random(7);
  std::uint64_t hits = 0;
  std::uint64_t exact_hits = 0;
  for (std::uint64_t step = 0; step < test::rounds(200'000); ++step) {
    Word key = random.below(1000);
    for (int power = 0; power < 2; ++power) key = key * random.below(1000) / 1000;
    if (exact.use(key)) ++exact_hits;
    if (map->lookup({}, &key) != nullptr)
      ++hits;
    else
      REQUIRE(map->update({}, &key, &key, 0) == 0);
  }
  CHECK(hits >= exact_hits);
}

TEST_CASE("a private LRU evicts in the share of its CPU alone") {
  TestMap map(kLru, words(40, abi::BPF_F_NO_COMMON_LRU));
  for (Word key = 0; key < 10; ++key) REQUIRE(map->update({.cpu = 0}, &key, &key, 0) == 0);
  for (Word key = 100; key < 1000; ++key) REQUIRE(map->update({.cpu = 1}, &key, &key, 0) == 0);
  for (Word key = 0; key < 10; ++key) CHECK(has(map.map(), key));
  CHECK(count(map.map()) == 20);
  // Elements of one CPU's share, replaced and erased from others, go back to it.
  for (Word round = 0; round < 100; ++round)
    for (Word key = 0; key < 10; ++key) {
      REQUIRE(map->update({.cpu = static_cast<unsigned>(round % 4)}, &key, &round, 0) == 0);
      if (round % 7 == 0) REQUIRE(map->erase({.cpu = 3}, &key) == 0);
    }
  for (Word key = 2000; key < 3000; ++key)
    REQUIRE(map->update({.cpu = static_cast<unsigned>(key % 4)}, &key, &key, 0) == 0);
  CHECK(count(map.map()) == 40);
}

TEST_CASE("a private LRU of one element a CPU replaces across CPUs") {
  TestMap map(kLru, words(4, abi::BPF_F_NO_COMMON_LRU));
  for (Word round = 0; round < 100; ++round) {
    const Caller caller{.cpu = static_cast<unsigned>(round % 4)};
    const Word key = round % 3;
    REQUIRE(map->update(caller, &key, &round, 0) == 0);
    Word value = 0;
    REQUIRE(map->read(caller, &key, &value, 0) == 0);
    REQUIRE(value == round);
  }
}

TEST_CASE("flags of an LRU update") {
  TestMap map(kLru, words(10));
  Word key = 1;
  CHECK(map->update({}, &key, &key, abi::BPF_EXIST) == -ENOENT);
  CHECK(map->update({}, &key, &key, abi::BPF_NOEXIST) == 0);
  CHECK(map->update({}, &key, &key, abi::BPF_NOEXIST) == -EEXIST);
  CHECK(map->update({}, &key, &key, abi::BPF_F_LOCK) == -EINVAL);
}

TEST_CASE("fields of evicted elements are dropped") {
  MapSpec spec = words(10);
  REQUIRE(spec.fields.add({.kind = FieldKind::timer, .offset = 0, .bytes = 8}));
  TestMap map(kLru, spec);
  for (Word key = 0; key < 110; ++key) REQUIRE(map->update({}, &key, &key, 0) == 0);
  CHECK(map.world.dropped == 100);
}

}  // namespace
}  // namespace skep::maps
