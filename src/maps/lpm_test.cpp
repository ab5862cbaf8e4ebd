// SPDX-License-Identifier: Apache-2.0
#include "maps/lpm.h"

#include <doctest/doctest.h>

#include <map>
#include <thread>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/test_world.h"
#include "tests/support/random_program.h"
#include "tests/support/rounds.h"

namespace skep::maps {
namespace {

using Word = std::uint64_t;

constexpr MapType kLpm{abi::BPF_MAP_TYPE_LPM_TRIE, check_lpm, lpm_bytes, open_lpm, true, ""};
constexpr std::uint32_t kFlags = abi::BPF_F_NO_PREALLOC;

struct Ipv4 {
  std::uint32_t prefix;
  std::array<std::uint8_t, 4> address;
};

MapSpec ipv4(std::uint32_t entries) {
  return {.key_bytes = 8, .value_bytes = 8, .max_entries = entries, .flags = kFlags};
}
long put(Map& map, Ipv4 key, Word value, Word flags = 0) {
  return map.update({}, &key, &value, flags);
}
Word at(Map& map, Ipv4 key) {
  const auto* value = static_cast<const Word*>(map.lookup({}, &key));
  return value == nullptr ? 0 : *value;
}

TEST_CASE("an LPM trie is refused as Linux refuses it") {
  const auto status = [](std::uint32_t key, std::uint32_t value, std::uint32_t entries,
                         std::uint32_t flags) {
    MapSpec spec{.key_bytes = key, .value_bytes = value, .max_entries = entries, .flags = flags};
    return check_lpm(spec, 4);
  };
  CHECK(status(8, 8, 10, kFlags) == 0);
  CHECK(status(8, 8, 10, 0) == -EINVAL);
  CHECK(status(8, 8, 10, kFlags | abi::BPF_F_ZERO_SEED) == -EINVAL);
  CHECK(status(8, 8, 0, kFlags) == -EINVAL);
  CHECK(status(4, 8, 10, kFlags) == -EINVAL);
  CHECK(status(5, 8, 10, kFlags) == 0);
  CHECK(status(260, 8, 10, kFlags) == 0);
  CHECK(status(261, 8, 10, kFlags) == -EINVAL);
  CHECK(status(8, 0, 10, kFlags) == -EINVAL);
  CHECK(status(8, 4194024, 10, kFlags) == 0);
  CHECK(status(8, 4194025, 10, kFlags) == -EINVAL);
}

TEST_CASE("the longest prefix is found") {
  TestMap map(kLpm, ipv4(10));
  CHECK(at(map.map(), {32, {10, 1, 2, 3}}) == 0);
  REQUIRE(put(map.map(), {8, {10, 0, 0, 0}}, 8) == 0);
  REQUIRE(put(map.map(), {16, {10, 1, 0, 0}}, 16) == 0);
  REQUIRE(put(map.map(), {24, {10, 1, 2, 0}}, 24) == 0);
  REQUIRE(put(map.map(), {0, {}}, 100) == 0);
  CHECK(at(map.map(), {32, {10, 1, 2, 3}}) == 24);
  CHECK(at(map.map(), {32, {10, 1, 3, 3}}) == 16);
  CHECK(at(map.map(), {32, {10, 2, 2, 3}}) == 8);
  CHECK(at(map.map(), {32, {11, 2, 2, 3}}) == 100);
  CHECK(at(map.map(), {16, {10, 1, 2, 3}}) == 16);
  CHECK(at(map.map(), {9, {10, 1, 2, 3}}) == 8);
  CHECK(at(map.map(), {3, {10, 1, 2, 3}}) == 100);
  CHECK(at(map.map(), {33, {10, 1, 2, 3}}) == 0);
}

TEST_CASE("updates and removals answer as Linux") {
  TestMap map(kLpm, ipv4(2));
  CHECK(put(map.map(), {33, {}}, 1) == -EINVAL);
  CHECK(put(map.map(), {8, {10}}, 1, 3) == -EINVAL);
  CHECK(put(map.map(), {8, {10}}, 1, abi::BPF_EXIST) == -ENOENT);
  CHECK(put(map.map(), {8, {10}}, 1, abi::BPF_NOEXIST) == 0);
  CHECK(put(map.map(), {8, {10}}, 1, abi::BPF_NOEXIST) == -EEXIST);
  CHECK(put(map.map(), {8, {11}}, 2) == 0);
  CHECK(put(map.map(), {8, {12}}, 3) == -ENOSPC);
  CHECK(put(map.map(), {8, {12}}, 3, abi::BPF_EXIST) == -ENOENT);
  for (Word i = 0; i < 10; ++i) REQUIRE(put(map.map(), {8, {11}}, i) == 0);
  const Ipv4 fork{7, {10}};
  CHECK(map->erase({}, &fork) == -ENOENT);
  const Ipv4 wrong{40, {10}};
  CHECK(map->erase({}, &wrong) == -EINVAL);
  const Ipv4 first{8, {10, 9, 9, 9}};
  CHECK(map->erase({}, &first) == 0);
  CHECK(map->erase({}, &first) == -ENOENT);
  CHECK(put(map.map(), {8, {12}}, 3) == 0);
}

TEST_CASE("keys come the longer before those they lie in") {
  TestMap map(kLpm, ipv4(10));
  for (const Ipv4 key :
       {Ipv4{16, {192, 168, 0, 0}}, Ipv4{24, {192, 168, 0, 0}}, Ipv4{24, {192, 168, 128, 0}},
        Ipv4{24, {192, 168, 1, 0}}, Ipv4{0, {7, 7, 7, 7}}})
    REQUIRE(put(map.map(), key, 1) == 0);
  std::vector<std::uint32_t> order;
  Ipv4 key{};
  Ipv4 next{};
  for (const Ipv4* from = nullptr; map->next_key({}, from, &next) == 0; from = &key) {
    key = next;
    order.push_back(key.prefix << 16 | std::uint32_t{key.address[2]} << 8 | key.address[0]);
  }
  CHECK(order == std::vector<std::uint32_t>{24 << 16 | 192, 24 << 16 | 1 << 8 | 192,
                                            24 << 16 | 128 << 8 | 192, 16 << 16 | 192, 7 << 8 | 7});
  const Ipv4 unknown{9, {1, 2, 3, 4}};
  REQUIRE(map->next_key({}, &unknown, &next) == 0);
  CHECK(next.prefix == 24);
}

// Prefix and data of a key, cut to the prefix.
using Cut = std::pair<std::uint32_t, std::vector<std::uint8_t>>;

Cut cut(std::uint32_t prefix, std::vector<std::uint8_t> data) {
  for (std::uint32_t bit = prefix; bit < data.size() * 8; ++bit)
    data[bit / 8] = static_cast<std::uint8_t>(data[bit / 8] & ~(0x80 >> bit % 8));
  return {prefix, std::move(data)};
}

void compare_with_model(std::uint32_t bytes, std::uint32_t entries, std::uint64_t steps) {
  test::Random random(test::seed_or(bytes));
  TestMap map(kLpm,
              {.key_bytes = bytes + 4, .value_bytes = 8, .max_entries = entries, .flags = kFlags});
  std::map<Cut, Word> model;
  std::vector<std::uint8_t> key(bytes + 4);
  for (std::uint64_t step = 0; step < steps; ++step) {
    const std::uint32_t prefix = random.below(bytes * 8 + 1);
    std::vector<std::uint8_t> data(bytes);
    for (auto& byte : data) byte = random.one_in(4) ? 0x80 : random.one_in(3) ? 0xff : 0;
    std::memcpy(key.data(), &prefix, 4);
    std::memcpy(key.data() + 4, data.data(), bytes);
    const Cut exact = cut(prefix, data);
    const std::uint32_t choice = random.below(4);
    if (choice < 2) {
      const bool fits = model.contains(exact) || model.size() < entries;
      REQUIRE(map->update({}, key.data(), &step, 0) == (fits ? 0 : -ENOSPC));
      if (fits) model[exact] = step;
    } else if (choice == 2) {
      REQUIRE(map->erase({}, key.data()) == (model.erase(exact) == 1 ? 0 : -ENOENT));
    } else {
      const Word* expected = nullptr;
      for (std::uint32_t shorter = prefix + 1; shorter-- > 0 && expected == nullptr;)
        if (const auto found = model.find(cut(shorter, data)); found != model.end())
          expected = &found->second;
      const auto* value = static_cast<const Word*>(map->lookup({}, key.data()));
      REQUIRE((value != nullptr) == (expected != nullptr));
      if (value != nullptr) REQUIRE(*value == *expected);
    }
  }
  std::size_t left = model.size();
  while (map->next_key({}, nullptr, key.data()) == 0) {
    REQUIRE(map->erase({}, key.data()) == 0);
    --left;
  }
  CHECK(left == 0);
}

TEST_CASE("random operations find what a plain container holds") {
  compare_with_model(1, 20, test::rounds(200'000));
  compare_with_model(2, 500, test::rounds(200'000));
  compare_with_model(4, 100, test::rounds(200'000));
  compare_with_model(4, 1000, test::rounds(200'000));
  compare_with_model(8, 50, test::rounds(100'000));
  compare_with_model(9, 50, test::rounds(50'000));
  compare_with_model(16, 300, test::rounds(50'000));
  compare_with_model(256, 40, test::rounds(2'000));
}

TEST_CASE("what is always there is found by all threads") {
  TestMap map(kLpm, ipv4(100));
  REQUIRE(put(map.map(), {16, {10, 1}}, 16) == 0);
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (unsigned thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      test::Random random(thread + 1);
      for (std::uint64_t i = 0; i < test::rounds(100'000); ++i) {
        const Ipv4 other{17 + random.below(3),
                         {10, 2, static_cast<std::uint8_t>(random.below(8) * 32), 0}};
        if (thread == 0) (void)put(map.map(), other, 1);
        if (thread == 1) (void)map.map().erase({}, &other);
        if (thread == 2 && random.one_in(4) && put(map.map(), {16, {10, 1}}, 16) != 0) ++wrong;
        // A program may see what its node was used for next; bpf(2) sees the value of the key.
        const Ipv4 inside{32, {10, 1, 5, 5}};
        Word value = 0;
        if (map.map().lookup({}, &inside) == nullptr) ++wrong;
        if (map.map().read({}, &inside, &value, 0) != 0 || value != 16) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace skep::maps
