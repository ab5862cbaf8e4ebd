// SPDX-License-Identifier: Apache-2.0
#include "maps/local_storage.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "abi/helper_flags.h"
#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/words.h"

namespace skep::maps {

namespace {

constexpr std::uint64_t kSweepEveryNs = 100'000'000;
constexpr std::uint32_t kNodeBytes = 32;

// The hash that the values are in.
MapSpec values_spec(const MapSpec& spec) {
  const std::uint64_t owners = kStorageBytes / (round8(spec.value_bytes) + kNodeBytes);
  MapSpec values = spec;
  values.type = abi::BPF_MAP_TYPE_HASH;
  values.key_bytes = sizeof(std::uint64_t);
  values.max_entries =
      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(owners, kFewestOwners, kMostOwners));
  values.flags = 0;
  return values;
}

}  // namespace

long check_local_storage(MapSpec& spec, unsigned) {
  const std::uint32_t known = abi::BPF_F_NO_PREALLOC | abi::BPF_F_CLONE;
  if ((spec.flags & ~known) != 0 || (spec.flags & abi::BPF_F_NO_PREALLOC) == 0) return -EINVAL;
  if (spec.max_entries != 0 || spec.key_bytes != 4 || spec.value_bytes == 0) return -EINVAL;
  return spec.value_bytes > abi::BPF_LOCAL_STORAGE_MAX_VALUE_SIZE ? -E2BIG : 0;
}

std::optional<std::uint64_t> local_storage_bytes(const MapSpec& spec, unsigned cpus) {
  return hash_bytes(values_spec(spec), cpus);
}

std::unique_ptr<Map> open_local_storage(const MapInit& init) {
  return std::make_unique<LocalStorageMap>(init);
}

LocalStorageMap::LocalStorageMap(const MapInit& init) : Map(init) {
  const MapSpec spec = values_spec(spec_);
  values_ = open_hash({.region = init.region,
                       .world = init.world,
                       .type = init.type,
                       .spec = spec,
                       .block = init.block,
                       .memory = init.memory,
                       .bytes = init.bytes,
                       .fresh = init.fresh});
}

long LocalStorageMap::owner_of(const void* key, std::uint64_t& number) const {
  int fd = -1;
  std::memcpy(&fd, key, sizeof(fd));
  return owners_ == nullptr ? -EBADF : owners_->owner(fd, number);
}

long LocalStorageMap::put(const Caller& caller, std::uint64_t owner, const void* value,
                          std::uint64_t flags) {
  const long status = values_->update(caller, &owner, value, flags);
  if (status != -E2BIG) return status;
  sweep(caller);
  const long again = values_->update(caller, &owner, value, flags);
  return again == -E2BIG ? -ENOMEM : again;
}

// Not at each failure, since it asks for every owner.
void LocalStorageMap::sweep(const Caller& caller) {
  if (owners_ == nullptr) return;
  const std::uint64_t now = world_.now_ns();
  std::uint64_t before = swept_ns_.load();
  if ((before != 0 && now - before < kSweepEveryNs) ||
      !swept_ns_.compare_exchange_strong(before, now))
    return;
  std::vector<std::uint64_t> dead;
  std::uint64_t owner = 0;
  long status = values_->next_key(caller, nullptr, &owner);
  for (std::uint32_t i = 0; status == 0 && i < capacity(); ++i) {
    if (!owners_->lives(owner)) dead.push_back(owner);
    status = values_->next_key(caller, &owner, &owner);
  }
  for (const std::uint64_t gone : dead) (void)values_->erase(caller, &gone);
}

void* LocalStorageMap::get(const Caller& caller, std::uint64_t owner, const void* initial,
                           std::uint64_t flags) {
  if ((flags & ~std::uint64_t{abi::BPF_LOCAL_STORAGE_GET_F_CREATE}) != 0) return nullptr;
  if (void* value = values_->lookup(caller, &owner)) return value;
  if ((flags & abi::BPF_LOCAL_STORAGE_GET_F_CREATE) == 0) return nullptr;
  const std::vector<std::byte> zeros(initial == nullptr ? spec_.value_bytes : 0);
  const long status =
      put(caller, owner, initial == nullptr ? zeros.data() : initial, abi::BPF_NOEXIST);
  // Another thread may have been first.
  return status == 0 || status == -EEXIST ? values_->lookup(caller, &owner) : nullptr;
}

long LocalStorageMap::drop(const Caller& caller, std::uint64_t owner) {
  return values_->erase(caller, &owner);
}

long LocalStorageMap::read(const Caller& caller, const void* key, void* user_value,
                           std::uint64_t flags) {
  std::uint64_t owner = 0;
  const long status = owner_of(key, owner);
  return status != 0 ? status : values_->read(caller, &owner, user_value, flags);
}

long LocalStorageMap::write(const Caller& caller, const void* key, const void* user_value,
                            std::uint64_t flags) {
  std::uint64_t owner = 0;
  const long status = owner_of(key, owner);
  return status != 0 ? status : put(caller, owner, user_value, flags);
}

long LocalStorageMap::remove(const Caller& caller, const void* key) {
  std::uint64_t owner = 0;
  const long status = owner_of(key, owner);
  return status != 0 ? status : drop(caller, owner);
}

}  // namespace skep::maps
