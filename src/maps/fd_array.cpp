// SPDX-License-Identifier: Apache-2.0
#include "maps/fd_array.h"

#include <cerrno>
#include <cstring>

#include "abi/map_types.h"

namespace skep::maps {

long check_fd_array(const MapSpec& spec, std::uint32_t known_flags) {
  if (spec.max_entries == 0 || spec.key_bytes != 4 || spec.value_bytes != 4) return -EINVAL;
  const std::uint32_t known = abi::BPF_F_NUMA_NODE | abi::BPF_F_RDONLY | abi::BPF_F_WRONLY;
  return (spec.flags & ~(known | known_flags)) == 0 ? 0 : -EINVAL;
}

std::uint32_t index_in(const void* key) {
  std::uint32_t index = 0;
  std::memcpy(&index, key, sizeof(index));
  return index;
}

long next_index(const void* key, void* next, std::uint32_t entries) {
  const std::uint32_t index = key == nullptr ? UINT32_MAX : index_in(key);
  if (index == entries - 1) return -ENOENT;
  const std::uint32_t after = index >= entries ? 0 : index + 1;
  std::memcpy(next, &after, sizeof(after));
  return 0;
}

long check_prog_array(MapSpec& spec, unsigned) { return check_fd_array(spec, 0); }

std::optional<std::uint64_t> prog_array_bytes(const MapSpec& spec, unsigned) {
  return std::uint64_t{4} * spec.max_entries;
}

std::unique_ptr<Map> open_prog_array(const MapInit& init) {
  return std::make_unique<FdArrayMap>(init, ObjectKind::program);
}

long check_array_of_maps(MapSpec& spec, unsigned) { return check_fd_array(spec, 0); }

std::optional<std::uint64_t> array_of_maps_bytes(const MapSpec& spec, unsigned) {
  return std::uint64_t{4} * spec.max_entries;
}

std::unique_ptr<Map> open_array_of_maps(const MapInit& init) {
  return std::make_unique<ArrayOfMaps>(init);
}

long FdArrayMap::read(const Caller&, const void* key, void* user_value, std::uint64_t) {
  const std::uint32_t id = id_at(index_in(key));
  if (id == 0) return -ENOENT;
  std::memcpy(user_value, &id, sizeof(id));
  return 0;
}

long FdArrayMap::write(const Caller&, const void* key, const void* user_value,
                       std::uint64_t flags) {
  if (flags != abi::BPF_ANY) return -EINVAL;
  const std::uint32_t index = index_in(key);
  if (index >= spec_.max_entries) return -E2BIG;
  int fd = -1;
  std::memcpy(&fd, user_value, sizeof(fd));
  std::uint32_t id = 0;
  if (const long status = world_.acquire(kind_, fd, *this, id); status != 0) return status;
  if (const std::uint32_t old = slot(index).exchange(id)) world_.release(kind_, old);
  return 0;
}

long FdArrayMap::remove(const Caller&, const void* key) {
  const std::uint32_t index = index_in(key);
  if (index >= spec_.max_entries) return -E2BIG;
  const std::uint32_t old = slot(index).exchange(0);
  if (old == 0) return -ENOENT;
  world_.release(kind_, old);
  return 0;
}

long FdArrayMap::next_key(const Caller&, const void* key, void* next) {
  return next_index(key, next, spec_.max_entries);
}

void FdArrayMap::clear(const Caller&) {
  for (std::uint32_t index = 0; index < spec_.max_entries; ++index) {
    // Not written where nothing is: that would make memory of pages that never were.
    if (id_at(index) == 0) continue;
    if (const std::uint32_t old = slot(index).exchange(0)) world_.release(kind_, old);
  }
}

void* ArrayOfMaps::lookup(const Caller&, const void* key) {
  const std::uint32_t id = id_at(index_in(key));
  return id == 0 ? nullptr : world_.map(id);
}

}  // namespace skep::maps
