// SPDX-License-Identifier: Apache-2.0
#include "maps/local_storage.h"

#include <doctest/doctest.h>

#include <thread>

#include "abi/helper_flags.h"
#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/test_world.h"

namespace skep::maps {

namespace {

constexpr MapType kType{abi::BPF_MAP_TYPE_TASK_STORAGE,
                        check_local_storage,
                        local_storage_bytes,
                        open_local_storage,
                        false,
                        ""};
constexpr MapSpec kSpec{.key_bytes = 4, .value_bytes = 8, .flags = abi::BPF_F_NO_PREALLOC};

// Descriptor n belongs to owner 1000 + n; owners from `dead` on do not live.
class TestOwners final : public Owners {
 public:
  [[nodiscard]] long owner(int fd, std::uint64_t& number) override {
    number = 1000 + static_cast<std::uint64_t>(fd);
    return fd < 0 ? -EBADF : 0;
  }
  [[nodiscard]] bool lives(std::uint64_t number) override { return number < dead; }
  std::uint64_t dead = ~std::uint64_t{0};
};

struct TestStorage : TestMap {
  explicit TestStorage(const MapSpec& spec = kSpec) : TestMap(kType, spec) {
    storage().set_owners(&owners);
  }
  LocalStorageMap& storage() { return static_cast<LocalStorageMap&>(map()); }
  std::uint64_t* get(std::uint64_t owner, bool create) {
    return static_cast<std::uint64_t*>(storage().get({}, owner, nullptr, create ? 1 : 0));
  }
  std::unique_ptr<TestOwners> owned = std::make_unique<TestOwners>();
  TestOwners& owners = *owned;
};

}  // namespace

TEST_CASE("local storage: specs as Linux takes them") {
  const auto status = [](MapSpec spec) { return check_local_storage(spec, 1); };
  CHECK(status(kSpec) == 0);
  CHECK(status({.key_bytes = 4, .value_bytes = 8}) == -EINVAL);
  CHECK(status({.key_bytes = 4, .value_bytes = 8, .max_entries = 1, .flags = 1}) == -EINVAL);
  CHECK(status({.key_bytes = 8, .value_bytes = 8, .flags = 1}) == -EINVAL);
  CHECK(status({.key_bytes = 4, .value_bytes = 0, .flags = 1}) == -EINVAL);
  const std::uint32_t most = abi::BPF_LOCAL_STORAGE_MAX_VALUE_SIZE;
  CHECK(status({.key_bytes = 4, .value_bytes = most, .flags = 1}) == 0);
  CHECK(status({.key_bytes = 4, .value_bytes = most + 1, .flags = 1}) == -E2BIG);
  CHECK(status({.key_bytes = 4, .value_bytes = 8, .flags = 1 | abi::BPF_F_CLONE}) == 0);
}

TEST_CASE("local storage: programs get, make and delete by owner") {
  TestStorage test;
  CHECK(test.get(5, false) == nullptr);
  CHECK(test.storage().get({}, 5, nullptr, 2) == nullptr);
  std::uint64_t* value = test.get(5, true);
  REQUIRE(value != nullptr);
  CHECK(*value == 0);
  *value = 9;
  CHECK(test.get(5, false) == value);
  CHECK(test.get(6, false) == nullptr);
  const std::uint64_t initial = 77;
  CHECK(*static_cast<std::uint64_t*>(test.storage().get({}, 6, &initial, 1)) == 77);
  CHECK(*static_cast<std::uint64_t*>(test.storage().get({}, 5, &initial, 1)) == 9);
  CHECK(test.storage().drop({}, 5) == 0);
  CHECK(test.storage().drop({}, 5) == -ENOENT);
  CHECK(test.get(5, false) == nullptr);
}

TEST_CASE("local storage: bpf(2) comes with descriptors") {
  TestStorage test;
  int fd = 5;
  std::uint64_t value = 3;
  CHECK(test->read({}, &fd, &value, 0) == -ENOENT);
  CHECK(test->write({}, &fd, &value, abi::BPF_EXIST) == -ENOENT);
  CHECK(test->write({}, &fd, &value, 3) == -EINVAL);
  CHECK(test->write({}, &fd, &value, abi::BPF_F_LOCK) == -EINVAL);
  CHECK(test->write({}, &fd, &value, abi::BPF_NOEXIST) == 0);
  CHECK(test->write({}, &fd, &value, abi::BPF_NOEXIST) == -EEXIST);
  CHECK(*test.get(1005, false) == 3);
  value = 0;
  CHECK(test->read({}, &fd, &value, 0) == 0);
  CHECK(value == 3);
  CHECK(test->next_key({}, &fd, &value) == -abi::ENOTSUPP);
  CHECK(test->take({}, &fd, &value, 0) == -abi::ENOTSUPP);
  CHECK(test->remove({}, &fd) == 0);
  CHECK(test->remove({}, &fd) == -ENOENT);
  fd = -1;
  CHECK(test->read({}, &fd, &value, 0) == -EBADF);
  CHECK(test->write({}, &fd, &value, 0) == -EBADF);
  CHECK(test->remove({}, &fd) == -EBADF);
}

TEST_CASE("local storage: when it is full, values of the dead make room") {
  MapSpec spec = kSpec;
  spec.value_bytes = 0xfc00;
  TestStorage test(spec);
  const std::uint32_t capacity = test.storage().capacity();
  CHECK(capacity >= kFewestOwners);
  for (std::uint64_t owner = 0; owner < capacity; ++owner)
    REQUIRE(test.get(owner, true) != nullptr);
  CHECK(test.get(capacity, true) == nullptr);
  const int fd = 1'000'000;
  const std::vector<std::byte> value(spec.value_bytes);
  CHECK(test->write({}, &fd, value.data(), 0) == -ENOMEM);
  test.owners.dead = 10;
  test.world.time_ns += 1'000'000'000;
  CHECK(test.get(capacity, true) != nullptr);
  CHECK(test.get(9, false) != nullptr);
  CHECK(test.get(10, false) == nullptr);
}

TEST_CASE("local storage: threads that make the same value share it") {
  TestStorage test;
  std::array<std::atomic<std::uint64_t*>, 2> got{};
  for (std::uint64_t owner = 0; owner < 1000; ++owner) {
    std::thread other([&] {
      got[0] = static_cast<std::uint64_t*>(test.storage().get({.cpu = 1}, owner, nullptr, 1));
    });
    got[1] = test.get(owner, true);
    other.join();
    REQUIRE(got[0] == got[1]);
    REQUIRE(got[0] != nullptr);
  }
}

}  // namespace skep::maps
