// SPDX-License-Identifier: Apache-2.0
// The free nodes of a hash, at the beginning of its block. Each CPU slot has a stack of its own,
// which others steal from when theirs is empty; nodes that nobody ever had are counted, not listed,
// so that a fresh map touches no memory. One spare node for each slot lets an element be replaced
// when the map is full. All state is shared: indices are checked, and a death loses nodes at worst,
// never gives one away twice; `rebuild` finds them again.
#pragma once

#include <vector>

#include "maps/hash_table.h"

namespace skep::maps {

class HashPool {
 public:
  [[nodiscard]] static std::uint64_t bytes(unsigned cpus);

  HashPool(HashTable& table, Region& region, std::byte* memory);
  void start(const HashSeed& seed);
  [[nodiscard]] HashSeed seed() const;

  // A node without an element, or kNoNode. Where all slots share the pool, kNoNode says that at
  // some moment of the call every node was in use.
  [[nodiscard]] std::uint32_t pop(unsigned cpu);
  // As pop, but looks into the stacks of all slots where these are many and nodes can be evicted.
  [[nodiscard]] std::uint32_t pop_anywhere(unsigned cpu) {
    return table_.shape().kind == HashKind::private_lru ? pop(cpu) : refill(cpu);
  }
  void push(unsigned cpu, std::uint32_t node);
  // The slot's spare, or kNoNode when a death took it. To be given back, the same or another.
  [[nodiscard]] std::uint32_t take_spare(unsigned cpu);
  void give_spare(unsigned cpu, std::uint32_t node);
  // Whether a node that this slot replaces can become its spare.
  [[nodiscard]] bool exchanges(unsigned cpu, std::uint32_t node) const {
    return table_.shape().kind != HashKind::private_lru || owner(node) == cpu;
  }
  // For eviction: nodes one after the other, without end, of all that this slot may take.
  [[nodiscard]] std::uint32_t sweep(unsigned cpu);
  [[nodiscard]] std::uint64_t sweep_length() const;

  // Whether the node was ever in use, or is somebody's spare.
  [[nodiscard]] bool was_handed_out(std::uint32_t node) const;

  // A slot says that it changes the map, from before it takes a bucket's lock until its nodes are
  // back. What stays said by the dead means that nodes may be lost.
  void begin(unsigned cpu);
  void end(unsigned cpu);
  void note_loss() { header_->losses.store(1, std::memory_order_relaxed); }
  [[nodiscard]] bool may_have_lost() const;

  // While the gate is closed no new change begins; asked under a bucket's lock.
  [[nodiscard]] bool closed() const { return header_->gate.load(std::memory_order_relaxed) != 0; }
  void close() { header_->gate.store(1, std::memory_order_relaxed); }
  // Waits for whoever closed the gate; false when that lasts too long.
  [[nodiscard]] bool wait_open();

  // Closes the gate, waits for the changes under way, calls `reachable` for the nodes that hold
  // elements, and shares out the rest. False when somebody would not let go.
  template <class Reachable>
  [[nodiscard]] bool rebuild(Reachable reachable) {
    const Guard guard(header_->gate_lock, region_);
    if (guard.busy()) return false;
    close();
    const bool still = drain();
    if (still) share_out(reachable());
    header_->gate.store(0, std::memory_order_release);
    return still;
  }

 private:
  struct alignas(64) Header {
    HashSeed seed;
    Lock gate_lock;    // taken before any bucket's
    Lock refill_lock;  // taken after any bucket's
    std::atomic<std::uint32_t> gate;
    std::atomic<std::uint32_t> losses;
    alignas(64) std::atomic<std::uint32_t> handed_out;  // nodes below were in use once
    alignas(64) std::atomic<std::uint32_t> hand;        // where eviction goes on
  };
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> free;  // count of changes, and the first free node plus one
    std::atomic<std::uint32_t> spare;
    std::atomic<std::uint32_t> changing;    // the HolderWord of who does
    std::atomic<std::uint32_t> handed_out;  // as the header's, for private_lru
    std::atomic<std::uint32_t> hand;
    std::atomic<std::uint32_t> hand_left;
    std::atomic<std::uint32_t> next_victim;  // slot to steal from next
  };

  [[nodiscard]] std::uint32_t owner(std::uint32_t node) const {
    return node / (table_.shape().share + 1);
  }
  [[nodiscard]] std::uint32_t pop_stack(Slot& slot);
  void push_stack(Slot& slot, std::uint32_t node);
  [[nodiscard]] std::uint32_t hand_out_own(unsigned cpu);
  [[nodiscard]] std::uint32_t refill(unsigned cpu);
  [[nodiscard]] std::uint32_t peek_others(unsigned cpu);
  [[nodiscard]] std::uint32_t first_spare(unsigned cpu) const;
  [[nodiscard]] bool drain();
  [[nodiscard]] bool wait_for(Slot& slot);
  void share_out(std::vector<bool> used);

  HashTable& table_;
  Region& region_;
  Header* header_;
  Slot* slots_;
};

}  // namespace skep::maps
