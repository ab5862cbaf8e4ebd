// SPDX-License-Identifier: Apache-2.0
#include "maps/hash_of_maps.h"

#include <doctest/doctest.h>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/test_world.h"

namespace skep::maps {

namespace {

constexpr MapType kType{abi::BPF_MAP_TYPE_HASH_OF_MAPS,
                        check_hash_of_maps,
                        hash_of_maps_bytes,
                        open_hash_of_maps,
                        true,
                        ""};

constexpr MapSpec kSpec{.key_bytes = 8, .value_bytes = 4, .max_entries = 2};

}  // namespace

TEST_CASE("hash of maps: references follow the values") {
  TestMap test(kType, kSpec);
  REQUIRE(test.status == 0);
  const std::uint64_t key = 1;
  std::uint32_t fd = 11;
  CHECK(test->write({}, &key, &fd, abi::BPF_EXIST) == -ENOENT);
  CHECK(test.world.references(11) == 0);
  CHECK(test->write({}, &key, &fd, 0) == 0);
  CHECK(test.world.references(11) == 1);
  fd = 12;
  CHECK(test->write({}, &key, &fd, abi::BPF_NOEXIST) == -EEXIST);
  CHECK(test.world.references(12) == 0);
  CHECK(test->write({}, &key, &fd, 0) == 0);
  CHECK(test.world.references(11) == 0);
  CHECK(test->read({}, &key, &fd, 0) == 0);
  CHECK(fd == 12);
  CHECK(test->take({}, &key, &fd, 0) == -abi::ENOTSUPP);
  CHECK(test->remove({}, &key) == 0);
  CHECK(test.world.references(12) == 0);
  CHECK(test->remove({}, &key) == -ENOENT);
  fd = 13;
  CHECK(test->write({}, &key, &fd, 0) == 0);
  test->clear({});
  CHECK(test.world.references(13) == 0);
}

TEST_CASE("hash of maps: programs find the map") {
  TestMap test(kType, kSpec);
  TestMap inner(kType, kSpec);
  test.world.add_map(5, inner.map());
  const std::uint64_t key = 9;
  std::uint32_t fd = 5;
  CHECK(test->lookup({}, &key) == nullptr);
  CHECK(test->write({}, &key, &fd, 0) == 0);
  CHECK(test->lookup({}, &key) == &inner.map());
  fd = 6;
  CHECK(test->write({}, &key, &fd, 0) == 0);
  CHECK(test->lookup({}, &key) == nullptr);
  MapSpec wrong = kSpec;
  wrong.value_bytes = 8;
  CHECK(check_hash_of_maps(wrong, 1) == -EINVAL);
}

}  // namespace skep::maps
