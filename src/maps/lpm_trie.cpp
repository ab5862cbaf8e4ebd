// SPDX-License-Identifier: Apache-2.0
#include "maps/lpm_trie.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "abi/limits.h"

namespace skep::maps {

static_assert(std::endian::native == std::endian::little);
static_assert(kLpmDataWords * 8 == abi::LPM_DATA_SIZE_MAX);

std::optional<LpmGeometry> lpm_geometry(const MapSpec& spec) {
  // As many forks as elements, less one, and a node to replace an element by when all are in use.
  constexpr std::uint32_t kMostEntries = (std::uint32_t{1} << 30) - 1;
  if (spec.max_entries == 0 || spec.max_entries > kMostEntries) return {};
  LpmGeometry shape{};
  shape.capacity = spec.max_entries;
  shape.nodes = 2 * spec.max_entries;
  shape.data_bytes = spec.key_bytes - abi::kLpmKeyHeaderBytes;
  shape.data_stride = static_cast<std::uint32_t>(round8(shape.data_bytes));
  shape.max_prefix = shape.data_bytes * 8;
  const auto wanted = static_cast<std::uint32_t>(std::bit_width(spec.max_entries));
  shape.table_bits = std::min(std::clamp(wanted, 4U, LpmTrie::kMostTableBits), shape.max_prefix);
  shape.node_stride = sizeof(LpmTrie::Node) + shape.data_stride + round8(spec.value_bytes);
  const std::uint64_t table_bytes = std::uint64_t{8} << shape.table_bits;
  shape.nodes_at = LpmTrie::kTableAt + table_bytes;
  shape.bytes = shape.nodes_at + shape.node_stride * shape.nodes;
  return shape;
}

LpmKey::LpmKey(const void* key, const LpmGeometry& shape) {
  const auto* bytes = static_cast<const std::byte*>(key);
  std::memcpy(&prefix, bytes, sizeof(prefix));
  words[shape.data_stride / 8 - 1] = 0;
  std::memcpy(words, bytes + sizeof(prefix), shape.data_bytes);
  for (std::uint32_t i = 0; i < shape.data_stride / 8; ++i) words[i] = __builtin_bswap64(words[i]);
}

template <bool OneWord>
bool LpmTrie::covers(std::uint32_t index, std::uint32_t bits, const std::uint64_t* words) const {
  if constexpr (OneWord) return bits == 0 || (word(index, 0) ^ words[0]) >> (64 - bits) == 0;
  const std::uint32_t whole = bits / 64;
  for (std::uint32_t at = 0; at < whole; ++at)
    if (word(index, at) != words[at]) return false;
  const std::uint32_t rest = bits % 64;
  return rest == 0 || (word(index, whole) ^ words[whole]) >> (64 - rest) == 0;
}

// Prefixes grow on the way down; where they do not, a node was used again.
template <bool OneWord>
std::uint32_t LpmTrie::descend(const std::uint64_t* words, std::uint32_t prefix_bits) const {
  std::uint32_t found = kNone;
  std::uint32_t index = kNone;
  if (prefix_bits >= shape_.table_bits) {
    const std::uint64_t packed =
        table_[words[0] >> (64 - shape_.table_bits)].load(std::memory_order_acquire);
    index = static_cast<std::uint32_t>(packed >> 32) - 1;
    found = static_cast<std::uint32_t>(packed) - 1;
  } else {
    index = header_->root.load(std::memory_order_acquire) - 1;
  }
  std::uint32_t at_least = 0;
  while (index < shape_.nodes) {
    const Node& here = node(index);
    const std::uint32_t bits = here.prefix.load(std::memory_order_relaxed);
    if (bits > prefix_bits || bits < at_least || !covers<OneWord>(index, bits, words)) break;
    if (here.kind.load(std::memory_order_relaxed) == element) found = index;
    if (bits == shape_.max_prefix) break;
    const std::uint64_t side = words[OneWord ? 0 : bits / 64] >> (63 - bits % 64) & 1;
    index = here.child[side].load(std::memory_order_acquire) - 1;
    at_least = bits + 1;
  }
  return found < shape_.nodes ? found : kNone;
}

std::optional<std::uint32_t> LpmTrie::longest(const void* key, std::uint32_t prefix_bits) const {
  for (int tries = 0; tries < kTries; ++tries) {
    const std::uint32_t before = header_->reused.load(std::memory_order_acquire);
    std::uint32_t found = kNone;
    if (shape_.data_stride == 8) {
      std::uint64_t own = 0;
      const auto* bytes = static_cast<const std::byte*>(key) + abi::kLpmKeyHeaderBytes;
      if (shape_.data_bytes == 4) {
        std::uint32_t half = 0;
        std::memcpy(&half, bytes, 4);
        own = half;
      } else {
        std::memcpy(&own, bytes, shape_.data_bytes);
      }
      own = __builtin_bswap64(own);
      found = descend<true>(&own, prefix_bits);
    } else {
      const LpmKey own(key, shape_);
      found = descend<false>(own.words, prefix_bits);
    }
    // No read of a node comes after this one.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (header_->reused.load(std::memory_order_relaxed) == before) return found;
  }
  return {};
}

std::uint32_t LpmTrie::agreement(std::uint32_t index, const LpmKey& key) const {
  const std::uint32_t limit = std::min(prefix(index), key.prefix);
  for (std::uint32_t at = 0; at * 64 < limit; ++at) {
    const std::uint64_t differ = word(index, at) ^ key.words[at];
    if (differ != 0)
      return std::min(limit, at * 64 + static_cast<std::uint32_t>(std::countl_zero(differ)));
  }
  return limit;
}

LpmTrie::Place LpmTrie::locate(const LpmKey& key) const {
  Place place{.link = &header_->root, .parent_link = nullptr, .parent = kNone, .node = kNone};
  std::uint32_t at_least = 0;
  for (;;) {
    place.node = follow(*place.link);
    if (place.node == kNone) return place;
    const std::uint32_t bits = prefix(place.node);
    // Only damaged memory has that; what hangs here is dropped when something is put here.
    if (bits < at_least || bits > shape_.max_prefix) {
      place.node = kNone;
      return place;
    }
    place.agree = agreement(place.node, key);
    if (place.agree != bits || bits == key.prefix) return place;
    place.parent = place.node;
    place.parent_link = place.link;
    place.link = &node(place.node).child[key.bit(bits) ? 1 : 0];
    at_least = bits + 1;
  }
}

// Before the first store into a node that readers may still stand on.
void LpmTrie::announce() {
  header_->reused.store(header_->reused.load(std::memory_order_relaxed) + 1,
                        std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
}

std::uint32_t LpmTrie::take_node() {
  const std::uint32_t fresh = header_->handed_out.load(std::memory_order_relaxed);
  const std::uint32_t index = follow(header_->free);
  if (index == kNone) {
    if (fresh >= shape_.nodes) return kNone;
    header_->handed_out.store(fresh + 1, std::memory_order_relaxed);
    return fresh;
  }
  header_->free.store(node(index).child[0].load(std::memory_order_relaxed),
                      std::memory_order_relaxed);
  announce();
  return index;
}

// Announced as well: below a node that is gone, a reader would miss what is put there meanwhile.
void LpmTrie::free_node(std::uint32_t index) {
  announce();
  node(index).kind.store(unused, std::memory_order_relaxed);
  node(index).child[0].store(header_->free.load(std::memory_order_relaxed),
                             std::memory_order_relaxed);
  header_->free.store(index + 1, std::memory_order_relaxed);
}

void LpmTrie::fill(const Range& range, const Entry& entry) {
  const std::uint64_t packed = entry.pack();
  for (std::uint64_t at = range.begin; at < range.end; ++at)
    if (table_[at].load(std::memory_order_relaxed) != packed)
      table_[at].store(packed, std::memory_order_release);
}

void LpmTrie::refresh(const LpmKey& key) {
  const std::uint32_t bits = std::min(key.prefix, shape_.table_bits);
  const std::uint64_t entries = std::uint64_t{1} << (shape_.table_bits - bits);
  const std::uint64_t begin =
      bits == 0 ? 0 : (key.words[0] >> (64 - bits)) << (shape_.table_bits - bits);
  refresh_below({begin, begin + entries}, follow(header_->root), kNone, 0);
}

void LpmTrie::refresh_below(const Range& range, std::uint32_t index, std::uint32_t best,
                            unsigned depth) {
  if (range.begin >= range.end) return;
  const std::uint32_t bits = index == kNone ? 0 : prefix(index);
  if (index == kNone || bits > shape_.max_prefix || depth > shape_.table_bits)
    return fill(range, {.start = kNone, .best = best});
  const std::uint32_t shown = std::min(bits, shape_.table_bits);
  const std::uint64_t width = std::uint64_t{1} << (shape_.table_bits - shown);
  const std::uint64_t first =
      shown == 0 ? 0 : (word(index, 0) >> (64 - shown)) << (shape_.table_bits - shown);
  const Range inside{std::max(range.begin, first), std::min(range.end, first + width)};
  if (inside.begin >= inside.end) return fill(range, {.start = kNone, .best = best});
  fill({range.begin, inside.begin}, {.start = kNone, .best = best});
  fill({inside.end, range.end}, {.start = kNone, .best = best});
  if (bits >= shape_.table_bits) return fill(inside, {.start = index, .best = best});
  const std::uint64_t middle = std::clamp(first + width / 2, inside.begin, inside.end);
  const std::uint32_t here = is_element(index) ? index : best;
  refresh_below({inside.begin, middle}, follow(node(index).child[0]), here, depth + 1);
  refresh_below({middle, inside.end}, follow(node(index).child[1]), here, depth + 1);
}

void LpmTrie::rebuild() {
  std::vector<bool> used(shape_.nodes);
  std::uint32_t elements = 0;
  // Links still to follow, with the least prefix below them.
  std::vector<std::pair<Link*, std::uint32_t>> open{{&header_->root, 0}};
  while (!open.empty()) {
    const auto [link, at_least] = open.back();
    open.pop_back();
    const std::uint32_t index = follow(*link);
    if (index == kNone || used[index] || prefix(index) < at_least ||
        prefix(index) > shape_.max_prefix) {
      link->store(0, std::memory_order_release);
      continue;
    }
    used[index] = true;
    if (is_element(index)) ++elements;
    open.emplace_back(&node(index).child[0], prefix(index) + 1);
    open.emplace_back(&node(index).child[1], prefix(index) + 1);
  }
  header_->elements.store(elements, std::memory_order_relaxed);
  const std::uint32_t handed_out =
      std::min(header_->handed_out.load(std::memory_order_relaxed), shape_.nodes);
  header_->free.store(0, std::memory_order_relaxed);
  for (std::uint32_t index = handed_out; index-- > 0;)
    if (!used[index]) free_node(index);
  refresh_below({0, std::uint64_t{1} << shape_.table_bits}, follow(header_->root), kNone, 0);
}

}  // namespace skep::maps
