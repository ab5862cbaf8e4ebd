// SPDX-License-Identifier: Apache-2.0
// The map types of Linux 6.18, and the flags of maps and of their elements.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "abi/name_table.h"

namespace skep::abi {

// NOLINTBEGIN(readability-identifier-naming, bugprone-reserved-identifier): the kernel's names

enum bpf_map_type : std::uint32_t {
  BPF_MAP_TYPE_UNSPEC = 0,
  BPF_MAP_TYPE_HASH = 1,
  BPF_MAP_TYPE_ARRAY = 2,
  BPF_MAP_TYPE_PROG_ARRAY = 3,
  BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
  BPF_MAP_TYPE_PERCPU_HASH = 5,
  BPF_MAP_TYPE_PERCPU_ARRAY = 6,
  BPF_MAP_TYPE_STACK_TRACE = 7,
  BPF_MAP_TYPE_CGROUP_ARRAY = 8,
  BPF_MAP_TYPE_LRU_HASH = 9,
  BPF_MAP_TYPE_LRU_PERCPU_HASH = 10,
  BPF_MAP_TYPE_LPM_TRIE = 11,
  BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
  BPF_MAP_TYPE_HASH_OF_MAPS = 13,
  BPF_MAP_TYPE_DEVMAP = 14,
  BPF_MAP_TYPE_SOCKMAP = 15,
  BPF_MAP_TYPE_CPUMAP = 16,
  BPF_MAP_TYPE_XSKMAP = 17,
  BPF_MAP_TYPE_SOCKHASH = 18,
  BPF_MAP_TYPE_CGROUP_STORAGE = 19,
  BPF_MAP_TYPE_REUSEPORT_SOCKARRAY = 20,
  BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE = 21,
  BPF_MAP_TYPE_QUEUE = 22,
  BPF_MAP_TYPE_STACK = 23,
  BPF_MAP_TYPE_SK_STORAGE = 24,
  BPF_MAP_TYPE_DEVMAP_HASH = 25,
  BPF_MAP_TYPE_STRUCT_OPS = 26,
  BPF_MAP_TYPE_RINGBUF = 27,
  BPF_MAP_TYPE_INODE_STORAGE = 28,
  BPF_MAP_TYPE_TASK_STORAGE = 29,
  BPF_MAP_TYPE_BLOOM_FILTER = 30,
  BPF_MAP_TYPE_USER_RINGBUF = 31,
  BPF_MAP_TYPE_CGRP_STORAGE = 32,
  BPF_MAP_TYPE_ARENA = 33,
  __MAX_BPF_MAP_TYPE,
  BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED = BPF_MAP_TYPE_CGROUP_STORAGE,
  BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED = BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
};

// bpf_attr.map_flags, and file_flags and open_flags where a file descriptor is asked for.
enum : std::uint32_t {
  BPF_F_NO_PREALLOC = 1U << 0,
  BPF_F_NO_COMMON_LRU = 1U << 1,
  BPF_F_NUMA_NODE = 1U << 2,
  BPF_F_RDONLY = 1U << 3,
  BPF_F_WRONLY = 1U << 4,
  BPF_F_STACK_BUILD_ID = 1U << 5,
  BPF_F_ZERO_SEED = 1U << 6,
  BPF_F_RDONLY_PROG = 1U << 7,
  BPF_F_WRONLY_PROG = 1U << 8,
  BPF_F_CLONE = 1U << 9,
  BPF_F_MMAPABLE = 1U << 10,
  BPF_F_PRESERVE_ELEMS = 1U << 11,
  BPF_F_INNER_MAP = 1U << 12,
  BPF_F_LINK = 1U << 13,     // struct_ops; in attach_flags: relative_fd is a link
  BPF_F_PATH_FD = 1U << 14,  // in file_flags
  BPF_F_VTYPE_BTF_OBJ_FD = 1U << 15,
  BPF_F_TOKEN_FD = 1U << 16,  // in prog_flags and btf_flags too
  BPF_F_SEGV_ON_FAULT = 1U << 17,
  BPF_F_NO_USER_CONV = 1U << 18,
};

// Flags of one element's update, lookup or batch.
enum : std::uint64_t {
  BPF_ANY = 0,
  BPF_NOEXIST = 1,
  BPF_EXIST = 2,
  BPF_F_LOCK = 4,
};

// NOLINTEND(readability-identifier-naming, bugprone-reserved-identifier)

struct MapType {
  bpf_map_type number;
  std::string_view name;
};

// Names as bpftool prints them.
inline constexpr auto kMapTypes = std::to_array<MapType>({
    {BPF_MAP_TYPE_UNSPEC, "unspec"},
    {BPF_MAP_TYPE_HASH, "hash"},
    {BPF_MAP_TYPE_ARRAY, "array"},
    {BPF_MAP_TYPE_PROG_ARRAY, "prog_array"},
    {BPF_MAP_TYPE_PERF_EVENT_ARRAY, "perf_event_array"},
    {BPF_MAP_TYPE_PERCPU_HASH, "percpu_hash"},
    {BPF_MAP_TYPE_PERCPU_ARRAY, "percpu_array"},
    {BPF_MAP_TYPE_STACK_TRACE, "stack_trace"},
    {BPF_MAP_TYPE_CGROUP_ARRAY, "cgroup_array"},
    {BPF_MAP_TYPE_LRU_HASH, "lru_hash"},
    {BPF_MAP_TYPE_LRU_PERCPU_HASH, "lru_percpu_hash"},
    {BPF_MAP_TYPE_LPM_TRIE, "lpm_trie"},
    {BPF_MAP_TYPE_ARRAY_OF_MAPS, "array_of_maps"},
    {BPF_MAP_TYPE_HASH_OF_MAPS, "hash_of_maps"},
    {BPF_MAP_TYPE_DEVMAP, "devmap"},
    {BPF_MAP_TYPE_SOCKMAP, "sockmap"},
    {BPF_MAP_TYPE_CPUMAP, "cpumap"},
    {BPF_MAP_TYPE_XSKMAP, "xskmap"},
    {BPF_MAP_TYPE_SOCKHASH, "sockhash"},
    {BPF_MAP_TYPE_CGROUP_STORAGE, "cgroup_storage"},
    {BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, "reuseport_sockarray"},
    {BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, "percpu_cgroup_storage"},
    {BPF_MAP_TYPE_QUEUE, "queue"},
    {BPF_MAP_TYPE_STACK, "stack"},
    {BPF_MAP_TYPE_SK_STORAGE, "sk_storage"},
    {BPF_MAP_TYPE_DEVMAP_HASH, "devmap_hash"},
    {BPF_MAP_TYPE_STRUCT_OPS, "struct_ops"},
    {BPF_MAP_TYPE_RINGBUF, "ringbuf"},
    {BPF_MAP_TYPE_INODE_STORAGE, "inode_storage"},
    {BPF_MAP_TYPE_TASK_STORAGE, "task_storage"},
    {BPF_MAP_TYPE_BLOOM_FILTER, "bloom_filter"},
    {BPF_MAP_TYPE_USER_RINGBUF, "user_ringbuf"},
    {BPF_MAP_TYPE_CGRP_STORAGE, "cgrp_storage"},
    {BPF_MAP_TYPE_ARENA, "arena"},
});
static_assert(is_dense(kMapTypes, __MAX_BPF_MAP_TYPE), "a map type has no row");

// Null when Linux 6.18 has no such type.
[[nodiscard]] constexpr const MapType* find_map_type(std::uint64_t number) {
  return row_by_number(kMapTypes, number);
}
[[nodiscard]] constexpr const MapType* find_map_type(std::string_view name) {
  return row_by_name(kMapTypes, name);
}

}  // namespace skep::abi
