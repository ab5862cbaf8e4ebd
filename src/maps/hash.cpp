// SPDX-License-Identifier: Apache-2.0
#include "maps/hash.h"

#include <cerrno>
#include <cstring>

#include "abi/limits.h"
#include "abi/map_types.h"

namespace skep::maps {

namespace {

constexpr std::uint64_t kReclaimEveryNs = 100'000'000;
constexpr int kGateTries = 3;

HashGeometry geometry(const MapInit& init) {
  const auto shape = hash_geometry(init.spec, init.region.cpus());
  SKEP_ASSERT(shape.has_value() && shape->bytes <= init.bytes);
  return *shape;
}

// kernel: check_flags of kernel/bpf/hashtab.c
long check_presence(bool exists, std::uint64_t flags) {
  const std::uint64_t wanted = flags & ~std::uint64_t{abi::BPF_F_LOCK};
  if (exists && wanted == abi::BPF_NOEXIST) return -EEXIST;
  return !exists && wanted == abi::BPF_EXIST ? -ENOENT : 0;
}

}  // namespace

HashMap::HashMap(const MapInit& init)
    : Map(init),
      table_(geometry(init), memory_),
      pool_(table_, region_, memory_),
      values_hold_things_(!spec_.fields.empty()) {
  if (init.fresh) {
    HashSeed seed;
    if ((spec_.flags & abi::BPF_F_ZERO_SEED) == 0) {
      seed.first = std::uint64_t{world_.random()} << 32 | world_.random();
      seed.second = std::uint64_t{world_.random()} << 32 | world_.random();
    }
    pool_.start(seed);
  }
  table_.set_seed(pool_.seed());
}

HashMap::Change::Change(HashMap& map, const Caller& caller, std::uint32_t bucket)
    : map_(map), cpu_(caller.cpu), bucket_(bucket) {
  map_.pool_.begin(cpu_);
  for (int tries = 0; tries < kGateTries; ++tries) {
    Lock& lock = map_.table_.bucket(bucket_).lock;
    const Taken taken = lock.take(map_.region_);
    if (taken == Taken::busy) return;
    // Chains change by single stores: nothing is half done, but nodes may be lost.
    if (taken == Taken::repair) map_.pool_.note_loss();
    if (!map_.pool_.closed()) [[likely]] {
      locked_ = true;
      return;
    }
    lock.release();
    map_.pool_.end(cpu_);
    const bool open = map_.pool_.wait_open();
    map_.pool_.begin(cpu_);
    if (!open) return;
  }
}

HashMap::Change::~Change() {
  unlock();
  map_.pool_.end(cpu_);
}

void HashMap::Change::unlock() {
  if (locked_) map_.table_.bucket(bucket_).lock.release();
  locked_ = false;
}

void* HashMap::lookup(const Caller&, const void* key) {
  const std::uint32_t node = find(key);
  return node == kNoNode ? nullptr : table_.value(node);
}

std::uint32_t HashMap::find_locked(const void* key) {
  const std::uint32_t tag = table_.tag(key);
  const Guard guard(table_.bucket(table_.bucket_of(tag)).lock, region_);
  if (guard.busy()) return kNoNode;
  if (guard.taken() == Taken::repair) pool_.note_loss();
  const std::uint32_t node = table_.locate(tag, key).node;
  return node == kLost ? kNoNode : node;
}

long HashMap::update(const Caller& caller, const void* key, const void* value,
                     std::uint64_t flags) {
  if ((flags & ~std::uint64_t{abi::BPF_F_LOCK}) > abi::BPF_EXIST) return -EINVAL;
  if ((flags & abi::BPF_F_LOCK) != 0 && !has_spin_lock()) return -EINVAL;
  return change(caller, key, {.value = value, .all_cpus = false}, flags);
}

long HashMap::change(const Caller& caller, const void* key, const Source& source,
                     std::uint64_t flags) {
  const std::uint32_t tag = table_.tag(key);
  const long status = change_once(caller, tag, key, source, flags);
  if (status != full() || !reclaim()) [[likely]]
    return status;
  return change_once(caller, tag, key, source, flags);
}

long HashMap::change_once(const Caller& caller, std::uint32_t tag, const void* key,
                          const Source& source, std::uint64_t flags) {
  Change change(*this, caller, table_.bucket_of(tag));
  if (change.busy()) return -EBUSY;
  const Place place = table_.locate(tag, key);
  if (place.node == kLost) return -ELOOP;
  const bool exists = place.node != kNoNode;
  if (const long status = check_presence(exists, flags); status != 0) return status;
  if (exists && writes_in_place_) {
    write_value(caller, place.node, source, true);
    return 0;
  }
  if (exists && (flags & abi::BPF_F_LOCK) != 0)
    return copy_in_locked(table_.value(place.node), source.value);
  if (exists) return replace_element(caller, change, place, key, source);
  const std::uint32_t node = new_node(caller, change.bucket(), kNoNode);
  if (node == kNoNode) return full();
  fill(caller, node, key, source);
  table_.insert(change.bucket(), node, tag);
  return 0;
}

long HashMap::replace_element(const Caller& caller, Change& change, Place place, const void* key,
                              const Source& source) {
  const std::uint32_t tag = table_.tag(key);
  const std::uint32_t old = place.node;
  const bool exchanges = pool_.exchanges(caller.cpu, old);
  std::uint32_t node = exchanges ? pool_.take_spare(caller.cpu) : kNoNode;
  if (node == kNoNode) {
    node = new_node(caller, change.bucket(), old);
    if (node == kNoNode) return full();
    // Eviction may have taken the neighbour whose link this was.
    place = table_.locate_node(change.bucket(), old);
    if (place.node != old) {
      pool_.push(caller.cpu, node);
      return -ELOOP;
    }
  }
  fill(caller, node, key, source);
  table_.replace(change.bucket(), place, node, tag);
  change.unlock();
  retire(caller, old, exchanges);
  return 0;
}

void HashMap::fill(const Caller& caller, std::uint32_t node, const void* key,
                   const Source& source) {
  store_words(table_.key(node), key, spec_.key_bytes);
  write_value(caller, node, source, false);
  if (values_hold_things_) table_.node(node).holds.store(1, std::memory_order_relaxed);
}

// Said first, done then: what a death between the two leaves is never given back, but not twice.
void HashMap::let_go(std::uint32_t node) {
  if (!values_hold_things_ || table_.node(node).holds.load(std::memory_order_relaxed) == 0) return;
  table_.node(node).holds.store(0, std::memory_order_relaxed);
  value_goes(node);
}

void HashMap::retire(const Caller& caller, std::uint32_t node, bool as_spare) {
  let_go(node);
  if (as_spare)
    pool_.give_spare(caller.cpu, node);
  else
    pool_.push(caller.cpu, node);
}

long HashMap::erase(const Caller& caller, const void* key) {
  return remove_key(caller, key, nullptr, 0);
}

long HashMap::take(const Caller& caller, const void* key, void* user_value, std::uint64_t flags) {
  if ((flags & abi::BPF_F_LOCK) != 0 && !has_spin_lock()) return -EINVAL;
  return remove_key(caller, key, user_value, flags);
}

long HashMap::remove_key(const Caller& caller, const void* key, void* user_value,
                         std::uint64_t flags) {
  const std::uint32_t tag = table_.tag(key);
  Change change(*this, caller, table_.bucket_of(tag));
  if (change.busy()) return -EBUSY;
  const Place place = table_.locate(tag, key);
  if (place.node >= kLost) return place.node == kLost ? -ELOOP : -ENOENT;
  if (user_value != nullptr)
    if (const long status = copy_out_flagged(user_value, place.node, flags); status != 0)
      return status;
  table_.unlink(change.bucket(), place);
  change.unlock();
  retire(caller, place.node, false);
  return 0;
}

// Under the bucket's lock, so that the value is that of this key and whole. When somebody keeps the
// lock, what can be seen without.
long HashMap::read(const Caller&, const void* key, void* user_value, std::uint64_t flags) {
  if ((flags & abi::BPF_F_LOCK) != 0 && !has_spin_lock()) return -EINVAL;
  const std::uint32_t tag = table_.tag(key);
  const Guard guard(table_.bucket(table_.bucket_of(tag)).lock, region_);
  if (guard.taken() == Taken::repair) pool_.note_loss();
  const std::uint32_t node = guard.busy() ? table_.find(key) : table_.locate(tag, key).node;
  if (node >= kLost) return -ENOENT;
  return copy_out_flagged(user_value, node, flags);
}

long HashMap::copy_out_flagged(void* user_value, std::uint32_t node, std::uint64_t flags) const {
  if ((flags & abi::BPF_F_LOCK) != 0) return copy_out_locked(user_value, table_.value(node));
  copy_value(user_value, node);
  return 0;
}

std::uint32_t HashMap::new_node(const Caller& caller, std::uint32_t, std::uint32_t) {
  return pool_.pop(caller.cpu);
}

long HashMap::full() const { return -E2BIG; }

void HashMap::value_goes(std::uint32_t node) { drop_fields(table_.value(node)); }

void HashMap::write_value(const Caller&, std::uint32_t node, const Source& source, bool) {
  copy_in(table_.value(node), source.value);
}

void HashMap::copy_value(void* user_value, std::uint32_t node) const {
  copy_out(user_value, table_.value(node));
}

std::byte* HashMap::shown_value(const Caller&, std::uint32_t node) const {
  return table_.value(node);
}

// Nodes may be with the dead: asked for rarely, since a full map is asked for nodes often.
bool HashMap::reclaim() {
  const std::uint64_t now = world_.now_ns();
  std::uint64_t last = reclaimed_ns_.load(std::memory_order_relaxed);
  if (last != 0 && now - last < kReclaimEveryNs) return false;
  if (!reclaimed_ns_.compare_exchange_strong(last, now, std::memory_order_relaxed)) return false;
  world_.reap();
  repair();
  return true;
}

void HashMap::repair() {
  if (!pool_.may_have_lost()) return;
  (void)pool_.rebuild([this] { return mark_reachable(); });
}

// Nobody changes anything meanwhile. A chain that leads where it must not is ended there.
std::vector<bool> HashMap::mark_reachable() {
  const HashGeometry& shape = table_.shape();
  std::vector<bool> used(shape.nodes);
  for (std::uint32_t bucket = 0; bucket < shape.buckets; ++bucket) {
    std::atomic<std::uint32_t>* link = &table_.bucket(bucket).head;
    std::uint32_t index = table_.first(bucket);
    while (index != kNoNode) {
      const std::uint32_t tag = index == kLost ? 0 : table_.node(index).tag.load();
      if ((tag & kLive) == 0 || table_.bucket_of(tag) != bucket || used[index]) {
        table_.end_at(bucket, *link);
        break;
      }
      used[index] = true;
      link = &table_.node(index).next;
      index = table_.after(index, bucket);
    }
  }
  if (!values_hold_things_) return used;
  for (std::uint32_t index = 0; index < shape.nodes; ++index)
    if (!used[index] && pool_.was_handed_out(index)) let_go(index);
  return used;
}

}  // namespace skep::maps
