// SPDX-License-Identifier: Apache-2.0
#include "maps/bloom_filter.h"

#include <doctest/doctest.h>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/test_world.h"

namespace skep::maps {

namespace {

constexpr MapType kType{abi::BPF_MAP_TYPE_BLOOM_FILTER,
                        check_bloom_filter,
                        bloom_filter_bytes,
                        open_bloom_filter,
                        false,
                        ""};

}  // namespace

TEST_CASE("bloom filter: specs as Linux takes them") {
  const auto status = [](MapSpec spec) { return check_bloom_filter(spec, 1); };
  CHECK(status({.value_bytes = 8, .max_entries = 3}) == 0);
  CHECK(status({.value_bytes = 8, .max_entries = 3, .extra = 15}) == 0);
  CHECK(status({.value_bytes = 8, .max_entries = 3, .extra = 16}) == -EINVAL);
  CHECK(status({.key_bytes = 1, .value_bytes = 8, .max_entries = 3}) == -EINVAL);
  CHECK(status({.key_bytes = 1, .value_bytes = (4U << 20) + 1}) == -E2BIG);
  CHECK(status({.value_bytes = 8, .max_entries = 3, .flags = abi::BPF_F_ZERO_SEED}) == 0);
  CHECK(status({.value_bytes = 8, .max_entries = 3, .flags = abi::BPF_F_MMAPABLE}) == -EINVAL);
}

TEST_CASE("bloom filter: memory for the number of entries") {
  const auto bits = [](std::uint32_t entries, std::uint64_t hashes) {
    return (*bloom_filter_bytes({.value_bytes = 8, .max_entries = entries, .extra = hashes}, 1) -
            64) *
           8;
  };
  CHECK(bits(1, 0) == 64);
  CHECK(bits(1000, 0) == 8192);
  CHECK(bits(1000, 1) == 2048);
  CHECK(bits(UINT32_MAX, 15) == std::uint64_t{1} << 32);
}

TEST_CASE("bloom filter: what was pushed is found, and little else") {
  for (const std::uint32_t bytes : {1U, 4U, 8U, 13U, 64U}) {
    const std::uint32_t count = bytes == 1 ? 10 : 1000;
    TestMap test(kType, {.value_bytes = bytes, .max_entries = count});
    const auto value = [&](std::uint32_t number) {
      std::vector<std::byte> made(bytes);
      std::memcpy(made.data() + bytes - std::min(bytes, 4U), &number, std::min(bytes, 4U));
      return made;
    };
    CHECK(test->peek({}, value(1).data()) == -ENOENT);
    for (std::uint32_t i = 0; i < count; ++i) CHECK(test->push({}, value(i).data(), 0) == 0);
    for (std::uint32_t i = 0; i < count; ++i) CHECK(test->peek({}, value(i).data()) == 0);
    std::uint32_t wrong = 0;
    for (std::uint32_t i = count; i < 10 * count; ++i)
      wrong += (i < 256 || bytes > 1) && test->peek({}, value(i).data()) == 0 ? 1 : 0;
    CHECK(wrong < count / 2);
  }
}

TEST_CASE("bloom filter: what Linux answers") {
  TestMap test(kType, {.value_bytes = 4, .max_entries = 3});
  std::uint32_t value = 7;
  CHECK(test->read({}, nullptr, &value, 0) == -ENOENT);
  CHECK(test->write({}, nullptr, &value, 1) == -EINVAL);
  CHECK(test->write({}, nullptr, &value, 0) == 0);
  CHECK(test->read({}, nullptr, &value, 0) == 0);
  CHECK(test->pop({}, &value) == -EOPNOTSUPP);
  CHECK(test->remove({}, nullptr) == -EOPNOTSUPP);
  CHECK(test->next_key({}, nullptr, &value) == -EOPNOTSUPP);
  CHECK(test->take({}, nullptr, &value, 0) == -abi::ENOTSUPP);
  CHECK(test->update({}, nullptr, &value, 0) == -EINVAL);
}

TEST_CASE("bloom filter: another view of the block finds the same") {
  TestMap test(kType, {.value_bytes = 4, .max_entries = 3});
  std::uint32_t value = 7;
  CHECK(test->push({}, &value, 0) == 0);
  CHECK(test.view()->peek({}, &value) == 0);
}

}  // namespace skep::maps
