// SPDX-License-Identifier: Apache-2.0
#include "btf/map_types.h"

#include <algorithm>
#include <span>

#include "btf/fields.h"
#include "btf/refuse.h"

namespace skep::btf {

using namespace abi;

namespace {

// What a map type asks of its key's type.
enum class KeyRule : std::uint8_t {
  none_at_all,  // the map cannot have BTF
  any,          // of the key's size, not void
  void_or_any,  // no type, or one of the key's size
  void_only,    // the map has no keys
  u32,          // a 32-bit integer
  array_index,  // that, or none for the one value of a section
  prefix,       // a struct
  cgroup,       // a 64-bit integer, or one and a 32-bit one
};

KeyRule key_rule(bpf_map_type type) {
  switch (type) {
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      return KeyRule::array_index;
    case BPF_MAP_TYPE_LPM_TRIE:
      return KeyRule::prefix;
    case BPF_MAP_TYPE_CGROUP_STORAGE:
    case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
      return KeyRule::cgroup;
    case BPF_MAP_TYPE_SK_STORAGE:
    case BPF_MAP_TYPE_INODE_STORAGE:
    case BPF_MAP_TYPE_TASK_STORAGE:
    case BPF_MAP_TYPE_CGRP_STORAGE:
      return KeyRule::u32;
    case BPF_MAP_TYPE_BLOOM_FILTER:
      return KeyRule::void_only;
    case BPF_MAP_TYPE_ARENA:
      return KeyRule::void_or_any;
    case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
    case BPF_MAP_TYPE_STACK_TRACE:
    case BPF_MAP_TYPE_CGROUP_ARRAY:
    case BPF_MAP_TYPE_ARRAY_OF_MAPS:
    case BPF_MAP_TYPE_HASH_OF_MAPS:
    case BPF_MAP_TYPE_DEVMAP:
    case BPF_MAP_TYPE_DEVMAP_HASH:
    case BPF_MAP_TYPE_SOCKMAP:
    case BPF_MAP_TYPE_SOCKHASH:
    case BPF_MAP_TYPE_CPUMAP:
    case BPF_MAP_TYPE_XSKMAP:
      return KeyRule::none_at_all;
    default:
      return KeyRule::any;
  }
}

bool is_int_of(const Type& type, std::uint32_t bits) {
  return type.kind == BTF_KIND_INT && BTF_INT_BITS(type.int_word()) == bits &&
         BTF_INT_OFFSET(type.int_word()) == 0;
}

bool is_int_member(const Btf& btf, const Type& key, std::uint32_t at, std::uint32_t offset_bytes,
                   std::uint32_t bytes) {
  const Member member = member_of(key, at);
  const auto found = btf.sized(member.type);
  return found && member.bits == 0 && member.bit_offset == offset_bytes * 8 &&
         is_int_of(btf.type(found->id), bytes * 8);
}

bool is_cgroup_key(const Btf& btf, const Type& key, std::uint32_t key_bytes) {
  constexpr std::uint32_t kIdBytes = 8;
  if (key_bytes == kIdBytes) return is_int_of(key, kIdBytes * 8);
  return key.kind == BTF_KIND_STRUCT && key.vlen == 2 && is_int_member(btf, key, 0, 0, kIdBytes) &&
         is_int_member(btf, key, 1, kIdBytes, 4);
}

bool is_section_value(const MapTypes& map, const Type& value) {
  return map.type == BPF_MAP_TYPE_ARRAY && map.max_entries == 1 && value.kind == BTF_KIND_DATASEC;
}

Status check_key(const Btf& btf, const MapTypes& map, TypeId key_id, TypeId value_id) {
  const Type key = btf.type(key_id);
  bool is_right = true;
  switch (key_rule(map.type)) {
    case KeyRule::none_at_all:
      return refuse(ENOTSUPP, "{} cannot have BTF", find_map_type(map.type)->name);
    case KeyRule::any:
    case KeyRule::void_or_any:
      break;
    case KeyRule::void_only:
      is_right = key_id == kVoid;
      break;
    case KeyRule::u32:
      is_right = is_int_of(key, 32);
      break;
    case KeyRule::array_index:
      is_right = key_id == kVoid ? is_section_value(map, btf.type(value_id)) : is_int_of(key, 32);
      break;
    case KeyRule::prefix:
      is_right = key.kind == BTF_KIND_STRUCT;
      break;
    case KeyRule::cgroup:
      is_right = is_cgroup_key(btf, key, map.key_bytes);
      break;
  }
  if (is_right) return {};
  return refuse(EINVAL, "{} cannot have keys of {}", find_map_type(map.type)->name,
                btf.describe(key_id));
}

Result<TypeId> check_size(const Btf& btf, TypeId id, std::uint32_t bytes, std::string_view what) {
  const auto found = btf.sized(id);
  if (!found) return refuse(EINVAL, "{}: {} has no size", what, btf.describe(id));
  if (found->bytes != bytes)
    return refuse(EINVAL, "{}: {} has {} bytes, the map's have {}", what, btf.describe(id),
                  found->bytes, bytes);
  return found->id;
}

bool may_have(bpf_map_type type, FieldKind kind) {
  static constexpr bpf_map_type kLockMaps[] = {
      BPF_MAP_TYPE_HASH,        BPF_MAP_TYPE_ARRAY,         BPF_MAP_TYPE_CGROUP_STORAGE,
      BPF_MAP_TYPE_SK_STORAGE,  BPF_MAP_TYPE_INODE_STORAGE, BPF_MAP_TYPE_TASK_STORAGE,
      BPF_MAP_TYPE_CGRP_STORAGE};
  static constexpr bpf_map_type kPlainMaps[] = {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH,
                                                BPF_MAP_TYPE_ARRAY};
  static constexpr bpf_map_type kKptrMaps[] = {
      BPF_MAP_TYPE_HASH,         BPF_MAP_TYPE_PERCPU_HASH,
      BPF_MAP_TYPE_LRU_HASH,     BPF_MAP_TYPE_LRU_PERCPU_HASH,
      BPF_MAP_TYPE_ARRAY,        BPF_MAP_TYPE_PERCPU_ARRAY,
      BPF_MAP_TYPE_SK_STORAGE,   BPF_MAP_TYPE_INODE_STORAGE,
      BPF_MAP_TYPE_TASK_STORAGE, BPF_MAP_TYPE_CGRP_STORAGE};
  const auto is_in = [type](std::span<const bpf_map_type> maps) {
    return std::ranges::find(maps, type) != maps.end();
  };
  switch (kind) {
    case FieldKind::spin_lock:
    case FieldKind::res_spin_lock:
      return is_in(kLockMaps);
    case FieldKind::timer:
    case FieldKind::workqueue:
    case FieldKind::task_work:
    case FieldKind::list_head:
    case FieldKind::rb_root:
      return is_in(kPlainMaps);
    case FieldKind::kptr_untrusted:
    case FieldKind::kptr:
    case FieldKind::kptr_percpu:
    case FieldKind::refcount:
      return is_in(kKptrMaps);
    case FieldKind::uptr:
      return type == BPF_MAP_TYPE_TASK_STORAGE;
    case FieldKind::list_node:
    case FieldKind::rb_node:
      return false;
  }
  return false;
}

}  // namespace

Status check_map_fields(bpf_map_type type, std::uint32_t flags, const Fields& fields) {
  if (fields.empty()) return {};
  if ((flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)) != 0)
    return refuse(EACCES, "{} in a map that programs may not both read and write",
                  field_kind_name(fields.front().kind));
  for (const Field& field : fields)
    if (!may_have(type, field.kind))
      return refuse(EOPNOTSUPP, "{} cannot have a {} in its values", find_map_type(type)->name,
                    field_kind_name(field.kind));
  return {};
}

Result<Fields> check_map_types(const Btf& btf, const KernelTypes& kernel, const MapTypes& map) {
  if (find_map_type(map.type) == nullptr) return refuse(EINVAL, "unknown map type");
  TypeId key = kVoid;
  if (map.key != kVoid) {
    key = SKEP_TRY(check_size(btf, map.key, map.key_bytes, "key"));
  } else if (key_rule(map.type) == KeyRule::any) {
    return refuse(EINVAL, "{} without a type for its keys", find_map_type(map.type)->name);
  }
  const TypeId value = SKEP_TRY(check_size(btf, map.value, map.value_bytes, "value"));
  auto found = find_value_fields(btf, kernel, value, map.value_bytes);
  Fields fields = found ? *std::move(found) : Fields();
  SKEP_TRY(check_map_fields(map.type, map.flags, fields));
  SKEP_TRY(check_ownership(btf, fields));
  SKEP_TRY(check_key(btf, map, key, value));
  return fields;
}

}  // namespace skep::btf
