// SPDX-License-Identifier: Apache-2.0
#include "maps/hash_of_maps.h"

#include <cerrno>
#include <cstring>

#include "abi/limits.h"
#include "maps/words.h"

namespace skep::maps {

long check_hash_of_maps(MapSpec& spec, unsigned cpus) {
  return spec.value_bytes != 4 ? -EINVAL : check_hash(spec, cpus);
}

std::optional<std::uint64_t> hash_of_maps_bytes(const MapSpec& spec, unsigned cpus) {
  return hash_bytes(spec, cpus);
}

std::unique_ptr<Map> open_hash_of_maps(const MapInit& init) {
  return std::make_unique<HashOfMaps>(init);
}

void* HashOfMaps::lookup(const Caller& caller, const void* key) {
  const auto* value = static_cast<const std::byte*>(HashMap::lookup(caller, key));
  return value == nullptr ? nullptr : world_.map(load_relaxed<std::uint32_t>(value));
}

long HashOfMaps::write(const Caller& caller, const void* key, const void* user_value,
                       std::uint64_t flags) {
  int fd = -1;
  std::memcpy(&fd, user_value, sizeof(fd));
  std::uint32_t id = 0;
  if (const long status = world_.acquire(ObjectKind::map, fd, *this, id); status != 0)
    return status;
  const long status = HashMap::update(caller, key, &id, flags);
  if (status != 0) world_.release(ObjectKind::map, id);
  return status;
}

void HashOfMaps::value_goes(std::uint32_t node) {
  if (const auto id = load_relaxed<std::uint32_t>(table_.value(node)))
    world_.release(ObjectKind::map, id);
}

long HashOfMaps::update(const Caller&, const void*, const void*, std::uint64_t) {
  return -abi::ENOTSUPP;
}
long HashOfMaps::for_each(const Caller&, const Visitor&, std::uint64_t) { return -abi::ENOTSUPP; }
long HashOfMaps::take(const Caller&, const void*, void*, std::uint64_t) { return -abi::ENOTSUPP; }

}  // namespace skep::maps
