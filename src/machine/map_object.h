// SPDX-License-Identifier: Apache-2.0
// A map as an object of the machine: its record in the Region, and this process's view of it.
#pragma once

#include "machine/files.h"
#include "maps/map.h"

namespace skep::machine {

class Machine;

inline constexpr unsigned kNameBytes = 16;

// As it stands in the Region, where others may change it: what matters is remembered when opened.
struct MapRecord {
  maps::MapSpec spec;
  std::array<char, kNameBytes> name;
  std::uint32_t btf_id;
  std::uint32_t btf_key_type;
  std::uint32_t btf_value_type;
  std::uint32_t numa_node;
  std::uint64_t created_ns;
  std::uint32_t user_id;
  std::atomic<std::uint32_t> frozen;
  std::atomic<std::uint32_t> writable_mappings;
  std::atomic<std::uint64_t> memory;  // the map's own block
};

class MapObject final : public Object {
 public:
  MapObject(ObjectTable& table, const ObjectView& view, MapRecord* record,
            std::unique_ptr<maps::Map> map)
      : Object(table, view), record_(record), map_(std::move(map)) {}

  [[nodiscard]] maps::Map& map() const { return *map_; }
  [[nodiscard]] MapRecord& record() const { return *record_; }
  [[nodiscard]] std::string name() const;

 private:
  MapRecord* record_;
  std::unique_ptr<maps::Map> map_;
};

// A map by what BPF_MAP_CREATE said, checked by the caller; its BTF fields are in the spec.
struct MapBirth {
  maps::MapSpec spec{};
  std::array<char, kNameBytes> name{};
  std::uint32_t btf_id = 0;
  std::uint32_t btf_key_type = 0;
  std::uint32_t btf_value_type = 0;
  std::uint32_t numa_node = 0;
};
[[nodiscard]] Result<std::shared_ptr<MapObject>> make_map(Machine& machine, const MapBirth& birth);

// This process's view of a map that stands in the Region; null when its record is damaged.
[[nodiscard]] std::shared_ptr<MapObject> open_map(Machine& machine, const ObjectView& view);
// Nobody needs it any more.
void bury_map(Machine& machine, const ObjectView& view);

}  // namespace skep::machine
