// SPDX-License-Identifier: Apache-2.0
#include "maps/device_map.h"

#include <doctest/doctest.h>

#include <array>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/test_world.h"

// NOLINTBEGIN(bugprone-unchecked-optional-access): REQUIRE has looked before

namespace skep::maps {

namespace {

constexpr MapType kDevmap{
    abi::BPF_MAP_TYPE_DEVMAP, check_devmap, devmap_bytes, open_devmap, false, ""};
constexpr MapType kDevmapHash{abi::BPF_MAP_TYPE_DEVMAP_HASH,
                              check_devmap_hash,
                              devmap_hash_bytes,
                              open_devmap_hash,
                              false,
                              ""};
constexpr MapType kCpumap{
    abi::BPF_MAP_TYPE_CPUMAP, check_cpumap, cpumap_bytes, open_cpumap, false, ""};
constexpr MapSpec kSpec{.key_bytes = 4, .value_bytes = 8, .max_entries = 4};

using Value = std::array<std::uint32_t, 2>;

long write(TestMap& test, std::uint32_t key, Value value, std::uint64_t flags = 0) {
  return test->write({}, &key, value.data(), flags);
}
long read(TestMap& test, std::uint32_t key, Value& value) {
  return test->read({}, &key, value.data(), 0);
}
long remove(TestMap& test, std::uint32_t key) { return test->remove({}, &key); }
bool first_ten(std::uint32_t ifindex) { return ifindex <= 10; }

}  // namespace

TEST_CASE("device map: what Linux answers") {
  TestMap test(kDevmap, kSpec);
  auto& map = static_cast<DeviceMap&>(test.map());
  map.set_has_device(first_ten);
  Value value{};
  CHECK(write(test, 0, {1}, 3) == -EINVAL);
  CHECK(write(test, 4, {1}) == -E2BIG);
  CHECK(write(test, 0, {1}, abi::BPF_NOEXIST) == -EEXIST);
  CHECK(write(test, 0, {99}) == -EINVAL);
  CHECK(write(test, 0, {0, 5}) == -EINVAL);
  CHECK(write(test, 0, {0}) == 0);
  CHECK(read(test, 0, value) == -ENOENT);
  CHECK(write(test, 0, {7, 5}, abi::BPF_EXIST) == 0);
  CHECK(test.world.references(5) == 1);
  CHECK(read(test, 0, value) == 0);
  CHECK(value == Value{7, 5});
  CHECK(map.target(0)->device_or_cpu == 7);
  CHECK(map.target(0)->program == 5);
  CHECK_FALSE(map.target(1).has_value());
  CHECK_FALSE(map.target(4).has_value());
  CHECK(write(test, 0, {0}) == 0);
  CHECK(test.world.references(5) == 0);
  CHECK(remove(test, 0) == 0);
  CHECK(remove(test, 4) == -EINVAL);
  CHECK(test->take({}, value.data(), value.data(), 0) == -abi::ENOTSUPP);
  CHECK(write(test, 1, {7, 6}) == 0);
  test->clear({});
  CHECK(test.world.references(6) == 0);
}

TEST_CASE("device map: 4-byte values have no program") {
  MapSpec spec = kSpec;
  spec.value_bytes = 4;
  TestMap test(kDevmap, spec);
  Value value{1, 2};
  CHECK(write(test, 0, {3, 4}) == 0);
  CHECK(read(test, 0, value) == 0);
  CHECK(value == Value{3, 2});
  spec.value_bytes = 12;
  CHECK(check_devmap(spec, 1) == -EINVAL);
}

TEST_CASE("device hash: what Linux answers") {
  TestMap test(kDevmapHash, kSpec);
  auto& map = static_cast<DeviceHashMap&>(test.map());
  map.set_has_device(first_ten);
  Value value{};
  CHECK(write(test, 1000, {1}, 3) == -EINVAL);
  CHECK(write(test, 1000, {0}) == -EINVAL);
  CHECK(write(test, 1000, {99}) == -EINVAL);
  CHECK(write(test, 1000, {1, 5}, abi::BPF_EXIST) == 0);  // as Linux: not asked
  CHECK(write(test, 1000, {1, 6}, abi::BPF_NOEXIST) == -EEXIST);
  CHECK(test.world.references(6) == 0);
  CHECK(write(test, 1000, {2, 7}) == 0);
  CHECK(test.world.references(5) == 0);
  CHECK(read(test, 1000, value) == 0);
  CHECK(value == Value{2, 7});
  CHECK(map.target(1000)->program == 7);
  CHECK_FALSE(map.target(1).has_value());
  for (std::uint32_t key = 1; key < 4; ++key) CHECK(write(test, key, {3}) == 0);
  CHECK(write(test, 5, {3}) == -E2BIG);
  CHECK(remove(test, 1000) == 0);
  CHECK(remove(test, 1000) == -ENOENT);
  CHECK(test.world.references(7) == 0);
}

TEST_CASE("device hash: 4-byte values") {
  MapSpec spec = kSpec;
  spec.value_bytes = 4;
  TestMap test(kDevmapHash, spec);
  CHECK(write(test, 8, {3, 4}) == 0);
  CHECK(static_cast<DeviceHashMap&>(test.map()).target(8)->device_or_cpu == 3);
  CHECK(static_cast<DeviceHashMap&>(test.map()).target(8)->program == 0);
}

TEST_CASE("CPU map: what Linux answers") {
  MapSpec spec = kSpec;
  spec.max_entries = 8;
  TestMap test(kCpumap, spec);  // of 4 CPUs
  Value value{};
  CHECK(write(test, 0, {1}, 3) == -EINVAL);
  CHECK(write(test, 8, {1}) == -E2BIG);
  CHECK(write(test, 0, {1}, abi::BPF_NOEXIST) == -EEXIST);
  CHECK(write(test, 0, {16385}) == -EOVERFLOW);
  CHECK(write(test, 4, {1}) == -ENODEV);
  CHECK(write(test, 4, {0}) == -ENODEV);
  CHECK(write(test, 0, {16, static_cast<std::uint32_t>(-1)}) == 0);
  CHECK(write(test, 0, {16384, 5}) == 0);
  CHECK(read(test, 0, value) == 0);
  CHECK(value == Value{16384, 5});
  CHECK(static_cast<CpuMap&>(test.map()).target(0)->device_or_cpu == 0);
  CHECK(write(test, 0, {0}) == 0);
  CHECK(test.world.references(5) == 0);
  CHECK(read(test, 0, value) == -ENOENT);
  CHECK(remove(test, 0) == 0);
  CHECK(remove(test, 8) == -EINVAL);
  spec.flags = abi::BPF_F_RDONLY;
  CHECK(check_cpumap(spec, 4) == -EINVAL);
  spec.flags = 0;
  spec.max_entries = kMaxCpus + 1;
  CHECK(check_cpumap(spec, 4) == -E2BIG);
}

}  // namespace skep::maps

// NOLINTEND(bugprone-unchecked-optional-access)
