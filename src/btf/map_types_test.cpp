// SPDX-License-Identifier: Apache-2.0
#include "btf/map_types.h"

#include <doctest/doctest.h>

#include "btf/refuse.h"
#include "tests/support/btf_builder.h"

namespace skep::btf {

using namespace abi;

namespace {

struct Values {
  test::BtfBuilder builder;
  std::uint32_t u32 = builder.integer("u32", 4);
  std::uint32_t u64 = builder.integer("u64", 8);
  std::uint32_t lock = builder.structure("bpf_spin_lock", 4, {{"x", u32, 0}});
  std::uint32_t timer = builder.structure("bpf_timer", 16, {{"x", u64, 0}});
  std::uint32_t locked = builder.structure("locked", 8, {{"lock", lock, 0}, {"n", u32, 32}});
  std::uint32_t timed = builder.structure("timed", 16, {{"timer", timer, 0}});
  std::uint32_t page = builder.structure("page", 4097);
  std::uint32_t shared = builder.structure(
      "shared", 8, {{"p", builder.pointer(builder.modifier(BTF_KIND_TYPE_TAG, page, "uptr")), 0}});
  std::uint32_t variable = builder.variable("v", u32);
  std::uint32_t section = builder.section(".data", 4, {{variable, 0, 4}});
  Btf btf = *Btf::read(builder.bytes());

  [[nodiscard]] int errno_of(MapTypes map, std::uint32_t value) const {
    map.value = TypeId{value};
    const auto size = btf.sized(map.value);
    if (map.value_bytes == 0 && size) map.value_bytes = size->bytes;
    if (map.max_entries == 0) map.max_entries = 1;
    const auto fields = check_map_types(btf, {}, map);
    return fields ? 0 : fields.error().sys;
  }
};

constexpr TypeId kU32{1};
constexpr TypeId kU64{2};

}  // namespace

TEST_CASE("map types: sizes and keys") {
  const Values v;
  const MapTypes hash = {.type = BPF_MAP_TYPE_HASH, .key_bytes = 4, .key = kU32};
  CHECK(v.errno_of(hash, v.u64) == 0);
  CHECK(v.errno_of({.type = BPF_MAP_TYPE_HASH, .key_bytes = 8, .key = kU32}, v.u64) == EINVAL);
  CHECK(v.errno_of({.type = BPF_MAP_TYPE_HASH, .key_bytes = 4}, v.u64) == EINVAL);
  MapTypes larger = hash;
  larger.value_bytes = 16;
  CHECK(v.errno_of(larger, v.u64) == EINVAL);
  CHECK(v.errno_of({.type = BPF_MAP_TYPE_LPM_TRIE, .key_bytes = 8, .key = kU64}, v.u64) == EINVAL);
  CHECK(v.errno_of({.type = BPF_MAP_TYPE_LPM_TRIE, .key_bytes = 8, .key = TypeId{v.locked}},
                   v.u64) == 0);
  CHECK(v.errno_of({.type = BPF_MAP_TYPE_DEVMAP, .key_bytes = 4, .key = kU32}, v.u32) == ENOTSUPP);
  CHECK(v.errno_of({.type = BPF_MAP_TYPE_BLOOM_FILTER}, v.u32) == 0);
}

TEST_CASE("map types: an array without a key type is a section") {
  const Values v;
  const MapTypes array = {.type = BPF_MAP_TYPE_ARRAY, .key_bytes = 4};
  CHECK(v.errno_of(array, v.section) == 0);
  CHECK(v.errno_of(array, v.u32) == EINVAL);
  MapTypes two = array;
  two.max_entries = 2;
  CHECK(v.errno_of(two, v.section) == EINVAL);
}

TEST_CASE("map types: fields that a map type cannot have") {
  const Values v;
  const auto of = [&](bpf_map_type type, std::uint32_t value, std::uint32_t flags = 0) {
    return v.errno_of({.type = type, .flags = flags, .key_bytes = 4, .key = kU32}, value);
  };
  CHECK(of(BPF_MAP_TYPE_HASH, v.locked) == 0);
  CHECK(of(BPF_MAP_TYPE_LRU_HASH, v.locked) == EOPNOTSUPP);
  CHECK(of(BPF_MAP_TYPE_PERCPU_ARRAY, v.locked) == EOPNOTSUPP);
  CHECK(of(BPF_MAP_TYPE_LRU_HASH, v.timed) == 0);
  CHECK(of(BPF_MAP_TYPE_PERCPU_HASH, v.timed) == EOPNOTSUPP);
  CHECK(of(BPF_MAP_TYPE_HASH, v.timed, BPF_F_RDONLY_PROG) == EACCES);
  CHECK(of(BPF_MAP_TYPE_HASH, v.u64, BPF_F_RDONLY_PROG) == 0);
  CHECK(of(BPF_MAP_TYPE_HASH, v.shared) == EOPNOTSUPP);
  CHECK(of(BPF_MAP_TYPE_TASK_STORAGE, v.shared) == E2BIG);
}

}  // namespace skep::btf
