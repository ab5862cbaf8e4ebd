// SPDX-License-Identifier: Apache-2.0
#include "maps/lpm.h"

#include <array>
#include <cerrno>

#include "abi/limits.h"
#include "abi/map_types.h"

namespace skep::maps {

namespace {

LpmGeometry geometry(const MapInit& init) {
  const auto shape = lpm_geometry(init.spec);
  SKEP_ASSERT(shape.has_value() && shape->bytes <= init.bytes);
  return *shape;
}

std::uint32_t prefix_of(const void* key) {
  std::uint32_t prefix = 0;
  std::memcpy(&prefix, key, sizeof(prefix));
  return prefix;
}

}  // namespace

// kernel: trie_alloc of kernel/bpf/lpm_trie.c
long check_lpm(MapSpec& spec, unsigned) {
  constexpr std::uint32_t kKnown = abi::BPF_F_NO_PREALLOC | abi::BPF_F_NUMA_NODE |
                                   abi::BPF_F_RDONLY | abi::BPF_F_WRONLY | abi::BPF_F_RDONLY_PROG |
                                   abi::BPF_F_WRONLY_PROG;
  constexpr std::uint32_t kBoth = abi::BPF_F_RDONLY_PROG | abi::BPF_F_WRONLY_PROG;
  constexpr std::uint32_t kLeastKey = abi::kLpmKeyHeaderBytes + abi::LPM_DATA_SIZE_MIN;
  constexpr std::uint32_t kMostKey = abi::kLpmKeyHeaderBytes + abi::LPM_DATA_SIZE_MAX;
  constexpr std::uint32_t kMostValue =
      (std::uint32_t{4} << 20) - 280;  // kmalloc, less key and node
  if (spec.max_entries == 0 || (spec.flags & abi::BPF_F_NO_PREALLOC) == 0 ||
      (spec.flags & ~kKnown) != 0 || (spec.flags & kBoth) == kBoth)
    return -EINVAL;
  if (spec.key_bytes < kLeastKey || spec.key_bytes > kMostKey) return -EINVAL;
  return spec.value_bytes == 0 || spec.value_bytes > kMostValue ? -EINVAL : 0;
}

std::optional<std::uint64_t> lpm_bytes(const MapSpec& spec, unsigned) {
  const auto shape = lpm_geometry(spec);
  return shape ? std::optional(shape->bytes) : std::nullopt;
}

std::unique_ptr<Map> open_lpm(const MapInit& init) { return std::make_unique<LpmMap>(init); }

LpmMap::LpmMap(const MapInit& init) : Map(init), trie_(geometry(init), memory_) {}

void* LpmMap::lookup(const Caller&, const void* key) {
  const std::uint32_t node = find(key);
  return node == LpmTrie::kNone ? nullptr : trie_.value(node);
}

std::uint32_t LpmMap::find(const void* key) {
  const std::uint32_t prefix = prefix_of(key);
  if (prefix > trie_.shape().max_prefix) return LpmTrie::kNone;
  if (const auto found = trie_.longest(key, prefix)) [[likely]]
    return *found;
  // Others change too much: with them out, one try is enough.
  const Change change(*this);
  return change.busy() ? LpmTrie::kNone : trie_.longest(key, prefix).value_or(LpmTrie::kNone);
}

long LpmMap::read(const Caller&, const void* key, void* user_value, std::uint64_t flags) {
  if ((flags & abi::BPF_F_LOCK) != 0) return -EINVAL;
  if (prefix_of(key) > trie_.shape().max_prefix) return -ENOENT;
  const Change change(*this);
  const auto found = trie_.longest(key, prefix_of(key));
  if (!found || *found == LpmTrie::kNone) return -ENOENT;
  copy_out(user_value, trie_.value(*found));
  return 0;
}

long LpmMap::update(const Caller&, const void* raw_key, const void* value, std::uint64_t flags) {
  if (flags > abi::BPF_EXIST || prefix_of(raw_key) > trie_.shape().max_prefix) return -EINVAL;
  const LpmKey key(raw_key, trie_.shape());
  const Change change(*this);
  if (change.busy()) return -EBUSY;
  const Place place = trie_.locate(key);
  const bool same = place.node != LpmTrie::kNone && trie_.prefix(place.node) == place.agree;
  const bool exists = same && trie_.is_element(place.node);
  if (exists && flags == abi::BPF_NOEXIST) return -EEXIST;
  if (!exists && flags == abi::BPF_EXIST) return -ENOENT;
  std::atomic<std::uint32_t>& elements = trie_.header().elements;
  const std::uint32_t before = elements.load(std::memory_order_relaxed);
  if (!exists && before >= trie_.shape().capacity) return -ENOSPC;
  const std::uint32_t node = trie_.take_node();
  if (node == LpmTrie::kNone) return -ENOMEM;
  fill(node, key, key.prefix, LpmTrie::element);
  copy_in(trie_.value(node), value);
  if (!put(place, key, node)) {
    trie_.free_node(node);
    return -ENOMEM;
  }
  if (!exists) elements.store(before + 1, std::memory_order_relaxed);
  trie_.refresh(key);
  if (same) trie_.free_node(place.node);
  return 0;
}

void LpmMap::fill(std::uint32_t index, const LpmKey& key, std::uint32_t prefix,
                  LpmTrie::Kind kind) {
  LpmTrie::Node& node = trie_.node(index);
  for (auto& child : node.child) child.store(0, std::memory_order_relaxed);
  node.prefix.store(prefix, std::memory_order_relaxed);
  for (std::uint32_t at = 0; at < trie_.shape().data_stride / 8; ++at)
    store_relaxed(trie_.data(index) + std::size_t{at} * 8, __builtin_bswap64(key.words[at]));
  node.kind.store(kind, std::memory_order_relaxed);
}

// Hangs the node where its key belongs; one store makes it visible. False when there is no node for
// the fork that it takes.
bool LpmMap::put(const Place& place, const LpmKey& key, std::uint32_t index) {
  LpmTrie::Node& node = trie_.node(index);
  const std::uint32_t old = place.node;
  if (old == LpmTrie::kNone) {
    place.link->store(index + 1, std::memory_order_release);
    return true;
  }
  if (trie_.prefix(old) == place.agree) {
    for (unsigned side = 0; side < 2; ++side)
      node.child[side].store(trie_.node(old).child[side].load(std::memory_order_relaxed),
                             std::memory_order_relaxed);
    place.link->store(index + 1, std::memory_order_release);
    return true;
  }
  if (place.agree == key.prefix) {
    node.child[trie_.bit(old, place.agree)].store(old + 1, std::memory_order_relaxed);
    place.link->store(index + 1, std::memory_order_release);
    return true;
  }
  const std::uint32_t fork = trie_.take_node();
  if (fork == LpmTrie::kNone) return false;
  fill(fork, key, place.agree, LpmTrie::fork);
  const unsigned side = key.bit(place.agree) ? 1 : 0;
  trie_.node(fork).child[side].store(index + 1, std::memory_order_relaxed);
  trie_.node(fork).child[1 - side].store(old + 1, std::memory_order_relaxed);
  place.link->store(fork + 1, std::memory_order_release);
  return true;
}

long LpmMap::erase(const Caller&, const void* raw_key) {
  if (prefix_of(raw_key) > trie_.shape().max_prefix) return -EINVAL;
  const LpmKey key(raw_key, trie_.shape());
  const Change change(*this);
  if (change.busy()) return -EBUSY;
  const Place place = trie_.locate(key);
  if (place.node == LpmTrie::kNone || trie_.prefix(place.node) != place.agree ||
      !trie_.is_element(place.node))
    return -ENOENT;
  std::atomic<std::uint32_t>& elements = trie_.header().elements;
  elements.store(elements.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  unlink(place, key);
  return 0;
}

// A node with two children stays as a fork; a fork that would be left with one goes as well.
void LpmMap::unlink(const Place& place, const LpmKey& key) {
  LpmTrie::Node& node = trie_.node(place.node);
  const std::uint32_t left = node.child[0].load(std::memory_order_relaxed);
  const std::uint32_t right = node.child[1].load(std::memory_order_relaxed);
  if (left != 0 && right != 0) {
    node.kind.store(LpmTrie::fork, std::memory_order_release);
    return trie_.refresh(key);
  }
  const bool takes_fork =
      left == 0 && right == 0 && place.parent != LpmTrie::kNone && !trie_.is_element(place.parent);
  if (takes_fork) {
    const LpmTrie::Link* const children = trie_.node(place.parent).child;
    const unsigned other = place.link == &children[0] ? 1 : 0;
    place.parent_link->store(children[other].load(std::memory_order_relaxed),
                             std::memory_order_release);
  } else {
    place.link->store(left != 0 ? left : right, std::memory_order_release);
  }
  trie_.refresh(key);
  trie_.free_node(place.node);
  if (takes_fork) trie_.free_node(place.parent);
}

// The order of Linux: what is longer before what it lies in, the zero side before the other.
long LpmMap::next_key(const Caller&, const void* raw_key, void* next) {
  const Change change(*this);
  if (change.busy()) return -EBUSY;
  std::uint32_t node = LpmTrie::kNone;
  if (raw_key == nullptr || prefix_of(raw_key) > trie_.shape().max_prefix)
    node = leftmost(trie_.follow(trie_.header().root));
  else
    node = following(LpmKey(raw_key, trie_.shape()));
  if (node == LpmTrie::kNone) return -ENOENT;
  const std::uint32_t prefix = trie_.prefix(node);
  auto* out = static_cast<std::byte*>(next);
  std::memcpy(out, &prefix, sizeof(prefix));
  load_words(out + sizeof(prefix), trie_.data(node), trie_.shape().data_bytes);
  return 0;
}

std::uint32_t LpmMap::leftmost(std::uint32_t below) const {
  std::uint32_t found = LpmTrie::kNone;
  std::uint32_t index = below;
  for (std::uint32_t steps = 0; index != LpmTrie::kNone && steps <= trie_.shape().max_prefix;
       ++steps) {
    const LpmTrie::Node& node = trie_.node(index);
    if (trie_.is_element(index)) found = index;
    index = trie_.follow(node.child[0]);
    if (index == LpmTrie::kNone) index = trie_.follow(node.child[1]);
  }
  return found;
}

// The element after that of the key; the first of all when there is none.
std::uint32_t LpmMap::following(const LpmKey& key) const {
  const std::uint32_t root = trie_.follow(trie_.header().root);
  std::array<std::uint32_t, abi::LPM_DATA_SIZE_MAX * 8 + 1> path;  // filled up to `depth` alone
  std::uint32_t depth = 0;
  for (std::uint32_t index = root; index != LpmTrie::kNone && depth < path.size();) {
    const std::uint32_t bits = trie_.prefix(index);
    if (bits > key.prefix || !trie_.agrees(index, key)) break;
    path[depth++] = index;
    if (bits == key.prefix) break;
    index = trie_.follow(trie_.node(index).child[key.bit(bits) ? 1 : 0]);
  }
  if (depth == 0 || trie_.prefix(path[depth - 1]) != key.prefix ||
      !trie_.is_element(path[depth - 1]))
    return leftmost(root);
  for (std::uint32_t at = depth - 1; at > 0; --at) {
    const std::uint32_t parent = path[at - 1];
    const LpmTrie::Node& above = trie_.node(parent);
    const std::uint32_t right = trie_.follow(above.child[1]);
    if (trie_.follow(above.child[0]) == path[at] && right != LpmTrie::kNone) return leftmost(right);
    if (trie_.is_element(parent)) return parent;
  }
  return LpmTrie::kNone;
}

// Nothing is half done but under the lock of somebody who died.
void LpmMap::repair() { const Change change(*this); }

}  // namespace skep::maps
