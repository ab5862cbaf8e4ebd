// SPDX-License-Identifier: Apache-2.0
// The memory of a hash: buckets with a lock each, and nodes that hang in chains from them. Views
// the block of a map and owns nothing. Readers take no lock; whoever changes a chain holds its
// bucket's lock and changes it by one store, so that a chain is whole at any moment, whoever dies.
//
// A reader that stands on a node while it is given away may be led into another chain. The end of a
// chain names its bucket, and a node without an element has no kLive in its tag: the reader notices
// and begins again. Geometry is computed from the spec; links are checked before each use.
#pragma once

#include <atomic>
#include <optional>

#include "maps/hash_key.h"
#include "maps/map.h"

namespace skep::maps {

inline constexpr std::uint32_t kNoNode = UINT32_MAX;
inline constexpr std::uint32_t kLost = UINT32_MAX - 1;  // the chain led astray
// What was used often outlives what was used lately by so many rounds of eviction.
inline constexpr std::uint32_t kMostUses = 3;

enum class HashKind : std::uint8_t { plain, common_lru, private_lru };

struct HashGeometry {
  HashKind kind;
  unsigned cpus;
  std::uint32_t capacity;  // elements
  std::uint32_t share;     // elements of a CPU slot, for private_lru
  std::uint32_t nodes;     // with one spare for each CPU slot
  std::uint32_t buckets;   // a power of two
  std::uint32_t key_bytes;
  std::uint32_t value_stride;
  std::uint32_t key_stride;
  std::uint64_t node_stride;
  bool percpu;  // values stand apart from the nodes, one plane for each CPU slot
  std::uint64_t buckets_at;
  std::uint64_t nodes_at;
  std::uint64_t planes_at;
  std::uint64_t bytes;
};

[[nodiscard]] std::optional<HashGeometry> hash_geometry(const MapSpec& spec, unsigned cpus);

struct HashBucket {
  // 0 or the mark of its end when empty, else the number of a node plus one.
  std::atomic<std::uint32_t> head;
  Lock lock;
};

struct HashNode {
  std::atomic<std::uint32_t> next;  // as HashBucket::head, never 0
  // With kLive: of the key. Without: the next free node plus one.
  std::atomic<std::uint32_t> tag;
  std::atomic<std::uint32_t> uses;   // counted up to kMostUses by lookups, down by eviction
  std::atomic<std::uint32_t> holds;  // its value stands for something that is to be given back
};
static_assert(sizeof(HashBucket) == 8 && sizeof(HashNode) == 16);

class HashTable {
 public:
  // Where in its chain a node hangs: `link` refers to it. When there is none, `node` is kNoNode.
  struct Place {
    std::atomic<std::uint32_t>* link;
    std::uint32_t node;
  };

  HashTable(const HashGeometry& geometry, std::byte* memory)
      : shape_(geometry),
        mask_(geometry.buckets - 1),
        buckets_(reinterpret_cast<HashBucket*>(memory + geometry.buckets_at)),
        nodes_(memory + geometry.nodes_at),
        planes_(memory + geometry.planes_at) {}

  void set_seed(const HashSeed& seed) { seed_ = seed; }
  [[nodiscard]] const HashGeometry& shape() const { return shape_; }
  [[nodiscard]] HashBucket& bucket(std::uint32_t number) const { return buckets_[number]; }
  [[nodiscard]] std::uint32_t bucket_of(std::uint32_t tag) const { return tag & mask_; }
  [[nodiscard]] HashNode& node(std::uint32_t index) const {
    return *reinterpret_cast<HashNode*>(nodes_ + index * shape_.node_stride);
  }
  [[nodiscard]] std::byte* key(std::uint32_t index) const {
    return nodes_ + index * shape_.node_stride + sizeof(HashNode);
  }
  [[nodiscard]] std::byte* value(std::uint32_t index) const {
    return key(index) + shape_.key_stride;
  }
  [[nodiscard]] std::byte* value(std::uint32_t index, unsigned cpu) const {
    return planes_ + (std::uint64_t{cpu} * shape_.nodes + index) * shape_.value_stride;
  }

  [[nodiscard]] std::uint32_t tag(const void* key) const;
  // Without a lock: a node, kNoNode, or kLost when others changed too much meanwhile.
  [[nodiscard]] std::uint32_t find(const void* key) const {
    return with_key(key, shape_.key_bytes, [&](const auto& k) { return find_key(k); });
  }
  // Under the bucket's lock. kLost when the chain is damaged.
  [[nodiscard]] Place locate(std::uint32_t tag, const void* key) const;
  [[nodiscard]] Place locate_node(std::uint32_t bucket, std::uint32_t node) const;

  // For eviction. No store once it is said often enough: readers of hot elements write nothing.
  void mark_used(std::uint32_t index) const {
    std::atomic<std::uint32_t>& uses = node(index).uses;
    const std::uint32_t before = uses.load(std::memory_order_relaxed);
    if (before < kMostUses) uses.store(before + 1, std::memory_order_relaxed);
  }

  // Under the bucket's lock. The node has its element already; its tag says that from here on.
  void insert(std::uint32_t bucket, std::uint32_t node, std::uint32_t tag);
  void replace(std::uint32_t bucket, const Place& old, std::uint32_t node, std::uint32_t tag);
  void unlink(std::uint32_t bucket, const Place& place);
  // Empties the bucket by one store and returns the chain's first node.
  std::uint32_t cut(std::uint32_t bucket);

  // What `link` refers to: a node, kNoNode at the end of the bucket's chain, or kLost.
  [[nodiscard]] std::uint32_t follow(std::uint32_t link, std::uint32_t bucket) const {
    const std::uint32_t index = link - 1;
    if (index < shape_.nodes) return index;
    return link == (kEnd | bucket) ? kNoNode : kLost;
  }
  [[nodiscard]] std::uint32_t first(std::uint32_t bucket) const {
    return first_of(buckets_[bucket].head.load(std::memory_order_acquire), bucket);
  }
  [[nodiscard]] std::uint32_t after(std::uint32_t node_index, std::uint32_t bucket) const {
    return follow(node(node_index).next.load(std::memory_order_acquire), bucket);
  }
  // Ends the chain here, whatever came behind.
  void end_at(std::uint32_t bucket, std::atomic<std::uint32_t>& link) {
    store_link(bucket, link, kEnd | bucket);
  }

 private:
  static constexpr std::uint32_t kEnd = std::uint32_t{1} << 31;
  // Heads carry a number that changes with them, so that a reader who found nothing sees whether a
  // node was moved past it meanwhile.
  static constexpr std::uint32_t kVersion = std::uint32_t{1} << 28;
  static constexpr std::uint32_t kVersions = std::uint32_t{7} << 28;
  static constexpr int kTries = 16;

  [[nodiscard]] std::uint32_t first_of(std::uint32_t head, std::uint32_t bucket) const {
    const std::uint32_t link = head & ~kVersions;
    return link == 0 ? kNoNode : follow(link, bucket);
  }
  void store_head(std::uint32_t bucket, std::uint32_t link) {
    std::atomic<std::uint32_t>& head = buckets_[bucket].head;
    const std::uint32_t version = (head.load(std::memory_order_relaxed) + kVersion) & kVersions;
    head.store(link | version, std::memory_order_release);
  }
  void store_link(std::uint32_t bucket, std::atomic<std::uint32_t>& place, std::uint32_t link) {
    if (&place == &buckets_[bucket].head) return store_head(bucket, link);
    place.store(link, std::memory_order_release);
  }

  template <class Key>
  [[nodiscard]] std::uint32_t find_key(const Key& wanted) const;
  template <class Matches>
  [[nodiscard]] Place walk(std::uint32_t bucket, Matches matches) const;

  HashGeometry shape_;
  std::uint32_t mask_;
  HashBucket* buckets_;
  std::byte* nodes_;
  std::byte* planes_;
  HashSeed seed_;
};

template <class Key>
inline std::uint32_t HashTable::find_key(const Key& wanted) const {
  const std::uint32_t tag = wanted.tag(seed_);
  const std::uint32_t bucket = tag & mask_;
  for (int tries = 0; tries < kTries; ++tries) {
    const std::uint32_t head = buckets_[bucket].head.load(std::memory_order_acquire);
    std::uint32_t index = first_of(head, bucket);
    for (std::uint32_t steps = 0; index < shape_.nodes && steps <= shape_.nodes; ++steps) {
      const HashNode& candidate = node(index);
      const std::uint32_t seen = candidate.tag.load(std::memory_order_acquire);
      if (seen == tag && wanted.equals(key(index))) return index;
      if ((seen & kLive) == 0) break;
      index = after(index, bucket);
    }
    if (index == kNoNode && buckets_[bucket].head.load(std::memory_order_relaxed) == head)
      return kNoNode;
  }
  return kLost;
}

}  // namespace skep::maps
