// SPDX-License-Identifier: Apache-2.0
#include "maps/hash_table.h"

#include <bit>

#include "abi/map_types.h"
#include "maps/hash_pool.h"

namespace skep::maps {

namespace {

constexpr std::uint64_t kLine = 64;
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 62;

constexpr std::uint64_t round_up(std::uint64_t bytes, std::uint64_t to) {
  return (bytes + to - 1) / to * to;
}

HashKind kind_of(const MapSpec& spec) {
  if (spec.type != abi::BPF_MAP_TYPE_LRU_HASH && spec.type != abi::BPF_MAP_TYPE_LRU_PERCPU_HASH)
    return HashKind::plain;
  return (spec.flags & abi::BPF_F_NO_COMMON_LRU) != 0 ? HashKind::private_lru
                                                      : HashKind::common_lru;
}

}  // namespace

std::optional<HashGeometry> hash_geometry(const MapSpec& spec, unsigned cpus) {
  constexpr std::uint32_t kMostEntries = std::uint32_t{1} << 27;
  if (spec.max_entries == 0 || spec.max_entries > kMostEntries) return {};
  HashGeometry shape{.kind = kind_of(spec), .cpus = cpus, .capacity = spec.max_entries};
  shape.percpu =
      spec.type == abi::BPF_MAP_TYPE_PERCPU_HASH || spec.type == abi::BPF_MAP_TYPE_LRU_PERCPU_HASH;
  shape.share = shape.capacity / cpus;
  shape.nodes = shape.capacity + cpus;
  shape.buckets = std::bit_ceil(shape.capacity);
  shape.key_bytes = spec.key_bytes;
  shape.key_stride = static_cast<std::uint32_t>(round8(spec.key_bytes));
  shape.value_stride = static_cast<std::uint32_t>(round8(spec.value_bytes));
  shape.node_stride = sizeof(HashNode) + shape.key_stride;
  if (!shape.percpu) shape.node_stride += shape.value_stride;
  shape.buckets_at = HashPool::bytes(cpus);
  shape.nodes_at = round_up(shape.buckets_at + sizeof(HashBucket) * shape.buckets, kLine);
  const std::uint64_t nodes_bytes = shape.node_stride * shape.nodes;
  shape.planes_at = shape.percpu ? round_up(shape.nodes_at + nodes_bytes, kPage) : 0;
  shape.bytes = shape.nodes_at + nodes_bytes;
  if (!shape.percpu) return shape;
  std::uint64_t planes = 0;
  if (__builtin_mul_overflow(std::uint64_t{shape.value_stride} * shape.nodes, std::uint64_t{cpus},
                             &planes) ||
      planes > kMostBytes)
    return {};
  shape.bytes = shape.planes_at + planes;
  return shape;
}

std::uint32_t HashTable::tag(const void* key) const {
  return with_key(key, shape_.key_bytes, [&](const auto& k) { return k.tag(seed_); });
}

template <class Matches>
HashTable::Place HashTable::walk(std::uint32_t bucket, Matches matches) const {
  std::atomic<std::uint32_t>* link = &buckets_[bucket].head;
  std::uint32_t index = first(bucket);
  for (std::uint32_t steps = 0; steps <= shape_.nodes; ++steps) {
    if (index >= shape_.nodes || matches(index)) return {link, index};
    link = &node(index).next;
    index = after(index, bucket);
  }
  return {link, kLost};
}

HashTable::Place HashTable::locate(std::uint32_t tag, const void* key) const {
  return with_key(key, shape_.key_bytes, [&](const auto& wanted) {
    return walk(bucket_of(tag), [&](std::uint32_t index) {
      return node(index).tag.load(std::memory_order_relaxed) == tag &&
             wanted.equals(this->key(index));
    });
  });
}

HashTable::Place HashTable::locate_node(std::uint32_t bucket, std::uint32_t wanted) const {
  return walk(bucket, [&](std::uint32_t index) { return index == wanted; });
}

void HashTable::insert(std::uint32_t bucket, std::uint32_t index, std::uint32_t tag) {
  const std::uint32_t before = buckets_[bucket].head.load(std::memory_order_relaxed) & ~kVersions;
  node(index).next.store(before == 0 ? kEnd | bucket : before, std::memory_order_relaxed);
  node(index).uses.store(0, std::memory_order_relaxed);
  node(index).tag.store(tag, std::memory_order_release);
  store_head(bucket, index + 1);
}

// The new node takes the old one's place in the chain, so that a reader finds one of the two.
void HashTable::replace(std::uint32_t bucket, const Place& old, std::uint32_t index,
                        std::uint32_t tag) {
  // A reader that stands on the new node since it was another would pass over nodes; this tells it.
  store_head(bucket, buckets_[bucket].head.load(std::memory_order_relaxed) & ~kVersions);
  const std::uint32_t rest = node(old.node).next.load(std::memory_order_relaxed);
  node(index).next.store(rest, std::memory_order_release);
  node(index).uses.store(1, std::memory_order_relaxed);
  node(index).tag.store(tag, std::memory_order_release);
  store_link(bucket, *old.link, index + 1);
  node(old.node).tag.store(0, std::memory_order_release);
}

// The node's own link stays: readers that stand on it find back.
void HashTable::unlink(std::uint32_t bucket, const Place& place) {
  store_link(bucket, *place.link, node(place.node).next.load(std::memory_order_relaxed));
  node(place.node).tag.store(0, std::memory_order_release);
}

std::uint32_t HashTable::cut(std::uint32_t bucket) {
  const std::uint32_t head = first(bucket);
  store_head(bucket, kEnd | bucket);
  return head;
}

}  // namespace skep::maps
