// SPDX-License-Identifier: Apache-2.0
// check_map_types and the running Linux's BPF_MAP_CREATE agree on keys and values by BTF, for each
// map type that Linux makes without BTF in the same shape.
#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "abi/bpf_attr.h"
#include "base/fd.h"
#include "btf/map_types.h"
#include "tests/support/btf_builder.h"
#include "tests/support/linux_bpf.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

using btf::Btf;
using btf::MapTypes;
using btf::TypeId;

Result<Fd> bpf(int command, abi::bpf_attr& attributes) {
  const auto fd =
      static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof(attributes)));  // NOLINT
  if (fd < 0) return std::unexpected(system_error("bpf(2)", errno));
  return Fd(fd);
}

Fd load_btf(const Bytes& bytes) {
  abi::bpf_attr attributes;
  std::memset(&attributes, 0, sizeof(attributes));
  attributes.btf = reinterpret_cast<std::uint64_t>(bytes.data());
  attributes.btf_size = static_cast<std::uint32_t>(bytes.size());
  auto fd = bpf(18, attributes);
  if (!fd) FAIL(fd.error().what);
  return *std::move(fd);
}

int errno_of_linux(const MapTypes& map, const Fd& btf, const Fd& inner) {
  abi::bpf_attr attributes;
  std::memset(&attributes, 0, sizeof(attributes));
  attributes.map_type = map.type;
  attributes.key_size = map.key_bytes;
  attributes.value_size = map.value_bytes;
  attributes.max_entries = map.max_entries;
  attributes.map_flags = map.flags;
  attributes.inner_map_fd = static_cast<std::uint32_t>(inner.get());
  attributes.btf_fd = static_cast<std::uint32_t>(btf.get());
  attributes.btf_key_type_id = std::to_underlying(map.key);
  attributes.btf_value_type_id = std::to_underlying(map.value);
  const auto fd = bpf(0, attributes);
  return fd ? 0 : fd.error().sys;
}

bool is_local_storage(std::uint32_t type) {
  return type == abi::BPF_MAP_TYPE_SK_STORAGE || type == abi::BPF_MAP_TYPE_INODE_STORAGE ||
         type == abi::BPF_MAP_TYPE_TASK_STORAGE || type == abi::BPF_MAP_TYPE_CGRP_STORAGE;
}

std::uint32_t flags_of(std::uint32_t type) {
  if (is_local_storage(type) || type == abi::BPF_MAP_TYPE_LPM_TRIE) return abi::BPF_F_NO_PREALLOC;
  if (type == abi::BPF_MAP_TYPE_ARENA) return abi::BPF_F_MMAPABLE;
  return 0;
}

bool may_have_btf(std::uint32_t type) {
  constexpr abi::bpf_map_type kWithout[] = {abi::BPF_MAP_TYPE_PERF_EVENT_ARRAY,
                                            abi::BPF_MAP_TYPE_STACK_TRACE,
                                            abi::BPF_MAP_TYPE_CGROUP_ARRAY,
                                            abi::BPF_MAP_TYPE_ARRAY_OF_MAPS,
                                            abi::BPF_MAP_TYPE_HASH_OF_MAPS,
                                            abi::BPF_MAP_TYPE_DEVMAP,
                                            abi::BPF_MAP_TYPE_DEVMAP_HASH,
                                            abi::BPF_MAP_TYPE_SOCKMAP,
                                            abi::BPF_MAP_TYPE_SOCKHASH,
                                            abi::BPF_MAP_TYPE_CPUMAP,
                                            abi::BPF_MAP_TYPE_XSKMAP};
  return std::ranges::find(kWithout, type) == std::end(kWithout);
}

std::vector<std::uint32_t> entries_of(std::uint32_t type) {
  switch (type) {
    case abi::BPF_MAP_TYPE_ARRAY:
      return {1, 2};
    case abi::BPF_MAP_TYPE_RINGBUF:
    case abi::BPF_MAP_TYPE_USER_RINGBUF:
      return {4096};
    case abi::BPF_MAP_TYPE_CGROUP_STORAGE:
    case abi::BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
      return {0};
    default:
      return {is_local_storage(type) ? 0U : 1U};
  }
}

// Keys and values of many kinds, the latter with one special field each.
BtfBuilder many_types() {
  BtfBuilder b;
  const auto u32 = b.integer("u32", 4);
  const auto u64 = b.integer("u64", 8);
  const auto item = b.structure("item", 32);
  b.integer("i8", 1);
  b.add("bits", abi::btf_info(abi::BTF_KIND_INT, 0), 4, {31});
  b.add("e", abi::btf_info(abi::BTF_KIND_ENUM, 0), 4);
  b.modifier(abi::BTF_KIND_TYPEDEF, u32, "u32_t");
  b.structure("cgroup_key", 16, {{"a", u64, 0}, {"b", u32, 64}});
  b.structure("pair_key", 16, {{"a", u64, 0}, {"b", u64, 64}});
  b.structure("empty", 0);
  b.section(".data", 8, {{b.variable("v", u64), 0, 8}});
  const auto one = [&](std::string_view name, std::uint32_t bytes) {
    const auto type = b.structure(name, bytes, {{"x", bytes == 4 ? u32 : u64, 0}});
    b.structure("with", 32, {{"f", type, 0}});
    return type;
  };
  const auto lock = one("bpf_spin_lock", 4);
  one("bpf_res_spin_lock", 4);
  const auto timer = one("bpf_timer", 16);
  one("bpf_wq", 16);
  one("bpf_task_work", 8);
  one("bpf_refcount", 4);
  const auto head = b.structure("bpf_list_head", 16, {{"x", u64, 0}});
  const auto node = b.structure("bpf_list_node", 24, {{"x", u64, 0}});
  b.structure("listed", 32, {{"n", node, 0}});
  b.tag("contains:listed:n", b.structure("list", 32, {{"h", head, 0}, {"l", lock, 128}}), 0);
  for (const std::string_view tag : {"kptr", "kptr_untrusted", "percpu_kptr", "uptr"})
    b.structure("held", 32, {{"p", b.pointer(b.modifier(abi::BTF_KIND_TYPE_TAG, item, tag)), 0}});
  b.structure("two", 32, {{"a", timer, 0}, {"b", timer, 128}});
  b.structure("both", 32, {{"a", timer, 0}, {"b", lock, 128}});
  return b;
}

struct Oracle {
  Bytes bytes = many_types().bytes();
  Btf btf = *Btf::read(bytes);
  Fd fd = load_btf(bytes);
  Fd inner;
  std::uint64_t compared = 0;

  void compare(const MapTypes& map) {
    const std::string what =
        text("{} key {} value {} flags {:#x} entries {}", abi::find_map_type(map.type)->name,
             btf.describe(map.key), btf.describe(map.value), map.flags, map.max_entries);
    CAPTURE(what);
    const auto ours = btf::check_map_types(btf, {}, map);
    CHECK((ours ? 0 : ours.error().sys) == errno_of_linux(map, fd, inner));
    ++compared;
  }

  // Only shapes that Linux has nothing else against.
  void compare_if_possible(MapTypes map) {
    MapTypes plain = map;
    plain.key = plain.value = btf::kVoid;
    if (is_local_storage(map.type)) {
      plain.key = btf.find("u32", abi::BTF_KIND_INT);
      plain.value = map.value;
      if (map.key_bytes != 4 || map.key == btf::kVoid || map.value_bytes == 0) return;
    } else if (errno_of_linux(plain, fd, inner) != 0) {
      return;
    }
    compare(map);
    if ((map.flags & abi::BPF_F_MMAPABLE) != 0) return;
    plain.flags |= abi::BPF_F_RDONLY_PROG;
    map.flags |= abi::BPF_F_RDONLY_PROG;
    if (!is_local_storage(map.type) && errno_of_linux(plain, fd, inner) == 0) compare(map);
  }
};

}  // namespace

TEST_CASE("btf: Linux and check_map_types agree") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  Oracle oracle;
  auto inner = create_map({});
  REQUIRE(inner);
  oracle.inner = *std::move(inner);
  for (std::uint32_t type = 1; type <= abi::BPF_MAP_TYPE_ARENA; ++type) {
    if (type == abi::BPF_MAP_TYPE_STRUCT_OPS) continue;
    for (std::uint32_t key = 0; key < oracle.btf.count(); ++key)
      for (std::uint32_t value = 1; value < oracle.btf.count(); ++value) {
        // Each key with the plain values, each value with the first key. A map that cannot have
        // BTF at all takes Linux long to throw away again, and two are enough.
        if ((key > 1 && value > 2) || (!may_have_btf(type) && key + value > 2)) break;
        const auto key_size = oracle.btf.sized(TypeId{key});
        const auto value_size = oracle.btf.sized(TypeId{value});
        for (const std::uint32_t entries : entries_of(type))
          oracle.compare_if_possible({.type = static_cast<abi::bpf_map_type>(type),
                                      .flags = flags_of(type),
                                      .key_bytes = key_size ? key_size->bytes : 4,
                                      .value_bytes = value_size ? value_size->bytes : 4,
                                      .max_entries = entries,
                                      .key = TypeId{key},
                                      .value = TypeId{value}});
      }
  }
  CHECK(oracle.compared > 1000);
  MESSAGE(oracle.compared, " maps compared");
}

}  // namespace skep::test
