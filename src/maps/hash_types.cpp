// SPDX-License-Identifier: Apache-2.0
// How hashes are made: the checks of Linux, and the kind whose values are per CPU.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/hash.h"
#include "maps/hash_check.h"

namespace skep::maps {

// kernel: htab_map_alloc_check and htab_map_alloc
long check_hash_spec(MapSpec& spec, unsigned cpus, const HashTraits& traits) {
  constexpr std::uint32_t kKnown =
      abi::BPF_F_NO_PREALLOC | abi::BPF_F_NO_COMMON_LRU | abi::BPF_F_NUMA_NODE | abi::BPF_F_RDONLY |
      abi::BPF_F_WRONLY | abi::BPF_F_RDONLY_PROG | abi::BPF_F_WRONLY_PROG | abi::BPF_F_ZERO_SEED;
  constexpr std::uint32_t kBoth = abi::BPF_F_RDONLY_PROG | abi::BPF_F_WRONLY_PROG;
  constexpr std::uint32_t kMostEntries = std::uint32_t{1} << 27;  // of buckets that Linux counts
  constexpr std::uint64_t kMostSpecBytes = (std::uint64_t{4} << 20) - 48;  // key and value: kmalloc
  if ((spec.flags & ~kKnown) != 0 || (spec.flags & kBoth) == kBoth) return -EINVAL;
  const bool private_lru = (spec.flags & abi::BPF_F_NO_COMMON_LRU) != 0;
  if (!traits.lru && private_lru) return -EINVAL;
  if (traits.lru && (spec.flags & abi::BPF_F_NO_PREALLOC) != 0) return -abi::ENOTSUPP;
  if ((spec.flags & abi::BPF_F_NUMA_NODE) != 0 && (traits.percpu || private_lru)) return -EINVAL;
  if (spec.max_entries == 0 || spec.key_bytes == 0 || spec.value_bytes == 0) return -EINVAL;
  if (std::uint64_t{spec.key_bytes} + spec.value_bytes >= kMostSpecBytes) return -E2BIG;
  if (traits.percpu && round8(spec.value_bytes) > abi::PCPU_MIN_UNIT_SIZE) return -E2BIG;
  // Each CPU's own list holds as many elements as the others', and one at least.
  if (private_lru)
    spec.max_entries = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        (std::uint64_t{spec.max_entries} + cpus - 1) / cpus * cpus, UINT32_MAX / cpus * cpus));
  return spec.max_entries > kMostEntries ? -E2BIG : 0;
}

std::optional<std::uint64_t> bytes_of_hash(const MapSpec& spec, unsigned cpus) {
  const auto shape = hash_geometry(spec, cpus);
  return shape ? std::optional(shape->bytes) : std::nullopt;
}

PercpuHashMap::PercpuHashMap(const MapInit& init) : HashMap(init) {
  user_value_bytes_ = std::uint64_t{value_stride_} * region_.cpus();
  writes_in_place_ = true;
}

void* PercpuHashMap::lookup(const Caller& caller, const void* key) {
  const std::uint32_t node = find(key);
  return node == kNoNode ? nullptr : table_.value(node, caller.cpu);
}

void* PercpuHashMap::lookup_on(unsigned cpu, const void* key) {
  if (cpu >= region_.cpus()) return nullptr;
  const std::uint32_t node = find(key);
  return node == kNoNode ? nullptr : table_.value(node, cpu);
}

long PercpuHashMap::update(const Caller& caller, const void* key, const void* value,
                           std::uint64_t flags) {
  if (flags > abi::BPF_EXIST) return -EINVAL;
  return change(caller, key, {.value = value, .all_cpus = false}, flags);
}

long PercpuHashMap::write(const Caller& caller, const void* key, const void* user_value,
                          std::uint64_t flags) {
  if (flags > abi::BPF_EXIST) return -EINVAL;
  return change(caller, key, {.value = user_value, .all_cpus = true}, flags);
}

void PercpuHashMap::value_goes(std::uint32_t node) {
  for (unsigned cpu = 0; cpu < region_.cpus(); ++cpu) drop_fields(table_.value(node, cpu));
}

// A value that begins is zero on the other CPUs, so that programs there know what they find.
void PercpuHashMap::write_value(const Caller& caller, std::uint32_t node, const Source& source,
                                bool in_place) {
  const auto* from = static_cast<const std::byte*>(source.value);
  for (unsigned cpu = 0; cpu < region_.cpus(); ++cpu) {
    std::byte* value = table_.value(node, cpu);
    if (source.all_cpus && spec_.fields.empty()) {
      store_words(value, from, value_stride_);  // as Linux, with what is between two values
    } else if (source.all_cpus || cpu == caller.cpu) {
      copy_in(value, from);
      if (in_place && values_hold_things_) drop_fields(value);
    } else if (!in_place) {
      for (std::uint32_t at = 0; at < value_stride_; at += 8)
        store_relaxed(value + at, std::uint64_t{0});
    }
    if (source.all_cpus) from += value_stride_;
  }
}

void PercpuHashMap::copy_value(void* user_value, std::uint32_t node) const {
  auto* target = static_cast<std::byte*>(user_value);
  for (unsigned cpu = 0; cpu < region_.cpus(); ++cpu, target += value_stride_) {
    if (spec_.fields.empty()) {
      load_words(target, table_.value(node, cpu), value_stride_);
      continue;
    }
    std::memset(target + spec_.value_bytes, 0, value_stride_ - spec_.value_bytes);
    copy_out(target, table_.value(node, cpu));
  }
}

std::byte* PercpuHashMap::shown_value(const Caller& caller, std::uint32_t node) const {
  return table_.value(node, caller.cpu);
}

long check_hash(MapSpec& spec, unsigned cpus) {
  return check_hash_spec(spec, cpus, {.lru = false, .percpu = false});
}
std::optional<std::uint64_t> hash_bytes(const MapSpec& spec, unsigned cpus) {
  return bytes_of_hash(spec, cpus);
}
std::unique_ptr<Map> open_hash(const MapInit& init) { return std::make_unique<HashMap>(init); }

long check_percpu_hash(MapSpec& spec, unsigned cpus) {
  return check_hash_spec(spec, cpus, {.lru = false, .percpu = true});
}
std::optional<std::uint64_t> percpu_hash_bytes(const MapSpec& spec, unsigned cpus) {
  return bytes_of_hash(spec, cpus);
}
std::unique_ptr<Map> open_percpu_hash(const MapInit& init) {
  return std::make_unique<PercpuHashMap>(init);
}

}  // namespace skep::maps
