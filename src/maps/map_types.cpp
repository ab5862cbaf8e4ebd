// SPDX-License-Identifier: Apache-2.0
// The one table of map types: what each is made with, and why some cannot be.
#include <algorithm>
#include <array>

#include "abi/map_types.h"
#include "maps/arena.h"
#include "maps/array.h"
#include "maps/bloom_filter.h"
#include "maps/device_map.h"
#include "maps/fd_array.h"
#include "maps/hash.h"
#include "maps/hash_of_maps.h"
#include "maps/local_storage.h"
#include "maps/lpm.h"
#include "maps/lru.h"
#include "maps/map.h"
#include "maps/perf_event_array.h"
#include "maps/queue_stack.h"
#include "maps/ring_buffer.h"
#include "maps/socket_map.h"
#include "maps/stack_trace.h"
#include "maps/struct_ops.h"
#include "maps/user_ring_buffer.h"

namespace skep::maps {

namespace {

constexpr auto kMapTypes = std::to_array<MapType>({
    {abi::BPF_MAP_TYPE_HASH, check_hash, hash_bytes, open_hash, true, ""},
    {abi::BPF_MAP_TYPE_ARRAY, check_array, array_bytes, open_array, true, ""},
    {abi::BPF_MAP_TYPE_PROG_ARRAY, check_prog_array, prog_array_bytes, open_prog_array, false, ""},
    {abi::BPF_MAP_TYPE_PERF_EVENT_ARRAY, check_perf_event_array, perf_event_array_bytes,
     open_perf_event_array, false, ""},
    {abi::BPF_MAP_TYPE_PERCPU_HASH, check_percpu_hash, percpu_hash_bytes, open_percpu_hash, true,
     ""},
    {abi::BPF_MAP_TYPE_PERCPU_ARRAY, check_percpu_array, percpu_array_bytes, open_percpu_array,
     true, ""},
    {abi::BPF_MAP_TYPE_STACK_TRACE, check_stack_trace, stack_trace_bytes, open_stack_trace, false,
     ""},
    {abi::BPF_MAP_TYPE_CGROUP_ARRAY, nullptr, nullptr, nullptr, false,
     "cgroups are the kernel's: no process can ask for another's"},
    {abi::BPF_MAP_TYPE_LRU_HASH, check_lru_hash, lru_hash_bytes, open_lru_hash, true, ""},
    {abi::BPF_MAP_TYPE_LRU_PERCPU_HASH, check_lru_percpu_hash, lru_percpu_hash_bytes,
     open_lru_percpu_hash, true, ""},
    {abi::BPF_MAP_TYPE_LPM_TRIE, check_lpm, lpm_bytes, open_lpm, true, ""},
    {abi::BPF_MAP_TYPE_ARRAY_OF_MAPS, check_array_of_maps, array_of_maps_bytes, open_array_of_maps,
     true, ""},
    {abi::BPF_MAP_TYPE_HASH_OF_MAPS, check_hash_of_maps, hash_of_maps_bytes, open_hash_of_maps,
     true, ""},
    {abi::BPF_MAP_TYPE_DEVMAP, check_devmap, devmap_bytes, open_devmap, false, ""},
    {abi::BPF_MAP_TYPE_SOCKMAP, check_sockmap, sockmap_bytes, open_sockmap, false, ""},
    {abi::BPF_MAP_TYPE_CPUMAP, check_cpumap, cpumap_bytes, open_cpumap, false, ""},
    {abi::BPF_MAP_TYPE_XSKMAP, check_xskmap, xskmap_bytes, open_xskmap, false, ""},
    {abi::BPF_MAP_TYPE_SOCKHASH, check_sockhash, sockhash_bytes, open_sockhash, false, ""},
    {abi::BPF_MAP_TYPE_CGROUP_STORAGE, nullptr, nullptr, nullptr, false,
     "belongs to programs attached to cgroups; use cgrp_storage"},
    {abi::BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, check_reuseport_sockarray, reuseport_sockarray_bytes,
     open_reuseport_sockarray, false, ""},
    {abi::BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, nullptr, nullptr, nullptr, false,
     "belongs to programs attached to cgroups; use cgrp_storage"},
    {abi::BPF_MAP_TYPE_QUEUE, check_queue, queue_bytes, open_queue, false, ""},
    {abi::BPF_MAP_TYPE_STACK, check_stack, stack_bytes, open_stack, false, ""},
    {abi::BPF_MAP_TYPE_SK_STORAGE, check_local_storage, local_storage_bytes, open_local_storage,
     false, ""},
    {abi::BPF_MAP_TYPE_DEVMAP_HASH, check_devmap_hash, devmap_hash_bytes, open_devmap_hash, false,
     ""},
    {abi::BPF_MAP_TYPE_STRUCT_OPS, check_struct_ops, struct_ops_bytes, open_struct_ops, false, ""},
    {abi::BPF_MAP_TYPE_RINGBUF, check_ring_buffer, ring_buffer_bytes, open_ring_buffer, false, ""},
    {abi::BPF_MAP_TYPE_INODE_STORAGE, check_local_storage, local_storage_bytes, open_local_storage,
     false, ""},
    {abi::BPF_MAP_TYPE_TASK_STORAGE, check_local_storage, local_storage_bytes, open_local_storage,
     false, ""},
    {abi::BPF_MAP_TYPE_BLOOM_FILTER, check_bloom_filter, bloom_filter_bytes, open_bloom_filter,
     false, ""},
    {abi::BPF_MAP_TYPE_USER_RINGBUF, check_user_ring_buffer, user_ring_buffer_bytes,
     open_user_ring_buffer, false, ""},
    {abi::BPF_MAP_TYPE_CGRP_STORAGE, check_local_storage, local_storage_bytes, open_local_storage,
     false, ""},
    {abi::BPF_MAP_TYPE_ARENA, check_arena, arena_bytes, open_arena, false, ""},
});
static_assert(
    [] {
      std::size_t at = 0;
      for (const auto& known : abi::kMapTypes)
        if (known.number != abi::BPF_MAP_TYPE_UNSPEC && kMapTypes[at++].number != known.number)
          return false;
      return at == kMapTypes.size();
    }(),
    "a map type has no row, or not in its place");

}  // namespace

std::span<const MapType> map_types() { return kMapTypes; }

const MapType* find_map_type(std::uint32_t number) {
  const auto* found = std::ranges::find(kMapTypes, number, &MapType::number);
  return found == kMapTypes.end() ? nullptr : found;
}

}  // namespace skep::maps
