// SPDX-License-Identifier: Apache-2.0
#include "bench/machine_operations.h"

#include <array>

#include "abi/map_types.h"
#include "maps/ring_buffer.h"

namespace skep::bench {

namespace {

using maps::Caller;
using maps::Map;

constexpr std::uint32_t kScramble = 0x9e3779b1;
constexpr std::uint32_t kNoWakeup = 1;
constexpr std::uint32_t kRingBytes = 32 << 20;

// As `keep` of the programs.
void keep(std::uint64_t value) { asm volatile("" : : "r"(value) : "memory"); }

template <class Step>
bool repeat(std::uint32_t begin, std::uint32_t mask, Step&& step) {
  for (std::uint32_t i = 0; i < kTimes; ++i)
    if (!step(((begin + i) * kScramble) & mask)) return false;
  return true;
}

bool keep_value(const void* value) {
  if (value == nullptr) return false;
  keep(*static_cast<const std::uint64_t*>(value));
  return true;
}

bool empty(Map&, const Caller&, std::uint32_t begin) {
  return repeat(begin, 1023, [](std::uint32_t key) {
    keep(address(&key));
    return true;
  });
}

template <std::uint32_t kMask>
bool look_up(Map& map, const Caller& caller, std::uint32_t begin) {
  return repeat(begin, kMask,
                [&](std::uint32_t key) { return keep_value(map.lookup(caller, &key)); });
}

template <std::uint32_t kMask>
bool change(Map& map, const Caller& caller, std::uint32_t begin) {
  return repeat(begin, kMask, [&](std::uint32_t key) {
    const std::uint64_t value = key;
    return map.update(caller, &key, &value, 0) == 0;
  });
}

bool change_and_erase(Map& map, const Caller& caller, std::uint32_t begin) {
  return repeat(begin, ~0U, [&](std::uint32_t key) {
    const std::uint64_t value = key;
    return map.update(caller, &key, &value, 0) == 0 && map.erase(caller, &key) == 0;
  });
}

bool look_up_prefix(Map& map, const Caller& caller, std::uint32_t begin) {
  return repeat(begin, 1023, [&](std::uint32_t key) {
    const std::array prefix = {std::uint32_t{32}, key * kScramble};
    return keep_value(map.lookup(caller, prefix.data()));
  });
}

bool push_and_pop(Map& map, const Caller& caller, std::uint32_t begin) {
  return repeat(begin, ~0U, [&](std::uint64_t value) {
    return map.push(caller, &value, 0) == 0 && map.pop(caller, &value) == 0;
  });
}

bool reserve_and_submit(Map& map, const Caller&, std::uint32_t begin) {
  auto& ring = static_cast<maps::RingBufferMap&>(map);
  return repeat(begin, ~0U, [&](std::uint64_t value) {
    void* sample = ring.reserve(sizeof(value), 0);
    if (sample == nullptr) return false;
    *static_cast<std::uint64_t*>(sample) = value;
    ring.submit(sample, kNoWakeup);
    return true;
  });
}

constexpr Operation kOperations[] = {
    {.name = "empty", .direct = empty},
    {.name = "array_lookup",
     .map = {.type = abi::BPF_MAP_TYPE_ARRAY},
     .fill = 1024,
     .direct = look_up<1023>},
    {.name = "percpu_array_lookup",
     .map = {.type = abi::BPF_MAP_TYPE_PERCPU_ARRAY},
     .direct = look_up<1023>},
    {.name = "hash_lookup",
     .map = {.type = abi::BPF_MAP_TYPE_HASH, .entries = 65536},
     .fill = 1024,
     .direct = look_up<1023>},
    {.name = "hash_lookup_64k",
     .map = {.type = abi::BPF_MAP_TYPE_HASH, .entries = 65536},
     .fill = 65536,
     .direct = look_up<65535>},
    {.name = "percpu_hash_lookup",
     .map = {.type = abi::BPF_MAP_TYPE_PERCPU_HASH, .entries = 65536},
     .fill = 1024,
     .direct = look_up<1023>},
    {.name = "lru_lookup",
     .map = {.type = abi::BPF_MAP_TYPE_LRU_HASH, .entries = 65536},
     .fill = 1024,
     .direct = look_up<1023>},
    {.name = "lpm_lookup",
     .map = {.type = abi::BPF_MAP_TYPE_LPM_TRIE, .key_bytes = 8},
     .fill = 1024,
     .direct = look_up_prefix},
    {.name = "hash_update",
     .map = {.type = abi::BPF_MAP_TYPE_HASH, .entries = 65536},
     .fill = 1024,
     .direct = change<1023>},
    {.name = "hash_update_delete",
     .map = {.type = abi::BPF_MAP_TYPE_HASH, .entries = 65536},
     .direct = change_and_erase},
    {.name = "lru_update",
     .map = {.type = abi::BPF_MAP_TYPE_LRU_HASH, .entries = 16384},
     .fill = 16384,
     .direct = change<65535>},
    {.name = "queue_push_pop",
     .map = {.type = abi::BPF_MAP_TYPE_QUEUE, .key_bytes = 0},
     .direct = push_and_pop},
    // 16 bytes an operation, by two threads, and nobody reads in between.
    {.name = "ring_reserve_submit",
     .map = {.type = abi::BPF_MAP_TYPE_RINGBUF,
             .key_bytes = 0,
             .value_bytes = 0,
             .entries = kRingBytes},
     .most_runs = kRingBytes / 16 / kTimes / 2 - 1,
     .direct = reserve_and_submit},
    {.name = "ktime"},
};

}  // namespace

std::span<const Operation> operations() { return kOperations; }

Status fill_map(Door& door, int map, const Operation& operation) {
  // Room for the values of all CPUs.
  std::vector<std::uint64_t> value(maps::kMaxCpus);
  for (std::uint32_t i = 0; i < operation.fill; ++i) {
    const bool is_trie = operation.map.type == abi::BPF_MAP_TYPE_LPM_TRIE;
    const std::array key = {is_trie ? 8 + i % 25 : i, i * kScramble};
    value[0] = i;
    if (const long status = update(door, map, key.data(), value.data()); status != 0)
      return fail(Code::invalid, "{}: element {} of {}: errno {}", door.name(), i, operation.name,
                  -status);
  }
  return {};
}

}  // namespace skep::bench
