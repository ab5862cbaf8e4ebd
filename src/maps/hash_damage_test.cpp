// SPDX-License-Identifier: Apache-2.0
// Maps whose memory others write to, and maps that a process left half changed. Nothing may crash
// or hang; what was lost must be found again.
#include <doctest/doctest.h>

#include <cstring>
#include <set>

#include "abi/map_types.h"
#include "maps/lpm.h"
#include "maps/lru.h"
#include "maps/test_world.h"
#include "tests/support/random_program.h"
#include "tests/support/rounds.h"

namespace skep::maps {
namespace {

using Word = std::uint64_t;

constexpr MapType kHash{abi::BPF_MAP_TYPE_HASH, check_hash, hash_bytes, open_hash, true, ""};
constexpr MapType kPercpu{abi::BPF_MAP_TYPE_PERCPU_HASH,
                          check_percpu_hash,
                          percpu_hash_bytes,
                          open_percpu_hash,
                          true,
                          ""};
constexpr MapType kLru{
    abi::BPF_MAP_TYPE_LRU_HASH, check_lru_hash, lru_hash_bytes, open_lru_hash, true, ""};
constexpr MapType kLpm{abi::BPF_MAP_TYPE_LPM_TRIE, check_lpm, lpm_bytes, open_lpm, true, ""};

constexpr std::uint32_t kEntries = 40;

MapSpec spec_of(const MapType& type, std::uint32_t flags = 0) {
  const bool lpm = type.number == kLpm.number;
  return {.key_bytes = 8,
          .value_bytes = 8,
          .max_entries = kEntries,
          .flags = lpm ? static_cast<std::uint32_t>(abi::BPF_F_NO_PREALLOC) : flags};
}

// Locks stay whole: a word that names this process would be waited for, which is for others to
// test.
class Damage {
 public:
  Damage(TestMap& map, bool hash) : map_(map), hash_(hash) {
    if (hash) shape_ = hash_geometry(map->spec(), map.region().cpus()).value_or(HashGeometry{});
  }
  void once(test::Random& random) {
    const std::uint64_t at = random.next() % map_.bytes() / 4 * 4;
    if (is_lock(at)) return;
    std::uint32_t word = static_cast<std::uint32_t>(random.value());
    if (random.one_in(2)) word = random.below(2 * kEntries);
    if (random.one_in(4)) word |= std::uint32_t{1} << 31;
    std::memcpy(map_.memory() + at, &word, 4);
  }

 private:
  [[nodiscard]] bool is_lock(std::uint64_t at) const {
    if (!hash_) return at < 4;
    if (at >= 16 && at < 24) return true;
    return at >= shape_.buckets_at && at < shape_.nodes_at && at % 8 == 4;
  }

  TestMap& map_;
  bool hash_;
  HashGeometry shape_{};
};

long count_visits(void* self, const void*, void*) {
  ++*static_cast<std::uint64_t*>(self);
  return 0;
}

void operate(TestMap& map, test::Random& random) {
  std::array<Word, 4> key{random.below(2 * kEntries)};
  if (map->spec().type == kLpm.number) key[0] = Word{random.next()} << 32 | random.below(34);
  std::array<Word, 4> value{key[0], 1, 2, 3};
  const Caller caller{.cpu = random.below(4)};
  switch (random.below(7)) {
    case 0:
    case 1:
      (void)map->update(caller, key.data(), value.data(), random.below(3));
      break;
    case 2:
      (void)map->erase(caller, key.data());
      break;
    case 3:
      (void)map->lookup(caller, key.data());
      break;
    case 4:
      (void)map->next_key(caller, random.one_in(4) ? nullptr : key.data(), value.data());
      break;
    case 5: {
      std::uint64_t visits = 0;
      (void)map->for_each(caller, {.visit = count_visits, .self = &visits}, 0);
      CHECK(visits < 100 * kEntries * kEntries);
      break;
    }
    default:
      (void)map->read(caller, key.data(), value.data(), 0);
  }
}

TEST_CASE("memory that others damage neither crashes nor hangs") {
  test::Random random(test::seed_or(1));
  for (const MapType& type : {kHash, kPercpu, kLru, kLpm})
    for (std::uint64_t round = 0; round < test::rounds(200); ++round) {
      const bool split = type.number == kLru.number && round % 2 == 0;
      const std::uint32_t flags = split ? std::uint32_t{abi::BPF_F_NO_COMMON_LRU} : 0;
      TestMap map(type, spec_of(type, flags));
      Damage damage(map, type.number != kLpm.number);
      for (unsigned step = 0; step < 300; ++step) {
        operate(map, random);
        if (step > 50) damage.once(random);
        if (step % 100 == 99) map->repair();
      }
      map->clear({});
    }
}

TEST_CASE("memory of random bytes is a map of something") {
  test::Random random(test::seed_or(2));
  for (const MapType& type : {kHash, kPercpu, kLru, kLpm})
    for (std::uint64_t round = 0; round < test::rounds(100); ++round) {
      TestMap map(type, spec_of(type));
      Damage damage(map, type.number != kLpm.number);
      for (unsigned i = 0; i < 2000; ++i) damage.once(random);
      const auto view = map.view();
      for (unsigned step = 0; step < 100; ++step) operate(map, random);
    }
}

// What a process could have left: everything is as it was but for nodes that are nowhere.
struct Loss {
  TestMap map{kHash, spec_of(kHash)};
  HashGeometry shape = hash_geometry(map->spec(), 4).value_or(HashGeometry{});
  HashTable table{shape, map.memory()};
  HashPool pool{table, map.region(), map.memory()};
  std::set<Word> keys;

  Loss() { table.set_seed(pool.seed()); }
  void fill(Word count) {
    for (Word key = 0; key < count; ++key) {
      REQUIRE(map->update({.cpu = static_cast<unsigned>(key % 4)}, &key, &key, 0) == 0);
      keys.insert(key);
    }
  }
  // Exactly as many elements fit as there should, and each can be replaced on each CPU.
  void check_whole() {
    for (const Word key : keys) {
      const auto* value = static_cast<const Word*>(map->lookup({}, &key));
      REQUIRE(value != nullptr);
      CHECK(*value == key);
    }
    Word key = 1000;
    while (map->update({}, &key, &key, abi::BPF_NOEXIST) == 0) keys.insert(key++);
    CHECK(keys.size() == kEntries);
    for (unsigned cpu = 0; cpu < 4; ++cpu)
      for (const Word known : keys)
        REQUIRE(map->update({.cpu = cpu}, &known, &known, abi::BPF_EXIST) == 0);
  }
};

TEST_CASE("nodes that a death took are found again") {
  Loss loss;
  loss.fill(20);
  for (unsigned cpu = 0; cpu < 4; ++cpu) (void)loss.pool.pop(cpu);
  (void)loss.pool.take_spare(2);
  loss.pool.note_loss();
  loss.map->repair();
  loss.check_whole();
}

TEST_CASE("a full map looks for lost nodes by itself") {
  Loss loss;
  loss.fill(30);
  for (int i = 0; i < 5; ++i) (void)loss.pool.pop(0);
  (void)loss.pool.take_spare(1);
  // As of a process that is no more: the word is nobody's.
  loss.pool.begin(3);
  loss.pool.begin(3);
  loss.pool.end(3);
  loss.check_whole();
  CHECK(loss.map.world.reaped > 0);
}

TEST_CASE("an element that was unlinked by the dead is free again") {
  Loss loss;
  loss.fill(kEntries);
  for (Word key = 0; key < 7; ++key) {
    const std::uint32_t tag = loss.table.tag(&key);
    const HashTable::Place place = loss.table.locate(tag, &key);
    REQUIRE(place.node < kLost);
    loss.table.unlink(loss.table.bucket_of(tag), place);
    loss.keys.erase(key);
  }
  loss.pool.note_loss();
  loss.map->repair();
  loss.check_whole();
}

TEST_CASE("a gate that the dead left closed is opened") {
  Loss loss;
  loss.fill(5);
  loss.pool.close();
  const Word key = 500;
  CHECK(loss.map->update({}, &key, &key, 0) == 0);
  loss.keys.insert(key);
  CHECK(!loss.pool.closed());
  loss.map->repair();
  loss.check_whole();
}

TEST_CASE("repair of a whole map changes nothing") {
  Loss loss;
  loss.fill(25);
  for (int i = 0; i < 3; ++i) {
    loss.pool.note_loss();
    loss.map->repair();
  }
  loss.check_whole();
}

TEST_CASE("repair gives back what the dead unlinked, once") {
  MapSpec spec = spec_of(kHash);
  REQUIRE(spec.fields.add({.kind = FieldKind::kptr, .offset = 0, .bytes = 8}));
  TestMap map(kHash, spec);
  const HashGeometry shape = hash_geometry(map->spec(), 4).value_or(HashGeometry{});
  HashTable table(shape, map.memory());
  HashPool pool(table, map.region(), map.memory());
  table.set_seed(pool.seed());
  for (Word key = 0; key < 10; ++key) REQUIRE(map->update({}, &key, &key, 0) == 0);
  const Word erased = 3;
  REQUIRE(map->erase({}, &erased) == 0);
  CHECK(map.world.dropped == 1);
  const Word key = 5;
  const std::uint32_t tag = table.tag(&key);
  table.unlink(table.bucket_of(tag), table.locate(tag, &key));
  for (int i = 0; i < 2; ++i) {
    pool.note_loss();
    map->repair();
    CHECK(map.world.dropped == 2);
  }
}

TEST_CASE("an LPM trie counts and leads anew") {
  TestMap map(kLpm, spec_of(kLpm));
  const LpmGeometry shape = lpm_geometry(map->spec()).value_or(LpmGeometry{});
  LpmTrie trie(shape, map.memory());
  for (Word i = 0; i < 20; ++i) {
    const Word key = (i * 5) << 32 | 32;
    REQUIRE(map->update({}, &key, &i, 0) == 0);
  }
  trie.header().elements.store(7);
  for (int i = 0; i < 5; ++i) (void)trie.take_node();
  std::memset(map.memory() + LpmTrie::kTableAt, 0, 8 << shape.table_bits);
  trie.rebuild();
  CHECK(trie.header().elements.load() == 20);
  for (Word i = 0; i < 20; ++i) {
    const Word key = (i * 5) << 32 | 32;
    const auto* value = static_cast<const Word*>(map->lookup({}, &key));
    REQUIRE(value != nullptr);
    CHECK(*value == i);
  }
  for (Word i = 20; i < kEntries; ++i) {
    const Word key = (i * 5) << 32 | 32;
    REQUIRE(map->update({}, &key, &i, 0) == 0);
  }
}

}  // namespace
}  // namespace skep::maps
