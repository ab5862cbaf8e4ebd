// SPDX-License-Identifier: Apache-2.0
#include "machine/map_object.h"

#include <unistd.h>

#include <cstring>

#include "abi/map_types.h"
#include "machine/machine.h"

namespace skep::machine {

namespace {

// A Region's bytes are anything: kinds that do not exist must not become enumerators.
bool fields_are_sane(const maps::MapSpec& spec) {
  if (spec.fields.end() - spec.fields.begin() > maps::kMaxFields) return false;
  std::uint64_t before = 0;
  for (const maps::Field& field : spec.fields) {
    if (field.offset < before || field.bytes == 0 || field.offset > spec.value_bytes) return false;
    before = std::uint64_t{field.offset} + field.bytes;
    if (before > spec.value_bytes) return false;
  }
  return true;
}

}  // namespace

std::string MapObject::name() const {
  return {record_->name.data(), strnlen(record_->name.data(), kNameBytes)};
}

Result<std::shared_ptr<MapObject>> make_map(Machine& machine, const MapBirth& birth) {
  maps::Region& region = machine.region();
  const Offset block = SKEP_TRY(region.allocate(sizeof(MapRecord)));
  auto* record = region.at<MapRecord>(block);
  SKEP_ASSERT(record != nullptr);
  Offset memory{};
  auto map = maps::create_map(region, machine, birth.spec, memory);
  if (!map) {
    region.free(block);
    return std::unexpected(std::move(map).error());
  }
  record->spec = (*map)->spec();
  record->name = birth.name;
  record->btf_id = birth.btf_id;
  record->btf_key_type = birth.btf_key_type;
  record->btf_value_type = birth.btf_value_type;
  record->numa_node = birth.numa_node;
  record->created_ns = machine.host().now_ns(machine.host().self, Clock::boot);
  record->user_id = getuid();
  record->memory = static_cast<std::uint64_t>(memory);
  const auto view = machine.objects().add(ObjectKind::map, block);
  if (!view) {
    map->reset();
    region.free(memory);
    region.free(block);
    return std::unexpected(view.error());
  }
  region.publish(memory);
  auto object = std::make_shared<MapObject>(machine.objects(), *view, record, std::move(*map));
  machine.remember(object);
  return object;
}

std::shared_ptr<MapObject> open_map(Machine& machine, const ObjectView& view) {
  auto* record = machine.region().at<MapRecord>(view.block);
  if (record == nullptr) return nullptr;
  maps::MapSpec spec{};
  std::memcpy(static_cast<void*>(&spec), &record->spec, sizeof(spec));
  if (!fields_are_sane(spec)) return nullptr;
  auto map = maps::open_map(machine.region(), machine, spec, Offset{record->memory.load()});
  if (!map) return nullptr;
  return std::make_shared<MapObject>(machine.objects(), view, record, std::move(*map));
}

void bury_map(Machine& machine, const ObjectView& view) {
  maps::Region& region = machine.region();
  auto* record = region.at<MapRecord>(view.block);
  if (record == nullptr) return;
  const Offset memory{record->memory.load()};
  maps::MapSpec spec{};
  std::memcpy(static_cast<void*>(&spec), &record->spec, sizeof(spec));
  if (fields_are_sane(spec)) {
    // What elements hold must be given back, and only a view knows where that is.
    if (auto map = maps::open_map(region, machine, spec, memory); map) {
      const maps::Cpu cpu(region);
      if (cpu.held()) (*map)->clear({.cpu = cpu.number()});
    }
  }
  if (record->btf_id != 0) machine.objects().disuse(ObjectKind::btf, record->btf_id);
  if (spec.inner_map != 0) machine.objects().disuse(ObjectKind::map, spec.inner_map);
  region.free(memory);
  region.free(view.block);
}

}  // namespace skep::machine
