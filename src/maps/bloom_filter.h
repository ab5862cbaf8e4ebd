// SPDX-License-Identifier: Apache-2.0
// BPF_MAP_TYPE_BLOOM_FILTER: remembers values by bits alone; a peek may find what was never pushed,
// never the other way round. No locks: bits are set one by one, and never cleared.
#pragma once

#include "maps/hash_key.h"
#include "maps/map.h"

namespace skep::maps {

class BloomFilterMap final : public Map {
 public:
  explicit BloomFilterMap(const MapInit& init);

  [[nodiscard]] long update(const Caller&, const void* key, const void* value,
                            std::uint64_t flags) override;
  [[nodiscard]] long erase(const Caller&, const void* key) override;
  [[nodiscard]] long push(const Caller&, const void* value, std::uint64_t flags) override;
  [[nodiscard]] long pop(const Caller&, void* value) override;
  // 0 when the value may have been pushed.
  [[nodiscard]] long peek(const Caller&, void* value) override;
  [[nodiscard]] long next_key(const Caller&, const void* key, void* next) override;
  [[nodiscard]] long read(const Caller& caller, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long write(const Caller& caller, const void* key, const void* user_value,
                           std::uint64_t flags) override;

 private:
  // Calls `each` with the word and the bit of each hash while it returns true.
  template <class Each>
  bool for_bits(const void* value, Each each) const;

  std::uint64_t mask_;
  std::uint32_t hashes_;
  std::uint64_t seed_ = 0;
};

[[nodiscard]] long check_bloom_filter(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> bloom_filter_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_bloom_filter(const MapInit& init);

}  // namespace skep::maps
