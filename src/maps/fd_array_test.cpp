// SPDX-License-Identifier: Apache-2.0
#include "maps/fd_array.h"

#include <doctest/doctest.h>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/test_world.h"

namespace skep::maps {

namespace {

constexpr MapType kPrograms{
    abi::BPF_MAP_TYPE_PROG_ARRAY, check_prog_array, prog_array_bytes, open_prog_array, false, ""};
constexpr MapType kMaps{abi::BPF_MAP_TYPE_ARRAY_OF_MAPS,
                        check_array_of_maps,
                        array_of_maps_bytes,
                        open_array_of_maps,
                        true,
                        ""};

constexpr MapSpec kSpec{.key_bytes = 4, .value_bytes = 4, .max_entries = 3};

}  // namespace

TEST_CASE("program array: specs as Linux takes them") {
  MapSpec spec = kSpec;
  CHECK(check_prog_array(spec, 1) == 0);
  for (const std::uint32_t flag : {abi::BPF_F_RDONLY, abi::BPF_F_WRONLY, abi::BPF_F_NUMA_NODE}) {
    spec.flags = flag;
    CHECK(check_prog_array(spec, 1) == 0);
  }
  for (const std::uint32_t flag : {abi::BPF_F_RDONLY_PROG, abi::BPF_F_WRONLY_PROG,
                                   abi::BPF_F_MMAPABLE, abi::BPF_F_INNER_MAP}) {
    spec.flags = flag;
    CHECK(check_prog_array(spec, 1) == -EINVAL);
  }
  spec = kSpec;
  spec.value_bytes = 8;
  CHECK(check_prog_array(spec, 1) == -EINVAL);
}

TEST_CASE("program array: descriptors go in, ids come out, references are counted") {
  TestMap test(kPrograms, kSpec);
  auto& array = static_cast<FdArrayMap&>(test.map());
  std::uint32_t index = 1;
  std::uint32_t value = 41;
  CHECK(test->read({}, &index, &value, 0) == -ENOENT);
  CHECK(test->remove({}, &index) == -ENOENT);
  CHECK(test->write({}, &index, &value, abi::BPF_NOEXIST) == -EINVAL);
  CHECK(test->write({}, &index, &value, abi::BPF_EXIST) == -EINVAL);
  CHECK(test->write({}, &index, &value, 0) == 0);
  CHECK(array.id_at(1) == 41);
  CHECK(array.id_at(3) == 0);
  value = 42;
  CHECK(test->write({}, &index, &value, 0) == 0);
  CHECK(test.world.references(41) == 0);
  CHECK(test.world.references(42) == 1);
  CHECK(test->read({}, &index, &value, 0) == 0);
  CHECK(value == 42);
  CHECK(test->lookup({}, &index) == nullptr);  // not for programs
  CHECK(test->update({}, &index, &value, 0) == -abi::ENOTSUPP);
  const int bad = -1;
  CHECK(test->write({}, &index, &bad, 0) == -EBADF);
  index = 3;
  CHECK(test->write({}, &index, &value, 0) == -E2BIG);
  CHECK(test->read({}, &index, &value, 0) == -ENOENT);
  CHECK(test->remove({}, &index) == -E2BIG);
  test->clear({});
  CHECK(test.world.references(42) == 0);
  CHECK(array.id_at(1) == 0);
}

TEST_CASE("program array: keys follow as in any array") {
  TestMap test(kPrograms, kSpec);
  std::uint32_t key = 99;
  CHECK(test->next_key({}, nullptr, &key) == 0);
  CHECK(key == 0);
  CHECK(test->next_key({}, &key, &key) == 0);
  CHECK(key == 1);
  key = 2;
  CHECK(test->next_key({}, &key, &key) == -ENOENT);
  key = 7;
  CHECK(test->next_key({}, &key, &key) == 0);
  CHECK(key == 0);
}

TEST_CASE("array of maps: programs find the map") {
  TestMap test(kMaps, kSpec);
  TestMap inner(kPrograms, kSpec);
  test.world.add_map(5, inner.map());
  const std::uint32_t index = 2;
  const std::uint32_t fd = 5;
  CHECK(test->lookup({}, &index) == nullptr);
  CHECK(test->write({}, &index, &fd, 0) == 0);
  CHECK(test->lookup({}, &index) == &inner.map());
  const std::uint32_t unknown = 6;
  CHECK(test->write({}, &index, &unknown, 0) == 0);
  CHECK(test->lookup({}, &index) == nullptr);
  const std::uint32_t outside = 3;
  CHECK(test->lookup({}, &outside) == nullptr);
}

}  // namespace skep::maps
