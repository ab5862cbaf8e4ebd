// SPDX-License-Identifier: Apache-2.0
#include "maps/device_map.h"

#include <cerrno>
#include <cstring>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/fd_array.h"
#include "maps/words.h"

namespace skep::maps {

namespace {

constexpr std::uint32_t kMaxQueue = 16384;
constexpr std::uint32_t kMaxHashEntries = 1U << 31;

// The layout of bpf_devmap_val and bpf_cpumap_val alike: 4-byte values have no program.
struct Value {
  std::uint32_t number = 0;
  std::int32_t program_fd = 0;
};

Value value_of(const void* user_value, std::uint32_t bytes) {
  Value value;
  std::memcpy(&value, user_value, bytes);
  return value;
}

long check_shape(const MapSpec& spec, std::uint32_t known_flags) {
  if (spec.max_entries == 0 || spec.key_bytes != 4) return -EINVAL;
  if (spec.value_bytes != 4 && spec.value_bytes != 8) return -EINVAL;
  return (spec.flags & ~known_flags) == 0 ? 0 : -EINVAL;
}

constexpr std::uint32_t kDeviceFlags = abi::BPF_F_NUMA_NODE | abi::BPF_F_RDONLY | abi::BPF_F_WRONLY;

// 0 and the slot of a device that is there. Linux answers EINVAL for all that may be wrong.
long device_slot(World& world, const Map& owner, const HasDevice& has_device, const Value& value,
                 std::uint64_t& slot) {
  if (has_device && !has_device(value.number)) return -EINVAL;
  std::uint32_t program = 0;
  if (value.program_fd > 0 &&
      world.acquire(ObjectKind::program, value.program_fd, owner, program) != 0)
    return -EINVAL;
  slot = std::uint64_t{program} << 32 | value.number;
  return 0;
}

RedirectTarget target_of(std::uint64_t slot) {
  return {.device_or_cpu = static_cast<std::uint32_t>(slot),
          .program = static_cast<std::uint32_t>(slot >> 32)};
}

}  // namespace

long check_devmap(MapSpec& spec, unsigned) { return check_shape(spec, kDeviceFlags); }

std::optional<std::uint64_t> devmap_bytes(const MapSpec& spec, unsigned) {
  return std::uint64_t{8} * spec.max_entries;
}

std::unique_ptr<Map> open_devmap(const MapInit& init) { return std::make_unique<DeviceMap>(init); }

long check_devmap_hash(MapSpec& spec, unsigned) {
  if (const long status = check_shape(spec, kDeviceFlags); status != 0) return status;
  return spec.max_entries > kMaxHashEntries ? -EINVAL : 0;
}

std::optional<std::uint64_t> devmap_hash_bytes(const MapSpec& spec, unsigned cpus) {
  return hash_bytes(spec, cpus);
}

std::unique_ptr<Map> open_devmap_hash(const MapInit& init) {
  return std::make_unique<DeviceHashMap>(init);
}

long check_cpumap(MapSpec& spec, unsigned) {
  if (const long status = check_shape(spec, abi::BPF_F_NUMA_NODE); status != 0) return status;
  return spec.max_entries > kMaxCpus ? -E2BIG : 0;
}

std::optional<std::uint64_t> cpumap_bytes(const MapSpec& spec, unsigned cpus) {
  return devmap_bytes(spec, cpus);
}

std::unique_ptr<Map> open_cpumap(const MapInit& init) { return std::make_unique<CpuMap>(init); }

std::uint64_t RedirectArrayMap::slot(std::uint32_t index) const {
  return index < spec_.max_entries ? load_relaxed<std::uint64_t>(place(index)) : 0;
}

void RedirectArrayMap::release(std::uint64_t slot) {
  if (const auto program = static_cast<std::uint32_t>(slot >> 32))
    world_.release(ObjectKind::program, program);
}

void* RedirectArrayMap::lookup(const Caller&, const void* key) {
  const std::uint32_t index = index_in(key);
  return slot(index) == 0 ? nullptr : place(index);
}

long RedirectArrayMap::write(const Caller&, const void* key, const void* user_value,
                             std::uint64_t flags) {
  const std::uint32_t index = index_in(key);
  if (flags > abi::BPF_EXIST) return -EINVAL;
  if (index >= spec_.max_entries) return -E2BIG;
  if (flags == abi::BPF_NOEXIST) return -EEXIST;
  std::uint64_t made = 0;
  if (const long status = slot_for(index, user_value, made); status != 0) return status;
  release(reinterpret_cast<std::atomic<std::uint64_t>*>(place(index))->exchange(made));
  return 0;
}

// To delete what is not there is no mistake.
long RedirectArrayMap::remove(const Caller&, const void* key) {
  const std::uint32_t index = index_in(key);
  if (index >= spec_.max_entries) return -EINVAL;
  release(reinterpret_cast<std::atomic<std::uint64_t>*>(place(index))->exchange(0));
  return 0;
}

long RedirectArrayMap::next_key(const Caller&, const void* key, void* next) {
  return next_index(key, next, spec_.max_entries);
}

void RedirectArrayMap::clear(const Caller& caller) {
  for (std::uint32_t index = 0; index < spec_.max_entries; ++index)
    if (slot(index) != 0) (void)remove(caller, &index);
}

std::optional<RedirectTarget> DeviceMap::target(std::uint32_t key) const {
  const std::uint64_t found = slot(key);
  if (found == 0) return std::nullopt;
  return target_of(found);
}

// Device 0 empties the slot.
long DeviceMap::slot_for(std::uint32_t, const void* user_value, std::uint64_t& slot) {
  const Value value = value_of(user_value, spec_.value_bytes);
  if (value.number == 0) return value.program_fd > 0 ? -EINVAL : 0;
  return device_slot(world_, *this, has_device_, value, slot);
}

std::optional<RedirectTarget> CpuMap::target(std::uint32_t key) const {
  const std::uint64_t found = slot(key);
  if (found == 0) return std::nullopt;
  return RedirectTarget{.device_or_cpu = key, .program = target_of(found).program};
}

// A queue of no length empties the slot.
long CpuMap::slot_for(std::uint32_t index, const void* user_value, std::uint64_t& slot) {
  const Value value = value_of(user_value, spec_.value_bytes);
  if (value.number > kMaxQueue) return -EOVERFLOW;
  if (index >= region_.cpus()) return -ENODEV;
  if (value.number == 0) return 0;
  std::uint32_t program = 0;
  if (value.program_fd > 0 &&
      world_.acquire(ObjectKind::program, value.program_fd, *this, program) != 0)
    return -ENOMEM;
  slot = std::uint64_t{program} << 32 | value.number;
  return 0;
}

std::optional<RedirectTarget> DeviceHashMap::target(std::uint32_t key) {
  const auto* value = static_cast<const std::byte*>(HashMap::lookup({}, &key));
  if (value == nullptr) return std::nullopt;
  return target_of(spec_.value_bytes == 8 ? load_relaxed<std::uint64_t>(value)
                                          : load_relaxed<std::uint32_t>(value));
}

// Linux does not ask whether the key exists when BPF_EXIST says that it must.
long DeviceHashMap::write(const Caller& caller, const void* key, const void* user_value,
                          std::uint64_t flags) {
  const Value value = value_of(user_value, spec_.value_bytes);
  if (flags > abi::BPF_EXIST || value.number == 0) return -EINVAL;
  std::uint64_t slot = 0;
  if (const long status = device_slot(world_, *this, has_device_, value, slot); status != 0)
    return status;
  const long status = HashMap::update(caller, key, &slot, flags & abi::BPF_NOEXIST);
  if (status != 0 && slot >> 32 != 0)
    world_.release(ObjectKind::program, static_cast<std::uint32_t>(slot >> 32));
  return status;
}

void DeviceHashMap::value_goes(std::uint32_t node) {
  if (const auto program = load_relaxed<std::uint32_t>(table_.value(node) + 4))
    world_.release(ObjectKind::program, program);
}

long DeviceHashMap::update(const Caller&, const void*, const void*, std::uint64_t) {
  return -abi::ENOTSUPP;
}
long DeviceHashMap::for_each(const Caller&, const Visitor&, std::uint64_t) {
  return -abi::ENOTSUPP;
}
long DeviceHashMap::take(const Caller&, const void*, void*, std::uint64_t) {
  return -abi::ENOTSUPP;
}

}  // namespace skep::maps
