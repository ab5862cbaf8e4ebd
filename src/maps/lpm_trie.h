// SPDX-License-Identifier: Apache-2.0
// The memory of an LPM trie: path-compressed, so that a node is a prefix that was put in or a place
// where two of them part, and a table over the first bits of the data that leads past the upper
// levels. Views a map's block and owns nothing. Readers take no lock; the one who holds the map's
// lock changes the trie by single stores. A node that is used again is announced before it is
// written, and a reader who sees that it may have stood on one begins again.
#pragma once

#include <atomic>
#include <optional>

#include "maps/map.h"
#include "maps/words.h"

namespace skep::maps {

struct LpmGeometry {
  std::uint32_t capacity;
  std::uint32_t nodes;
  std::uint32_t data_bytes;
  std::uint32_t data_stride;
  std::uint32_t max_prefix;
  std::uint32_t table_bits;
  std::uint64_t node_stride;
  std::uint64_t nodes_at;
  std::uint64_t bytes;
};

[[nodiscard]] std::optional<LpmGeometry> lpm_geometry(const MapSpec& spec);

inline constexpr std::uint32_t kLpmDataWords = 32;

// A key with its data padded by zeros to whole words, in host order for comparing.
struct LpmKey {
  LpmKey(const void* key, const LpmGeometry& shape);
  [[nodiscard]] bool bit(std::uint32_t at) const {
    return (words[at / 64] >> (63 - at % 64) & 1) != 0;
  }
  std::uint32_t prefix;
  std::uint64_t words[kLpmDataWords];
};

class LpmTrie {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  enum Kind : std::uint32_t { unused, element, fork };

  struct Node {
    std::atomic<std::uint32_t> child[2];  // number of the node plus one; 0 for none
    std::atomic<std::uint32_t> prefix;
    std::atomic<std::uint32_t> kind;
  };
  struct Header {
    Lock lock;  // of everything but lookups
    std::atomic<std::uint32_t> root;
    std::atomic<std::uint32_t> elements;
    std::atomic<std::uint32_t> handed_out;
    std::atomic<std::uint32_t> free;  // through child[0]
    std::atomic<std::uint32_t> reused;
  };
  using Link = std::atomic<std::uint32_t>;
  // Where a key is or would be: how the node there agrees with it, and the link above that.
  struct Place {
    Link* link;
    Link* parent_link;  // null at the root
    std::uint32_t parent;
    std::uint32_t node;
    std::uint32_t agree;  // bits
  };

  LpmTrie(const LpmGeometry& geometry, std::byte* memory)
      : shape_(geometry),
        header_(reinterpret_cast<Header*>(memory)),
        table_(reinterpret_cast<std::atomic<std::uint64_t>*>(memory + kTableAt)),
        nodes_(memory + geometry.nodes_at) {}

  [[nodiscard]] const LpmGeometry& shape() const { return shape_; }
  [[nodiscard]] Header& header() const { return *header_; }
  [[nodiscard]] Node& node(std::uint32_t index) const {
    return *reinterpret_cast<Node*>(nodes_ + index * shape_.node_stride);
  }
  [[nodiscard]] std::byte* data(std::uint32_t index) const {
    return nodes_ + index * shape_.node_stride + sizeof(Node);
  }
  [[nodiscard]] std::byte* value(std::uint32_t index) const {
    return data(index) + shape_.data_stride;
  }
  [[nodiscard]] std::uint32_t follow(const Link& link) const {
    const std::uint32_t index = link.load(std::memory_order_acquire) - 1;
    return index < shape_.nodes ? index : kNone;
  }
  [[nodiscard]] std::uint32_t prefix(std::uint32_t index) const {
    return node(index).prefix.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool is_element(std::uint32_t index) const {
    return node(index).kind.load(std::memory_order_relaxed) == element;
  }

  [[nodiscard]] unsigned bit(std::uint32_t index, std::uint32_t at) const {
    return word(index, at / 64) >> (63 - at % 64) & 1;
  }
  [[nodiscard]] bool agrees(std::uint32_t index, const LpmKey& key) const {
    return agreement(index, key) == prefix(index);
  }

  // Without a lock: the element with the longest prefix of the key, or kNone. Nothing when others
  // changed too much meanwhile.
  [[nodiscard]] std::optional<std::uint32_t> longest(const void* key, std::uint32_t prefix) const;

  // All that follows: under the lock.
  [[nodiscard]] Place locate(const LpmKey& key) const;
  // A node without content, or kNone.
  [[nodiscard]] std::uint32_t take_node();
  void free_node(std::uint32_t index);
  // Leads lookups of all data that begin with this prefix to where they belong now.
  void refresh(const LpmKey& key);
  // Counts, frees and leads anew from what can be reached.
  void rebuild();

  static constexpr std::uint64_t kTableAt = 64;

 private:
  static constexpr int kTries = 16;
  static constexpr std::uint32_t kMostTableBits = 16;
  friend std::optional<LpmGeometry> lpm_geometry(const MapSpec& spec);

  struct Range {
    std::uint64_t begin;
    std::uint64_t end;
  };
  // Where lookups of a table entry begin, and the best element above: numbers plus one.
  struct Entry {
    std::uint32_t start = kNone;
    std::uint32_t best = kNone;
    [[nodiscard]] std::uint64_t pack() const { return std::uint64_t{start + 1} << 32 | (best + 1); }
  };

  template <bool OneWord>
  [[nodiscard]] std::uint32_t descend(const std::uint64_t* words, std::uint32_t prefix_bits) const;
  template <bool OneWord>
  [[nodiscard]] bool covers(std::uint32_t index, std::uint32_t bits,
                            const std::uint64_t* words) const;
  [[nodiscard]] std::uint64_t word(std::uint32_t index, std::uint32_t at) const {
    return __builtin_bswap64(load_relaxed<std::uint64_t>(data(index) + std::size_t{at} * 8));
  }
  [[nodiscard]] std::uint32_t agreement(std::uint32_t index, const LpmKey& key) const;
  void announce();
  void fill(const Range& range, const Entry& entry);
  void refresh_below(const Range& range, std::uint32_t index, std::uint32_t best, unsigned depth);

  LpmGeometry shape_;
  Header* header_;
  std::atomic<std::uint64_t>* table_;
  std::byte* nodes_;
};

}  // namespace skep::maps
