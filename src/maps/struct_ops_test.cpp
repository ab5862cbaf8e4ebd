// SPDX-License-Identifier: Apache-2.0
#include "maps/struct_ops.h"

#include <doctest/doctest.h>

#include <array>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/test_world.h"

namespace skep::maps {

namespace {

constexpr MapType kType{
    abi::BPF_MAP_TYPE_STRUCT_OPS, check_struct_ops, struct_ops_bytes, open_struct_ops, false, ""};

class Consumer final : public StructOpsConsumer {
 public:
  [[nodiscard]] long check(std::span<const std::byte> data) override {
    return data[0] == std::byte{0xff} ? -EINVAL : 0;
  }
  [[nodiscard]] long attach(std::span<const std::byte> data) override {
    if (data[0] == std::byte{0xfe}) return -EEXIST;
    ++attached;
    return 0;
  }
  void detach(std::span<const std::byte>) override { --attached; }
  int attached = 0;
};

using Value = std::array<std::uint8_t, 128>;

struct TestOps {
  explicit TestOps(std::uint32_t flags)
      : map(kType, {.key_bytes = 4, .value_bytes = 128, .max_entries = 1, .flags = flags}),
        ops(static_cast<StructOpsMap&>(map.map())) {
    ops.set_consumer(&consumer);
  }
  long write(std::uint8_t first, std::uint32_t index = 0) {
    Value value{};
    value[64] = first;
    return ops.write({}, &index, value.data(), 0);
  }
  long remove() {
    const std::uint32_t index = 0;
    return ops.remove({}, &index);
  }
  Consumer consumer;
  TestMap map;
  StructOpsMap& ops;
};

}  // namespace

TEST_CASE("struct_ops: an update registers, a delete takes back, once") {
  TestOps test(0);
  CHECK(test.remove() == -ENOENT);
  CHECK(test.write(1, 1) == -E2BIG);
  CHECK(test.write(0xff) == -EINVAL);
  CHECK(test.write(0xfe) == -EEXIST);
  CHECK(test.ops.state() == StructOpsState::init);
  CHECK(test.write(1) == 0);
  CHECK(test.consumer.attached == 1);
  CHECK(test.write(1) == -EBUSY);
  std::uint32_t key = 0;
  Value value{};
  CHECK(test.ops.read({}, &key, value.data(), 0) == 0);
  CHECK(value[4] == 1);
  CHECK(value[64] == 1);
  CHECK(test.remove() == 0);
  CHECK(test.consumer.attached == 0);
  CHECK(test.remove() == -EINPROGRESS);
  CHECK(test.write(1) == -EBUSY);
  CHECK(test.ops.attach_link() == -EINVAL);
}

TEST_CASE("struct_ops: links register what an update made ready") {
  TestOps test(abi::BPF_F_LINK);
  CHECK(test.ops.attach_link() == -EINVAL);
  CHECK(test.write(1) == 0);
  CHECK(test.consumer.attached == 0);
  CHECK(test.ops.attach_link() == 0);
  CHECK(test.consumer.attached == 1);
  CHECK(test.remove() == -EOPNOTSUPP);
  test.ops.detach_link();
  CHECK(test.consumer.attached == 0);
}

TEST_CASE("struct_ops: what Linux answers") {
  TestOps test(0);
  std::uint32_t key = 0;
  Value value{};
  CHECK(test.ops.read({}, &key, value.data(), 0) == 0);
  CHECK(test.ops.write({}, &key, value.data(), 1) == -EINVAL);
  value[0] = 1;
  CHECK(test.ops.write({}, &key, value.data(), 0) == -EINVAL);
  CHECK(test.ops.next_key({}, nullptr, &key) == 0);
  CHECK(test.ops.next_key({}, &key, &key) == -ENOENT);
  CHECK(test.ops.take({}, &key, value.data(), 0) == -abi::ENOTSUPP);
  key = 1;
  CHECK(test.ops.read({}, &key, value.data(), 0) == -ENOENT);
  test.ops.set_consumer(nullptr);
  CHECK(test.write(1) == -EOPNOTSUPP);
  MapSpec spec{.key_bytes = 4, .value_bytes = 128, .max_entries = 2};
  CHECK(check_struct_ops(spec, 1) == -EINVAL);
}

}  // namespace skep::maps
