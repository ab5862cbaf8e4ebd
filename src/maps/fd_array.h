// SPDX-License-Identifier: Apache-2.0
// Arrays of objects: bpf(2) puts descriptors in and reads ids out. BPF_MAP_TYPE_PROG_ARRAY serves
// tail calls, BPF_MAP_TYPE_ARRAY_OF_MAPS lookups of maps. A slot holds an id, 0 for none; the World
// holds the references, and treats ids that come back from here as any id from the Region.
#pragma once

#include <atomic>

#include "maps/map.h"

namespace skep::maps {

class FdArrayMap : public Map {
 public:
  FdArrayMap(const MapInit& init, ObjectKind kind) : Map(init), kind_(kind) {}

  // The id in that slot; 0 when there is none, or no such slot.
  [[nodiscard]] std::uint32_t id_at(std::uint32_t index) const {
    return index < spec_.max_entries ? slot(index).load(std::memory_order_acquire) : 0;
  }

  [[nodiscard]] long read(const Caller& caller, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long write(const Caller& caller, const void* key, const void* user_value,
                           std::uint64_t flags) override;
  [[nodiscard]] long remove(const Caller& caller, const void* key) override;
  [[nodiscard]] long next_key(const Caller& caller, const void* key, void* next) override;
  void clear(const Caller& caller) override;

 private:
  [[nodiscard]] std::atomic<std::uint32_t>& slot(std::uint32_t index) const {
    return reinterpret_cast<std::atomic<std::uint32_t>*>(memory_)[index];
  }

  const ObjectKind kind_;
};

// A program that looks up gets the Map.
class ArrayOfMaps final : public FdArrayMap {
 public:
  explicit ArrayOfMaps(const MapInit& init) : FdArrayMap(init, ObjectKind::map) {}
  [[nodiscard]] void* lookup(const Caller& caller, const void* key) override;
};

// What BPF_MAP_CREATE asks of all arrays of descriptors; `known_flags` beside those of each.
[[nodiscard]] long check_fd_array(const MapSpec& spec, std::uint32_t known_flags);
// The key that follows in an array of so many entries.
[[nodiscard]] long next_index(const void* key, void* next, std::uint32_t entries);
[[nodiscard]] std::uint32_t index_in(const void* key);

[[nodiscard]] long check_prog_array(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> prog_array_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_prog_array(const MapInit& init);

[[nodiscard]] long check_array_of_maps(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> array_of_maps_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_array_of_maps(const MapInit& init);

}  // namespace skep::maps
