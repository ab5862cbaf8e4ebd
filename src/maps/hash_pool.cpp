// SPDX-License-Identifier: Apache-2.0
#include "maps/hash_pool.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace skep::maps {

namespace {

constexpr std::uint32_t kChunk = 16;      // nodes moved together to a slot that has none
constexpr std::uint32_t kHandChunk = 32;  // nodes that one slot looks at before the hand moves on
constexpr unsigned kMostPeeks = 16;
constexpr std::uint64_t kChange = std::uint64_t{1} << 32;

}  // namespace

std::uint64_t HashPool::bytes(unsigned cpus) { return sizeof(Header) + sizeof(Slot) * cpus; }

HashPool::HashPool(HashTable& table, Region& region, std::byte* memory)
    : table_(table),
      region_(region),
      header_(reinterpret_cast<Header*>(memory)),
      slots_(reinterpret_cast<Slot*>(memory + sizeof(Header))) {}

void HashPool::start(const HashSeed& seed) {
  header_->seed = seed;
  for (unsigned cpu = 0; cpu < table_.shape().cpus; ++cpu)
    slots_[cpu].spare.store(first_spare(cpu) + 1, std::memory_order_relaxed);
}

HashSeed HashPool::seed() const { return header_->seed; }

std::uint32_t HashPool::first_spare(unsigned cpu) const {
  const HashGeometry& shape = table_.shape();
  return shape.kind == HashKind::private_lru ? cpu * (shape.share + 1) + shape.share
                                             : shape.capacity + cpu;
}

std::uint32_t HashPool::pop_stack(Slot& slot) {
  std::uint64_t top = slot.free.load(std::memory_order_acquire);
  for (;;) {
    const std::uint32_t index = static_cast<std::uint32_t>(top) - 1;
    if (index >= table_.shape().nodes) return kNoNode;
    // Perhaps no longer free, then the count has changed.
    const std::uint32_t next = table_.node(index).tag.load(std::memory_order_relaxed) & ~kLive;
    const std::uint64_t below = ((top + kChange) & ~(kChange - 1)) | next;
    if (slot.free.compare_exchange_weak(top, below, std::memory_order_acquire)) {
      table_.node(index).tag.store(0, std::memory_order_relaxed);
      return index;
    }
  }
}

void HashPool::push_stack(Slot& slot, std::uint32_t node) {
  std::uint64_t top = slot.free.load(std::memory_order_relaxed);
  for (;;) {
    table_.node(node).tag.store(static_cast<std::uint32_t>(top) & ~kLive,
                                std::memory_order_relaxed);
    const std::uint64_t above = ((top + kChange) & ~(kChange - 1)) | (node + 1);
    if (slot.free.compare_exchange_weak(top, above, std::memory_order_release)) return;
  }
}

std::uint32_t HashPool::pop(unsigned cpu) {
  const std::uint32_t own = pop_stack(slots_[cpu]);
  if (own != kNoNode) return own;
  switch (table_.shape().kind) {
    case HashKind::plain:
      return refill(cpu);
    case HashKind::private_lru:
      return hand_out_own(cpu);
    case HashKind::common_lru:
      break;
  }
  if (header_->handed_out.load(std::memory_order_relaxed) < table_.shape().capacity)
    if (const std::uint32_t fresh = refill(cpu); fresh != kNoNode) return fresh;
  return peek_others(cpu);
}

void HashPool::push(unsigned cpu, std::uint32_t node) {
  const bool own = table_.shape().kind != HashKind::private_lru;
  push_stack(slots_[own ? cpu : owner(node)], node);
}

std::uint32_t HashPool::hand_out_own(unsigned cpu) {
  std::atomic<std::uint32_t>& handed_out = slots_[cpu].handed_out;
  const std::uint32_t index = handed_out.load(std::memory_order_relaxed);
  if (index >= table_.shape().share) return kNoNode;
  handed_out.store(index + 1, std::memory_order_relaxed);
  return cpu * (table_.shape().share + 1) + index;
}

// A chunk of what nobody had yet, else of what others have. Under the lock, so that nodes on their
// way between stacks are missed by nobody who finds all of them empty.
std::uint32_t HashPool::refill(unsigned cpu) {
  const Guard guard(header_->refill_lock, region_);
  if (guard.busy()) return kNoNode;
  if (guard.taken() == Taken::repair) note_loss();
  const HashGeometry& shape = table_.shape();
  const std::uint32_t begin = header_->handed_out.load(std::memory_order_relaxed);
  if (begin < shape.capacity) {
    const std::uint32_t end = std::min(begin + kChunk, shape.capacity);
    header_->handed_out.store(end, std::memory_order_relaxed);
    for (std::uint32_t index = end - 1; index > begin; --index) push_stack(slots_[cpu], index);
    return begin;
  }
  // Its own stack last: others may have put nodes there that they stole.
  for (unsigned i = 1; i <= shape.cpus; ++i) {
    Slot& other = slots_[(cpu + i) % shape.cpus];
    const std::uint32_t got = pop_stack(other);
    if (got == kNoNode) continue;
    for (std::uint32_t more = 1; more < kChunk && &other != &slots_[cpu]; ++more) {
      const std::uint32_t index = pop_stack(other);
      if (index == kNoNode) break;
      push_stack(slots_[cpu], index);
    }
    return got;
  }
  return kNoNode;
}

std::uint32_t HashPool::peek_others(unsigned cpu) {
  const unsigned cpus = table_.shape().cpus;
  Slot& mine = slots_[cpu];
  unsigned victim = mine.next_victim.load(std::memory_order_relaxed) % cpus;
  std::uint32_t got = kNoNode;
  for (unsigned i = 0; i < std::min(cpus, kMostPeeks) && got == kNoNode; ++i) {
    got = pop_stack(slots_[victim]);
    if (got == kNoNode) victim = (victim + 1) % cpus;
  }
  mine.next_victim.store(victim, std::memory_order_relaxed);
  return got;
}

std::uint32_t HashPool::take_spare(unsigned cpu) {
  std::atomic<std::uint32_t>& spare = slots_[cpu].spare;
  const std::uint32_t index = spare.load(std::memory_order_relaxed) - 1;
  if (index >= table_.shape().nodes) return kNoNode;
  // None first: whoever dies from here on leaves a lost node, not one that two have.
  spare.store(0, std::memory_order_relaxed);
  return index;
}

void HashPool::give_spare(unsigned cpu, std::uint32_t node) {
  slots_[cpu].spare.store(node + 1, std::memory_order_relaxed);
}

std::uint32_t HashPool::sweep(unsigned cpu) {
  const HashGeometry& shape = table_.shape();
  Slot& slot = slots_[cpu];
  const std::uint32_t at = slot.hand.load(std::memory_order_relaxed);
  if (shape.kind == HashKind::private_lru) {
    slot.hand.store((at + 1) % (shape.share + 1), std::memory_order_relaxed);
    return cpu * (shape.share + 1) + at % (shape.share + 1);
  }
  const std::uint32_t left = slot.hand_left.load(std::memory_order_relaxed);
  if (left != 0 && at < shape.nodes - 1) {
    slot.hand.store(at + 1, std::memory_order_relaxed);
    slot.hand_left.store(left - 1, std::memory_order_relaxed);
    return at + 1;
  }
  const std::uint32_t chunks = (shape.nodes + kHandChunk - 1) / kHandChunk;
  const std::uint32_t begin =
      header_->hand.fetch_add(1, std::memory_order_relaxed) % chunks * kHandChunk;
  slot.hand.store(begin, std::memory_order_relaxed);
  slot.hand_left.store(kHandChunk - 1, std::memory_order_relaxed);
  return begin;
}

std::uint64_t HashPool::sweep_length() const {
  const HashGeometry& shape = table_.shape();
  return shape.kind == HashKind::private_lru ? shape.share + 1 : shape.nodes + kHandChunk;
}

void HashPool::begin(unsigned cpu) {
  std::atomic<std::uint32_t>& changing = slots_[cpu].changing;
  if (changing.load(std::memory_order_relaxed) != 0) note_loss();
  changing.store(region_.word(), std::memory_order_relaxed);
}

void HashPool::end(unsigned cpu) { slots_[cpu].changing.store(0, std::memory_order_release); }

bool HashPool::may_have_lost() const {
  if (header_->losses.load(std::memory_order_relaxed) != 0) return true;
  for (unsigned cpu = 0; cpu < table_.shape().cpus; ++cpu) {
    const HolderWord who = slots_[cpu].changing.load(std::memory_order_relaxed);
    if (who != 0 && !region_.lives(who)) return true;
  }
  return false;
}

bool HashPool::wait_open() {
  const Guard guard(header_->gate_lock, region_);
  if (guard.busy()) return false;
  // Whoever closed it had the lock: it is gone, perhaps half way.
  if (closed()) {
    note_loss();
    header_->gate.store(0, std::memory_order_relaxed);
  }
  return true;
}

// A change that had its bucket's lock before the gate closed is over when that lock can be taken,
// but for nodes on their way back, which `changing` tells of.
bool HashPool::drain() {
  const HashGeometry& shape = table_.shape();
  for (std::uint32_t number = 0; number < shape.buckets; ++number) {
    const Guard guard(table_.bucket(number).lock, region_);
    if (guard.busy()) return false;
  }
  for (unsigned cpu = 0; cpu < shape.cpus; ++cpu)
    if (!wait_for(slots_[cpu])) return false;
  return true;
}

bool HashPool::wait_for(Slot& slot) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    HolderWord who = slot.changing.load(std::memory_order_acquire);
    if (who == 0) return true;
    if (!region_.lives(who)) {
      slot.changing.compare_exchange_strong(who, 0, std::memory_order_relaxed);
      return true;
    }
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::microseconds{50});
  }
}

bool HashPool::was_handed_out(std::uint32_t node) const {
  const HashGeometry& shape = table_.shape();
  if (shape.kind != HashKind::private_lru)
    return node >= shape.capacity || node < header_->handed_out.load(std::memory_order_relaxed);
  if (owner(node) >= shape.cpus) return false;
  const std::uint32_t position = node % (shape.share + 1);
  return position == shape.share ||
         position < slots_[owner(node)].handed_out.load(std::memory_order_relaxed);
}

// Nothing is free at first, so that a death in the middle loses nodes, which the next one finds.
void HashPool::share_out(std::vector<bool> used) {
  const HashGeometry& shape = table_.shape();
  note_loss();
  for (unsigned cpu = 0; cpu < shape.cpus; ++cpu) {
    slots_[cpu].free.fetch_and(~(kChange - 1), std::memory_order_relaxed);
    slots_[cpu].spare.store(0, std::memory_order_relaxed);
  }
  unsigned turn = 0;
  for (std::uint32_t index = shape.nodes; index-- > 0;) {
    if (used[index] || !was_handed_out(index)) continue;
    const bool own = shape.kind == HashKind::private_lru;
    const unsigned cpu = own ? owner(index) : turn++ % shape.cpus;
    if (slots_[cpu].spare.load(std::memory_order_relaxed) == 0) {
      table_.node(index).tag.store(0, std::memory_order_relaxed);
      give_spare(cpu, index);
    } else {
      push_stack(slots_[cpu], index);
    }
  }
  header_->losses.store(0, std::memory_order_relaxed);
}

}  // namespace skep::maps
