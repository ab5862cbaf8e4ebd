// SPDX-License-Identifier: Apache-2.0
// What goes through a hash from one end to the other: bucket by bucket, and within a bucket as its
// chain has it.
#include <cerrno>
#include <cstring>

#include "abi/map_types.h"
#include "maps/hash.h"

namespace skep::maps {

long HashMap::for_each(const Caller& caller, const Visitor& visitor, std::uint64_t flags) {
  if (flags != 0) return -EINVAL;
  long visited = 0;
  bool ends = false;
  for (std::uint32_t bucket = 0; bucket < table_.shape().buckets && !ends; ++bucket)
    visited += visit_bucket(caller, bucket, visitor, ends);
  return visited;
}

// Without a lock, since the visitor may change the map: the way on is read before it is called, and
// leads over nodes that went meanwhile, but not into other chains.
long HashMap::visit_bucket(const Caller& caller, std::uint32_t bucket, const Visitor& visitor,
                           bool& ends) {
  long visited = 0;
  std::uint32_t index = table_.first(bucket);
  for (std::uint32_t steps = 0; index < kLost && steps <= table_.shape().nodes; ++steps) {
    const std::uint32_t tag = table_.node(index).tag.load(std::memory_order_acquire);
    const std::uint32_t next = table_.after(index, bucket);
    if ((tag & kLive) != 0) {
      if (table_.bucket_of(tag) != bucket) break;
      ++visited;
      ends = visitor.visit(visitor.self, table_.key(index), shown_value(caller, index)) != 0;
      if (ends) break;
    }
    index = next;
  }
  return visited;
}

// A key that is not there any more begins again, as in Linux.
long HashMap::next_key(const Caller&, const void* key, void* next) {
  if (key == nullptr) return first_key_from(0, next);
  const std::uint32_t tag = table_.tag(key);
  const std::uint32_t bucket = table_.bucket_of(tag);
  std::uint32_t following = kNoNode;
  {
    const Guard guard(table_.bucket(bucket).lock, region_);
    if (guard.busy()) return -EBUSY;
    if (guard.taken() == Taken::repair) pool_.note_loss();
    const std::uint32_t node = table_.locate(tag, key).node;
    if (node == kLost) return -ELOOP;
    following = node == kNoNode ? kLost : table_.after(node, bucket);
    if (following < kLost) {
      load_words(next, table_.key(following), spec_.key_bytes);
      return 0;
    }
  }
  return first_key_from(following == kLost ? 0 : bucket + 1, next);
}

long HashMap::first_key_from(std::uint32_t bucket, void* next) {
  for (; bucket < table_.shape().buckets; ++bucket) {
    if (table_.first(bucket) == kNoNode) continue;
    const Guard guard(table_.bucket(bucket).lock, region_);
    if (guard.busy()) return -EBUSY;
    if (guard.taken() == Taken::repair) pool_.note_loss();
    const std::uint32_t node = table_.first(bucket);
    if (node >= kLost) continue;
    load_words(next, table_.key(node), spec_.key_bytes);
    return 0;
  }
  return -ENOENT;
}

// The cursor is the number of the next bucket; a bucket comes whole or not at all.
long HashMap::read_batch(const Caller& caller, Batch& batch, bool remove) {
  const bool locked = (batch.element_flags & abi::BPF_F_LOCK) != 0;
  if ((batch.element_flags & ~std::uint64_t{abi::BPF_F_LOCK}) != 0 || (locked && !has_spin_lock()))
    return -EINVAL;
  const std::uint32_t room = batch.count;
  if (room == 0) return 0;
  batch.count = 0;
  std::uint32_t bucket = 0;
  if (batch.from != nullptr) std::memcpy(&bucket, batch.from, sizeof(bucket));
  if (bucket >= table_.shape().buckets) return -ENOENT;
  long status = 0;
  for (; bucket < table_.shape().buckets && status == 0; ++bucket) {
    if (table_.first(bucket) == kNoNode) continue;
    const long got = batch_bucket(caller, bucket, batch, room - batch.count, remove);
    if (got < 0) {
      status = got;
      break;
    }
    batch.count += static_cast<std::uint32_t>(got);
  }
  std::memcpy(batch.next, &bucket, sizeof(bucket));
  if (status == -ENOSPC) return batch.count == 0 ? -ENOSPC : 0;
  return status == 0 ? -ENOENT : status;
}

long HashMap::batch_bucket(const Caller& caller, std::uint32_t bucket, Batch& batch,
                           std::uint32_t room, bool remove) {
  Change change(*this, caller, bucket);
  if (change.busy()) return -EBUSY;
  std::uint32_t found = 0;
  for (std::uint32_t node = table_.first(bucket); node < kLost; node = table_.after(node, bucket))
    if (++found > room) return -ENOSPC;
  std::uint32_t at = batch.count;
  std::uint32_t node = table_.first(bucket);
  for (std::uint32_t i = 0; i < found && node < kLost; ++i, ++at) {
    load_words(batch.keys + std::size_t{at} * spec_.key_bytes, table_.key(node), spec_.key_bytes);
    const long status =
        copy_out_flagged(batch.values + at * user_value_bytes_, node, batch.element_flags);
    if (status != 0) return status;
    node = table_.after(node, bucket);
  }
  if (remove) {
    const std::uint32_t first = table_.cut(bucket);
    change.unlock();
    retire_chain(caller, bucket, first);
  }
  return at - batch.count;
}

// Of a chain that nobody can find any more. A chain that leads astray loses its rest, and is
// noted.
void HashMap::retire_chain(const Caller& caller, std::uint32_t bucket, std::uint32_t first) {
  std::uint32_t node = first;
  while (node < kLost) {
    const std::uint32_t tag = table_.node(node).tag.load(std::memory_order_relaxed);
    if ((tag & kLive) == 0 || table_.bucket_of(tag) != bucket) break;
    const std::uint32_t next = table_.after(node, bucket);
    table_.node(node).tag.store(0, std::memory_order_release);
    retire(caller, node, false);
    node = next;
  }
  if (node != kNoNode) pool_.note_loss();
}

void HashMap::clear(const Caller& caller) {
  if (!values_hold_things_) return;
  for (std::uint32_t bucket = 0; bucket < table_.shape().buckets; ++bucket) {
    if (table_.first(bucket) == kNoNode) continue;
    Change change(*this, caller, bucket);
    if (change.busy()) continue;
    const std::uint32_t first = table_.cut(bucket);
    change.unlock();
    retire_chain(caller, bucket, first);
  }
}

}  // namespace skep::maps
