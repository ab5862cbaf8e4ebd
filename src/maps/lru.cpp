// SPDX-License-Identifier: Apache-2.0
#include "maps/lru.h"

#include <algorithm>
#include <cerrno>

#include "abi/map_types.h"
#include "maps/hash_check.h"

namespace skep::maps {

template <class Base>
std::uint32_t Evicting<Base>::new_node(const Caller& caller, std::uint32_t bucket,
                                       std::uint32_t keep) {
  const std::uint32_t free = this->pool_.pop(caller.cpu);
  if (free != kNoNode) return free;
  // The first rounds may do no more than count down.
  const std::uint64_t enough = (kMostUses + 1) * this->pool_.sweep_length();
  for (std::uint64_t steps = 0; steps < enough; ++steps) {
    const std::uint32_t node = this->pool_.sweep(caller.cpu);
    if (evict(node, bucket, keep)) return node;
  }
  return this->pool_.pop_anywhere(caller.cpu);
}

template <class Base>
long Evicting<Base>::full() const {
  return -ENOMEM;
}

// The caller holds one bucket's lock, so a second one is tried for, never waited for.
template <class Base>
bool Evicting<Base>::evict(std::uint32_t node, std::uint32_t held_bucket, std::uint32_t keep) {
  HashNode& candidate = this->table_.node(node);
  const std::uint32_t tag = candidate.tag.load(std::memory_order_relaxed);
  if ((tag & kLive) == 0 || node == keep) return false;
  const std::uint32_t uses = candidate.uses.load(std::memory_order_relaxed);
  if (uses != 0) {
    candidate.uses.store(std::min(uses, kMostUses) - 1, std::memory_order_relaxed);
    return false;
  }
  const std::uint32_t bucket = this->table_.bucket_of(tag);
  bool gone = false;
  if (bucket == held_bucket) {
    gone = unlink(node, bucket);
  } else {
    Lock& lock = this->table_.bucket(bucket).lock;
    if (!lock.try_take(this->region_)) return false;
    gone = unlink(node, bucket);
    lock.release();
  }
  if (gone) this->let_go(node);
  return gone;
}

template <class Base>
bool Evicting<Base>::unlink(std::uint32_t node, std::uint32_t bucket) {
  const HashTable::Place place = this->table_.locate_node(bucket, node);
  if (place.node != node) return false;
  this->table_.unlink(bucket, place);
  return true;
}

template class Evicting<HashMap>;
template class Evicting<PercpuHashMap>;

void* LruHashMap::lookup(const Caller&, const void* key) {
  const std::uint32_t node = find(key);
  if (node == kNoNode) return nullptr;
  table_.mark_used(node);
  return table_.value(node);
}

long LruHashMap::update(const Caller& caller, const void* key, const void* value,
                        std::uint64_t flags) {
  if (flags > abi::BPF_EXIST) return -EINVAL;
  return change(caller, key, {.value = value, .all_cpus = false}, flags);
}

void* LruPercpuHashMap::lookup(const Caller& caller, const void* key) {
  return lookup_on(caller.cpu, key);
}

void* LruPercpuHashMap::lookup_on(unsigned cpu, const void* key) {
  if (cpu >= region_.cpus()) return nullptr;
  const std::uint32_t node = find(key);
  if (node == kNoNode) return nullptr;
  table_.mark_used(node);
  return table_.value(node, cpu);
}

long check_lru_hash(MapSpec& spec, unsigned cpus) {
  return check_hash_spec(spec, cpus, {.lru = true, .percpu = false});
}
std::optional<std::uint64_t> lru_hash_bytes(const MapSpec& spec, unsigned cpus) {
  return bytes_of_hash(spec, cpus);
}
std::unique_ptr<Map> open_lru_hash(const MapInit& init) {
  return std::make_unique<LruHashMap>(init);
}

long check_lru_percpu_hash(MapSpec& spec, unsigned cpus) {
  return check_hash_spec(spec, cpus, {.lru = true, .percpu = true});
}
std::optional<std::uint64_t> lru_percpu_hash_bytes(const MapSpec& spec, unsigned cpus) {
  return bytes_of_hash(spec, cpus);
}
std::unique_ptr<Map> open_lru_percpu_hash(const MapInit& init) {
  return std::make_unique<LruPercpuHashMap>(init);
}

}  // namespace skep::maps
