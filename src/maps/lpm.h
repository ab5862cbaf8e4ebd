// SPDX-License-Identifier: Apache-2.0
// The map that finds the longest prefix: keys are a length in bits and data in network order.
// Lookups take no lock; changes take the map's one.
#pragma once

#include "maps/lpm_trie.h"

namespace skep::maps {

class LpmMap final : public Map {
 public:
  explicit LpmMap(const MapInit& init);

  [[nodiscard]] void* lookup(const Caller& caller, const void* key) override;
  [[nodiscard]] long update(const Caller& caller, const void* key, const void* value,
                            std::uint64_t flags) override;
  [[nodiscard]] long erase(const Caller& caller, const void* key) override;
  [[nodiscard]] long read(const Caller& caller, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long next_key(const Caller& caller, const void* key, void* next) override;
  void repair() override;

 private:
  using Place = LpmTrie::Place;

  // Holds the map's lock, and has made whole what a dead holder left.
  class Change {
   public:
    explicit Change(LpmMap& map) : guard_(map.trie_.header().lock, map.region_) {
      if (guard_.taken() == Taken::repair) map.trie_.rebuild();
    }
    [[nodiscard]] bool busy() const { return guard_.busy(); }

   private:
    Guard guard_;
  };

  [[nodiscard]] std::uint32_t find(const void* key);
  void fill(std::uint32_t index, const LpmKey& key, std::uint32_t prefix, LpmTrie::Kind kind);
  [[nodiscard]] bool put(const Place& place, const LpmKey& key, std::uint32_t index);
  void unlink(const Place& place, const LpmKey& key);
  [[nodiscard]] std::uint32_t leftmost(std::uint32_t below) const;
  [[nodiscard]] std::uint32_t following(const LpmKey& key) const;

  LpmTrie trie_;
};

[[nodiscard]] long check_lpm(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> lpm_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_lpm(const MapInit& init);

}  // namespace skep::maps
