// SPDX-License-Identifier: Apache-2.0
#include "maps/array.h"

#include <cerrno>
#include <climits>
#include <cstring>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/words.h"

namespace skep::maps {

namespace {

constexpr std::uint64_t kPage = 4096;

constexpr std::uint64_t round_page(std::uint64_t bytes) {
  return (bytes + kPage - 1) & ~(kPage - 1);
}

// kernel: bpf_map_flags_access_ok
bool access_flags_agree(std::uint32_t flags) {
  constexpr std::uint32_t kBoth = abi::BPF_F_RDONLY_PROG | abi::BPF_F_WRONLY_PROG;
  return (flags & kBoth) != kBoth;
}

long check_sizes(const MapSpec& spec, std::uint32_t known_flags) {
  if (spec.max_entries == 0 || spec.key_bytes != 4 || spec.value_bytes == 0) return -EINVAL;
  if ((spec.flags & ~known_flags) != 0 || !access_flags_agree(spec.flags)) return -EINVAL;
  return spec.value_bytes > INT_MAX ? -E2BIG : 0;
}

constexpr std::uint32_t kAccessFlags =
    abi::BPF_F_RDONLY | abi::BPF_F_WRONLY | abi::BPF_F_RDONLY_PROG | abi::BPF_F_WRONLY_PROG;

}  // namespace

long check_array(MapSpec& spec, unsigned) {
  return check_sizes(
      spec, abi::BPF_F_NUMA_NODE | abi::BPF_F_MMAPABLE | abi::BPF_F_INNER_MAP | kAccessFlags);
}

long check_percpu_array(MapSpec& spec, unsigned) {
  if (const long status = check_sizes(spec, kAccessFlags); status != 0) return status;
  return round8(spec.value_bytes) > abi::PCPU_MIN_UNIT_SIZE ? -E2BIG : 0;
}

std::optional<std::uint64_t> array_bytes(const MapSpec& spec, unsigned) {
  const std::uint64_t bytes = round8(spec.value_bytes) * spec.max_entries;
  return (spec.flags & abi::BPF_F_MMAPABLE) != 0 ? round_page(bytes) : bytes;
}

std::optional<std::uint64_t> percpu_array_bytes(const MapSpec& spec, unsigned cpus) {
  return round8(spec.value_bytes) * spec.max_entries * cpus;
}

std::unique_ptr<Map> open_array(const MapInit& init) { return std::make_unique<ArrayMap>(init); }

std::unique_ptr<Map> open_percpu_array(const MapInit& init) {
  return std::make_unique<PercpuArrayMap>(init);
}

std::uint32_t ArrayMap::index_of(const void* key) {
  std::uint32_t index = 0;
  std::memcpy(&index, key, sizeof(index));
  return index;
}

void* ArrayMap::lookup(const Caller&, const void* key) {
  const std::uint32_t index = index_of(key);
  return index < spec_.max_entries ? value(0, index) : nullptr;
}

long ArrayMap::check_update(std::uint32_t index, std::uint64_t flags) const {
  if ((flags & ~std::uint64_t{abi::BPF_F_LOCK}) > abi::BPF_EXIST) return -EINVAL;
  if (index >= spec_.max_entries) return -E2BIG;
  if ((flags & abi::BPF_NOEXIST) != 0) return -EEXIST;
  const bool locked = (flags & abi::BPF_F_LOCK) != 0;
  return locked && spec_.fields.find(FieldKind::spin_lock) == nullptr ? -EINVAL : 0;
}

long ArrayMap::update(const Caller&, const void* key, const void* from, std::uint64_t flags) {
  const std::uint32_t index = index_of(key);
  if (const long status = check_update(index, flags); status != 0) return status;
  std::byte* target = value(0, index);
  if ((flags & abi::BPF_F_LOCK) != 0) {
    if (const long status = copy_in_locked(target, from); status != 0) return status;
  } else {
    copy_in(target, from);
  }
  drop_fields(target);
  return 0;
}

long ArrayMap::erase(const Caller&, const void*) { return -EINVAL; }

// Linux has batches of arrays for all but this.
long ArrayMap::remove_batch(const Caller&, Batch&) { return -abi::ENOTSUPP; }

long ArrayMap::next_key(const Caller&, const void* key, void* next) {
  const std::uint32_t last = spec_.max_entries - 1;
  const std::uint32_t index = key == nullptr ? UINT32_MAX : index_of(key);
  if (index == last) return -ENOENT;
  const std::uint32_t after = index > last ? 0 : index + 1;
  std::memcpy(next, &after, sizeof(after));
  return 0;
}

long ArrayMap::for_each(const Caller&, const Visitor& visitor, std::uint64_t flags) {
  if (flags != 0) return -EINVAL;
  long visited = 0;
  for (std::uint32_t index = 0; index < spec_.max_entries; ++index) {
    ++visited;
    if (visitor.visit(visitor.self, &index, value(0, index)) != 0) break;
  }
  return visited;
}

std::uint64_t ArrayMap::direct_value(std::uint32_t offset) {
  if (spec_.max_entries != 1 || offset >= spec_.value_bytes) return 0;
  return reinterpret_cast<std::uint64_t>(memory_ + offset);
}

long ArrayMap::pages(std::uint64_t offset, std::uint64_t bytes, bool, Pages& out) {
  if ((spec_.flags & abi::BPF_F_MMAPABLE) == 0) return -EINVAL;
  const std::uint64_t all = round_page(std::uint64_t{value_stride_} * spec_.max_entries);
  if (offset > all || round_page(bytes) > all - offset) return -EINVAL;
  out = {.offset = static_cast<std::uint64_t>(block_) + offset, .bytes = bytes};
  return 0;
}

void ArrayMap::clear(const Caller&) {
  if (spec_.fields.empty()) return;
  for (std::uint32_t index = 0; index < spec_.max_entries; ++index) drop_fields(value(0, index));
}

PercpuArrayMap::PercpuArrayMap(const MapInit& init) : ArrayMap(init) {
  user_value_bytes_ = std::uint64_t{value_stride_} * region_.cpus();
}

void* PercpuArrayMap::lookup(const Caller& caller, const void* key) {
  return lookup_on(caller.cpu, key);
}

void* PercpuArrayMap::lookup_on(unsigned cpu, const void* key) {
  const std::uint32_t index = index_of(key);
  return index < spec_.max_entries && cpu < region_.cpus() ? value(cpu, index) : nullptr;
}

long PercpuArrayMap::update(const Caller& caller, const void* key, const void* from,
                            std::uint64_t flags) {
  const std::uint32_t index = index_of(key);
  if (const long status = check_update(index, flags); status != 0) return status;
  copy_in(value(caller.cpu, index), from);
  drop_fields(value(caller.cpu, index));
  return 0;
}

long PercpuArrayMap::read(const Caller&, const void* key, void* user_value, std::uint64_t) {
  const std::uint32_t index = index_of(key);
  if (index >= spec_.max_entries) return -ENOENT;
  auto* target = static_cast<std::byte*>(user_value);
  for (unsigned cpu = 0; cpu < region_.cpus(); ++cpu, target += value_stride_) {
    if (spec_.fields.empty()) {
      load_words(target, value(cpu, index), value_stride_);
      continue;
    }
    std::memset(target + spec_.value_bytes, 0, value_stride_ - spec_.value_bytes);
    copy_out(target, value(cpu, index));
  }
  return 0;
}

long PercpuArrayMap::write(const Caller&, const void* key, const void* user_value,
                           std::uint64_t flags) {
  const std::uint32_t index = index_of(key);
  if (flags > abi::BPF_EXIST) return -EINVAL;
  if (index >= spec_.max_entries) return -E2BIG;
  if (flags == abi::BPF_NOEXIST) return -EEXIST;
  const auto* source = static_cast<const std::byte*>(user_value);
  for (unsigned cpu = 0; cpu < region_.cpus(); ++cpu, source += value_stride_) {
    // As Linux, with the bytes that pad each CPU's value to whole words.
    if (spec_.fields.empty()) {
      store_words(value(cpu, index), source, value_stride_);
      continue;
    }
    copy_in(value(cpu, index), source);
    drop_fields(value(cpu, index));
  }
  return 0;
}

long PercpuArrayMap::for_each(const Caller& caller, const Visitor& visitor, std::uint64_t flags) {
  if (flags != 0) return -EINVAL;
  long visited = 0;
  for (std::uint32_t index = 0; index < spec_.max_entries; ++index) {
    ++visited;
    if (visitor.visit(visitor.self, &index, value(caller.cpu, index)) != 0) break;
  }
  return visited;
}

std::uint64_t PercpuArrayMap::direct_value(std::uint32_t) { return 0; }

long PercpuArrayMap::pages(std::uint64_t, std::uint64_t, bool, Pages&) { return -abi::ENOTSUPP; }

void PercpuArrayMap::clear(const Caller&) {
  if (spec_.fields.empty()) return;
  for (unsigned cpu = 0; cpu < region_.cpus(); ++cpu)
    for (std::uint32_t index = 0; index < spec_.max_entries; ++index)
      drop_fields(value(cpu, index));
}

}  // namespace skep::maps
