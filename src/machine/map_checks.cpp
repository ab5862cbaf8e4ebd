// SPDX-License-Identifier: Apache-2.0
#include "machine/map_checks.h"

#include <algorithm>
#include <cerrno>

#include "abi/map_types.h"
#include "btf/map_types.h"
#include "machine/btf_object.h"
#include "machine/machine.h"
#include "machine/program.h"
#include "maps/fd_array.h"

namespace skep::machine {

namespace {

bool is_map_of_maps(std::uint32_t type) {
  return type == abi::BPF_MAP_TYPE_ARRAY_OF_MAPS || type == abi::BPF_MAP_TYPE_HASH_OF_MAPS;
}

bool same_fields(const maps::Fields& a, const maps::Fields& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const maps::Field& x, const maps::Field& y) {
                      return x.kind == y.kind && x.offset == y.offset && x.bytes == y.bytes;
                    });
}

}  // namespace

long check_map(Machine& machine, maps::MapSpec& spec) {
  const maps::MapType* type = maps::find_map_type(spec.type);
  if (type == nullptr) return -EINVAL;
  if (type->open == nullptr) return -EOPNOTSUPP;
  return type->check(spec, machine.region().cpus());
}

long find_inner_map(Machine& machine, std::uint32_t fd, maps::MapSpec& spec) {
  if (!is_map_of_maps(spec.type)) return 0;
  std::shared_ptr<const File> file;
  std::shared_ptr<MapObject> inner;
  if (const long status = object_of(machine, static_cast<int>(fd), file, inner); status != 0)
    return status;
  if (is_map_of_maps(inner->map().spec().type)) return -EINVAL;
  const std::uint32_t type = inner->map().spec().type;
  if (type == abi::BPF_MAP_TYPE_PROG_ARRAY || type == abi::BPF_MAP_TYPE_STRUCT_OPS)
    return -abi::ENOTSUPP;
  if (!machine.objects().use(ObjectKind::map, inner->id())) return -ENOENT;
  spec.inner_map = inner->id();
  return 0;
}

long find_map_btf(Machine& machine, const abi::bpf_attr& attr, MapBirth& birth) {
  if (attr.btf_vmlinux_value_type_id != 0) return -EINVAL;
  if (attr.btf_key_type_id == 0 && attr.btf_value_type_id == 0) return 0;
  std::shared_ptr<const File> file;
  std::shared_ptr<BtfObject> object;
  if (const long status = object_of(machine, static_cast<int>(attr.btf_fd), file, object);
      status != 0)
    return status;
  const auto fields = btf::check_map_types(object->types(), {},
                                           {.type = static_cast<abi::bpf_map_type>(attr.map_type),
                                            .flags = birth.spec.flags,
                                            .key_bytes = birth.spec.key_bytes,
                                            .value_bytes = birth.spec.value_bytes,
                                            .max_entries = birth.spec.max_entries,
                                            .key = btf::TypeId{attr.btf_key_type_id},
                                            .value = btf::TypeId{attr.btf_value_type_id}});
  if (!fields) return -fields.error().sys;
  for (const btf::Field& field : *fields)
    if (!birth.spec.fields.add({field.kind, field.offset, field.size})) return -E2BIG;
  birth.btf_key_type = attr.btf_key_type_id;
  birth.btf_value_type = attr.btf_value_type_id;
  if (!machine.objects().use(ObjectKind::btf, object->id())) return -ENOENT;
  birth.btf_id = object->id();
  return 0;
}

void drop_references(Machine& machine, const MapBirth& birth) {
  if (birth.btf_id != 0) machine.objects().disuse(ObjectKind::btf, birth.btf_id);
  if (birth.spec.inner_map != 0) machine.objects().disuse(ObjectKind::map, birth.spec.inner_map);
}

// kernel: bpf_map_meta_equal, with array_map_meta_equal's exception
long check_inner_map(Machine& machine, const maps::MapSpec& outer, const maps::MapSpec& inner) {
  const auto model = machine.map_object(outer.inner_map);
  if (model == nullptr) return -EINVAL;
  const maps::MapSpec& like = model->map().spec();
  const bool any_length = (like.flags & abi::BPF_F_INNER_MAP) != 0;
  const bool same = like.type == inner.type && like.key_bytes == inner.key_bytes &&
                    like.value_bytes == inner.value_bytes && like.flags == inner.flags &&
                    same_fields(like.fields, inner.fields);
  const bool counts = like.type == abi::BPF_MAP_TYPE_ARRAY && !any_length;
  return same && (!counts || like.max_entries == inner.max_entries) ? 0 : -EINVAL;
}

// kernel: bpf_prog_map_compatible, as far as the programs that are there tell
long check_tail_target(Machine& machine, const maps::Map& array, const Program& program) {
  // Device and CPU maps hold programs too, each for itself.
  if (array.spec().type != abi::BPF_MAP_TYPE_PROG_ARRAY) return 0;
  const auto& slots = static_cast<const maps::FdArrayMap&>(array);
  for (std::uint32_t index = 0; index < array.spec().max_entries; ++index) {
    const std::uint32_t id = slots.id_at(index);
    const auto there = id == 0 ? nullptr : machine.program(id);
    if (there != nullptr) return program.is_like(*there) ? 0 : -EINVAL;
  }
  return 0;
}

}  // namespace skep::machine
