// SPDX-License-Identifier: Apache-2.0
// BPF_MAP_TYPE_HASH_OF_MAPS: a hash whose values are ids of maps; bpf(2) gives descriptors, a
// program that looks up gets the Map.
#pragma once

#include "maps/hash.h"

namespace skep::maps {

class HashOfMaps final : public HashMap {
 public:
  explicit HashOfMaps(const MapInit& init) : HashMap(init) { values_hold_things_ = true; }

  [[nodiscard]] void* lookup(const Caller& caller, const void* key) override;
  [[nodiscard]] long update(const Caller&, const void* key, const void* value,
                            std::uint64_t flags) override;
  [[nodiscard]] long for_each(const Caller&, const Visitor& visitor, std::uint64_t flags) override;
  [[nodiscard]] long write(const Caller& caller, const void* key, const void* user_value,
                           std::uint64_t flags) override;
  [[nodiscard]] long take(const Caller&, const void* key, void* user_value,
                          std::uint64_t flags) override;

 protected:
  void value_goes(std::uint32_t node) override;
};

[[nodiscard]] long check_hash_of_maps(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> hash_of_maps_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_hash_of_maps(const MapInit& init);

}  // namespace skep::maps
