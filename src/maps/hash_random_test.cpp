// SPDX-License-Identifier: Apache-2.0
// Random operations against a plain container, alone and from several threads.
#include <doctest/doctest.h>

#include <thread>
#include <unordered_map>

#include "abi/map_types.h"
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
constexpr MapType kLruPercpu{abi::BPF_MAP_TYPE_LRU_PERCPU_HASH,
                             check_lru_percpu_hash,
                             lru_percpu_hash_bytes,
                             open_lru_percpu_hash,
                             true,
                             ""};

struct Shape {
  std::uint32_t key_bytes;
  std::uint32_t value_bytes;
  std::uint32_t entries;
  unsigned cpus;
  std::uint32_t flags;
};

// Keys and values that begin with a number and repeat its bytes.
std::vector<std::uint8_t> bytes_of(Word number, std::uint32_t bytes) {
  std::vector<std::uint8_t> out(bytes);
  for (std::uint32_t i = 0; i < bytes; ++i)
    out[i] = static_cast<std::uint8_t>((number + i / 8) >> (i % 8 * 8));
  return out;
}

using Model = std::unordered_map<Word, Word>;

long expected_update(const Model& model, const Shape& shape, Word key, Word flags) {
  const bool exists = model.contains(key);
  if (flags == abi::BPF_NOEXIST && exists) return -EEXIST;
  if (flags == abi::BPF_EXIST && !exists) return -ENOENT;
  return !exists && model.size() == shape.entries ? -E2BIG : 0;
}

std::size_t count_keys(Map& map, const Shape& shape, const Model& model) {
  std::vector<std::uint8_t> key(shape.key_bytes);
  std::vector<std::uint8_t> before;
  std::size_t count = 0;
  while (map.next_key({}, before.empty() ? nullptr : before.data(), key.data()) == 0 &&
         count <= model.size()) {
    before = key;
    ++count;
  }
  return count;
}

void compare_with_model(const Shape& shape, std::uint64_t steps, std::uint64_t seed) {
  test::Random random(seed);
  TestMap map(kHash,
              {.key_bytes = shape.key_bytes,
               .value_bytes = shape.value_bytes,
               .max_entries = shape.entries,
               .flags = shape.flags},
              shape.cpus);
  Model model;
  const Word mask = shape.key_bytes == 1 ? 0xff : 0xffff;
  for (std::uint64_t step = 0; step < steps; ++step) {
    const Word number = random.below(shape.entries * 2) & mask;
    const auto key = bytes_of(number, shape.key_bytes);
    const Caller caller{.cpu = random.below(shape.cpus)};
    switch (random.below(4)) {
      case 0:
      case 1: {
        const Word flags = random.below(3);
        const Word content = random.next();
        const auto value = bytes_of(content, shape.value_bytes);
        const long expected = expected_update(model, shape, number, flags);
        REQUIRE(map->update(caller, key.data(), value.data(), flags) == expected);
        if (expected == 0) model[number] = content;
        break;
      }
      case 2: {
        const long expected = model.erase(number) == 1 ? 0 : -ENOENT;
        REQUIRE(map->erase(caller, key.data()) == expected);
        break;
      }
      default: {
        const auto* value = map->lookup(caller, key.data());
        REQUIRE((value != nullptr) == model.contains(number));
        if (value == nullptr) break;
        const auto content = bytes_of(model[number], shape.value_bytes);
        REQUIRE(std::memcmp(value, content.data(), content.size()) == 0);
      }
    }
    if (step % 4096 == 0) REQUIRE(count_keys(map.map(), shape, model) == model.size());
  }
}

TEST_CASE("random operations find what a plain container holds") {
  const std::array<Shape, 8> shapes{{
      {8, 8, 1, 1, 0},
      {8, 8, 7, 2, abi::BPF_F_NO_PREALLOC},
      {4, 4, 100, 4, 0},
      {8, 8, 1000, 4, 0},
      {16, 24, 500, 3, abi::BPF_F_ZERO_SEED},
      {12, 5, 300, 16, 0},
      {1, 1, 20, 2, 0},
      {40, 100, 2000, 2, abi::BPF_F_NO_PREALLOC},
  }};
  const std::uint64_t steps = test::rounds(1'000'000) / shapes.size();
  for (const Shape& shape : shapes) compare_with_model(shape, steps, test::seed_or(shape.entries));
}

constexpr unsigned kThreads = 4;

template <class Work>
void in_threads(Work work) {
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (unsigned i = 0; i < kThreads; ++i) threads.emplace_back([=] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

// Each value says its key, so that a reader sees a value that is not that of its key.
TEST_CASE("threads find no value of another key, and lose no node") {
  constexpr Word kSpace = 48;
  for (const MapType& type : {kHash, kLru}) {
    TestMap map(type, {.key_bytes = 8, .value_bytes = 8, .max_entries = 32}, kThreads);
    std::atomic<std::uint64_t> wrong{0};
    in_threads([&](unsigned thread) {
      test::Random random(thread + 1);
      const Caller caller{.cpu = thread};
      for (std::uint64_t i = 0; i < test::rounds(200'000); ++i) {
        const Word key = random.below(kSpace);
        const Word content = key << 32 | random.below(1000);
        const std::uint32_t choice = random.below(8);
        if (choice < 3) {
          const long status = map->update(caller, &key, &content, 0);
          if (status != 0 && status != -E2BIG) ++wrong;
        } else if (choice < 5) {
          const long status = map->erase(caller, &key);
          if (status != 0 && status != -ENOENT) ++wrong;
        } else {
          Word value = 0;
          if (map->read(caller, &key, &value, 0) == 0 && value >> 32 != key) ++wrong;
          (void)map->lookup(caller, &key);
        }
      }
    });
    CHECK(wrong == 0);
    Word key = 0;
    while (map->next_key({}, nullptr, &key) == 0) REQUIRE(map->erase({}, &key) == 0);
    for (key = 0; key < 32; ++key) CHECK(map->update({}, &key, &key, abi::BPF_NOEXIST) == 0);
    const long more = type.number == kHash.number ? -E2BIG : 0;
    CHECK(map->update({}, &key, &key, abi::BPF_NOEXIST) == more);
  }
}

TEST_CASE("a key that is always there is always found") {
  TestMap map(kHash, {.key_bytes = 8, .value_bytes = 8, .max_entries = 16}, kThreads);
  const Word always = 1000;
  REQUIRE(map->update({}, &always, &always, 0) == 0);
  std::atomic<std::uint64_t> missed{0};
  in_threads([&](unsigned thread) {
    test::Random random(thread + 1);
    const Caller caller{.cpu = thread};
    for (std::uint64_t i = 0; i < test::rounds(300'000); ++i) {
      const Word key = random.below(20);
      if (thread == 0) (void)map->update(caller, &always, &always, 0);
      if (thread == 1) (void)map->update(caller, &key, &key, 0);
      if (thread == 2) (void)map->erase(caller, &key);
      if (map->lookup(caller, &always) == nullptr) ++missed;
    }
  });
  CHECK(missed == 0);
}

TEST_CASE("threads together put in exactly as many as there is room for") {
  for (int round = 0; round < 50; ++round) {
    TestMap map(kHash, {.key_bytes = 8, .value_bytes = 8, .max_entries = 333}, kThreads);
    std::atomic<std::uint32_t> taken{0};
    in_threads([&](unsigned thread) {
      for (Word i = 0; i < 333; ++i) {
        const Word key = i * kThreads + thread;
        if (map->update({.cpu = thread}, &key, &key, 0) == 0) ++taken;
      }
    });
    CHECK(taken == 333);
  }
}

TEST_CASE("per-CPU counters of several threads add up") {
  for (const MapType& type : {kPercpu, kLruPercpu}) {
    TestMap map(type, {.key_bytes = 4, .value_bytes = 8, .max_entries = 64}, kThreads);
    const auto each = static_cast<std::uint32_t>(test::rounds(100'000));
    in_threads([&](unsigned thread) {
      test::Random random(thread + 1);
      const Caller caller{.cpu = thread};
      const Word zero = 0;
      for (std::uint32_t i = 0; i < each; ++i) {
        const std::uint32_t key = random.below(16);
        void* value = map->lookup(caller, &key);
        if (value == nullptr) {
          (void)map->update(caller, &key, &zero, abi::BPF_NOEXIST);
          value = map->lookup(caller, &key);
        }
        ++*static_cast<Word*>(value);
      }
    });
    Word total = 0;
    for (std::uint32_t key = 0; key < 16; ++key) {
      std::array<Word, kThreads> values{};
      REQUIRE(map->read({}, &key, values.data(), 0) == 0);
      for (const Word value : values) total += value;
    }
    CHECK(total == Word{each} * kThreads);
  }
}

}  // namespace
}  // namespace skep::maps
