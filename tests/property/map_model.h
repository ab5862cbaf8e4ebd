// SPDX-License-Identifier: Apache-2.0
// What maps mean, as simply as it can be said: vectors and std::map, one element after the other.
// Shares no code with src/maps. Specs are taken as good.
#pragma once

#include <map>

#include "base/hex.h"
#include "tests/support/map_side.h"

namespace skep::test {

class MapModel final : public MapSide {
 public:
  [[nodiscard]] long create(const maps::MapSpec& spec) override;
  [[nodiscard]] long read(const void* key, void* value, std::uint64_t flags) override;
  [[nodiscard]] long write(const void* key, const void* value, std::uint64_t flags) override;
  [[nodiscard]] long remove(const void* key) override;
  [[nodiscard]] long take(const void* key, void* value, std::uint64_t flags) override;
  [[nodiscard]] long next_key(const void* key, void* next) override;
  [[nodiscard]] long batch(BatchKind kind, maps::Batch& batch) override;
  explicit MapModel(unsigned cpus) : cpus_(cpus) {}

  [[nodiscard]] std::size_t size() const { return elements_.size(); }

 private:
  enum class Kind : std::uint8_t { array, hash, trie, queue, stack, bloom };

  [[nodiscard]] Bytes key_of(const void* key) const;
  [[nodiscard]] Bytes value_of(const void* value) const;
  [[nodiscard]] Bytes prefix_of(const Bytes& key) const;
  [[nodiscard]] Bytes place_of(const void* key) const;
  [[nodiscard]] const Bytes* find(const void* key) const;
  [[nodiscard]] const Bytes* longest_match(const Bytes& key) const;
  [[nodiscard]] long write_array(const Bytes& key, const Bytes& value, std::uint64_t flags);
  [[nodiscard]] long write_element(const Bytes& key, const Bytes& value, std::uint64_t flags);
  [[nodiscard]] long push(const Bytes& value, std::uint64_t flags);
  [[nodiscard]] long next_index(const void* key, void* next) const;
  [[nodiscard]] long read_batch(maps::Batch& batch, bool take);
  [[nodiscard]] long each_key(BatchKind kind, maps::Batch& batch);

  maps::MapSpec spec_;
  unsigned cpus_;
  Kind kind_ = Kind::array;
  std::uint64_t value_bytes_ = 0;
  std::map<Bytes, Bytes> elements_;  // arrays: those ever written, the others are zeros
  std::map<Bytes, Bytes> written_;   // of a trie: keys as they came, by their prefixes
  std::vector<Bytes> line_;          // of a queue or stack, the oldest first
};

}  // namespace skep::test
