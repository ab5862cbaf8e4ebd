// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <vector>

#include "abi/map_types.h"
#include "machine/bpf.h"
#include "machine/btf_object.h"
#include "machine/map_checks.h"
#include "machine/map_object.h"
#include "machine/names.h"
#include "machine/user_memory.h"

namespace skep::machine {

namespace {

using maps::MapSpec;

constexpr std::uint32_t kAccess = abi::BPF_F_RDONLY | abi::BPF_F_WRONLY;
constexpr std::size_t kDigestBytes = 32;

// A map that a command is about, with the CPU slot that the command holds meanwhile.
struct Target {
  std::shared_ptr<const File> file;
  std::shared_ptr<MapObject> object;

  [[nodiscard]] long open(const Call& call, std::uint32_t fd) {
    return object_of(call.machine, static_cast<int>(fd), file, object);
  }
  [[nodiscard]] maps::Map& map() const { return object->map(); }
  [[nodiscard]] const MapSpec& spec() const { return object->map().spec(); }
  [[nodiscard]] bool readable() const { return file->readable; }
  [[nodiscard]] bool writable() const {
    return file->writable && object->record().frozen.load() == 0;
  }
  // BPF_F_LOCK asks for a lock in the value.
  [[nodiscard]] bool lockable(std::uint64_t flags) const {
    return (flags & abi::BPF_F_LOCK) == 0 ||
           spec().fields.find(maps::FieldKind::spin_lock) != nullptr;
  }
};

// A key of the caller: 0 or a negative errno.
long read_key(std::vector<std::byte>& key, std::uint64_t user, const MapSpec& spec) {
  if (spec.key_bytes == 0) return user != 0 ? -EINVAL : 0;
  key.resize(spec.key_bytes);
  return copy_from_user(key.data(), user, key.size());
}

const void* key_or_null(const std::vector<std::byte>& key) {
  return key.empty() ? nullptr : key.data();
}

template <class Operation>
long on_cpu(Machine& machine, Operation operation) {
  const maps::Cpu cpu(machine.region());
  if (!cpu.held()) return -EBUSY;
  return operation(maps::Caller{.cpu = cpu.number()});
}

bool is_local_storage(std::uint32_t type) {
  return type == abi::BPF_MAP_TYPE_SK_STORAGE || type == abi::BPF_MAP_TYPE_TASK_STORAGE ||
         type == abi::BPF_MAP_TYPE_INODE_STORAGE || type == abi::BPF_MAP_TYPE_CGRP_STORAGE;
}

// What can be said before the type is asked. kernel: map_create, in its order
long check_create(const abi::bpf_attr& attr) {
  if (attr.btf_vmlinux_value_type_id != 0) {
    if (attr.map_type != abi::BPF_MAP_TYPE_STRUCT_OPS || attr.btf_key_type_id != 0 ||
        attr.btf_value_type_id != 0)
      return -EINVAL;
  } else if (attr.btf_key_type_id != 0 && attr.btf_value_type_id == 0) {
    return -EINVAL;
  }
  const bool has_extra =
      attr.map_type == abi::BPF_MAP_TYPE_BLOOM_FILTER || attr.map_type == abi::BPF_MAP_TYPE_ARENA;
  if (!has_extra && attr.map_extra != 0) return -EINVAL;
  if ((attr.map_flags & kAccess) == kAccess) return -EINVAL;
  // The machine's memory is one node.
  const bool on_node = (attr.map_flags & abi::BPF_F_NUMA_NODE) != 0;
  return on_node && attr.numa_node != 0 ? -EINVAL : 0;
}

// What the type does not look at.
long check_created(const abi::bpf_attr& attr) {
  const bool typed = attr.btf_key_type_id != 0 && attr.btf_value_type_id != 0;
  if (is_local_storage(attr.map_type) && !typed) return -EINVAL;
  // There are no devices to offload to, and no tokens.
  const bool offloaded =
      attr.map_type == abi::BPF_MAP_TYPE_HASH || attr.map_type == abi::BPF_MAP_TYPE_ARRAY;
  if (attr.map_ifindex != 0) return offloaded ? -EOPNOTSUPP : -EINVAL;
  return (attr.map_flags & abi::BPF_F_TOKEN_FD) != 0 ? bad_descriptor(attr.map_token_fd) : 0;
}

// A map of one program alone is more than the machine has: better refused than shared.
long check_exclusive(const abi::bpf_attr& attr) {
  std::array<std::byte, kDigestBytes> digest;
  if (attr.excl_prog_hash == 0) return attr.excl_prog_hash_size != 0 ? -EINVAL : 0;
  if (attr.excl_prog_hash_size != digest.size()) return -EINVAL;
  const long status = copy_from_user(digest.data(), attr.excl_prog_hash, digest.size());
  return status != 0 ? status : -EOPNOTSUPP;
}

}  // namespace

long map_create(const Call& call) {
  const abi::bpf_attr& attr = call.attr;
  Machine& machine = call.machine;
  if (const long status = check_create(attr); status != 0) return status;
  MapBirth birth;
  birth.spec = {.type = attr.map_type,
                .key_bytes = attr.key_size,
                .value_bytes = attr.value_size,
                .max_entries = attr.max_entries,
                .flags = attr.map_flags & ~std::uint32_t{abi::BPF_F_TOKEN_FD},
                .extra = attr.map_extra};
  birth.numa_node = attr.numa_node;
  if (const long status = check_map(machine, birth.spec); status != 0) return status;
  if (const long status = check_created(attr); status != 0) return status;
  // How this descriptor may be used is no property of the map.
  birth.spec.flags &= ~kAccess;
  long status = find_inner_map(machine, attr.inner_map_fd, birth.spec);
  if (status == 0) status = copy_object_name(birth.name, attr.map_name);
  if (status == 0) status = find_map_btf(machine, attr, birth);
  if (status == 0) status = check_exclusive(attr);
  auto object = status == 0 ? make_map(machine, birth)
                            : std::unexpected(Error{.sys = static_cast<int>(-status), .what = {}});
  if (!object) {
    drop_references(machine, birth);
    return -object.error().sys;
  }
  return machine.files().add({.object = std::move(*object),
                              .source = nullptr,
                              .readable = (attr.map_flags & abi::BPF_F_WRONLY) == 0,
                              .writable = (attr.map_flags & abi::BPF_F_RDONLY) == 0});
}

long map_lookup(const Call& call) {
  const abi::bpf_attr& attr = call.attr;
  if ((attr.flags & ~std::uint64_t{abi::BPF_F_LOCK}) != 0) return -EINVAL;
  Target target;
  if (const long status = target.open(call, attr.map_fd); status != 0) return status;
  if (!target.readable()) return -EPERM;
  if (!target.lockable(attr.flags)) return -EINVAL;
  std::vector<std::byte> key;
  if (const long status = read_key(key, attr.key, target.spec()); status != 0) return status;
  std::vector<std::byte> value(target.map().user_value_bytes());
  // A bloom filter is asked about a value, and has no keys.
  if (target.spec().type == abi::BPF_MAP_TYPE_BLOOM_FILTER &&
      copy_from_user(value.data(), attr.value, value.size()) != 0)
    return -EFAULT;
  const long status = on_cpu(call.machine, [&](const maps::Caller& caller) {
    return target.map().read(caller, key_or_null(key), value.data(), attr.flags);
  });
  return status != 0 ? status : copy_to_user(attr.value, value.data(), value.size());
}

long map_update(const Call& call) {
  const abi::bpf_attr& attr = call.attr;
  Target target;
  if (const long status = target.open(call, attr.map_fd); status != 0) return status;
  if (!target.writable()) return -EPERM;
  if (!target.lockable(attr.flags)) return -EINVAL;
  std::vector<std::byte> key;
  if (const long status = read_key(key, attr.key, target.spec()); status != 0) return status;
  std::vector<std::byte> value(target.map().user_value_bytes());
  if (const long status = copy_from_user(value.data(), attr.value, value.size()); status != 0)
    return status;
  return on_cpu(call.machine, [&](const maps::Caller& caller) {
    return target.map().write(caller, key_or_null(key), value.data(), attr.flags);
  });
}

long map_delete(const Call& call) {
  Target target;
  if (const long status = target.open(call, call.attr.map_fd); status != 0) return status;
  if (!target.writable()) return -EPERM;
  std::vector<std::byte> key;
  if (const long status = read_key(key, call.attr.key, target.spec()); status != 0) return status;
  return on_cpu(call.machine, [&](const maps::Caller& caller) {
    return target.map().remove(caller, key_or_null(key));
  });
}

long map_next_key(const Call& call) {
  const abi::bpf_attr& attr = call.attr;
  Target target;
  if (const long status = target.open(call, attr.map_fd); status != 0) return status;
  if (!target.readable()) return -EPERM;
  std::vector<std::byte> key;
  if (attr.key != 0)
    if (const long status = read_key(key, attr.key, target.spec()); status != 0) return status;
  std::vector<std::byte> next(target.spec().key_bytes);
  const long status = on_cpu(call.machine, [&](const maps::Caller& caller) {
    return target.map().next_key(caller, key_or_null(key), next.data());
  });
  return status != 0 ? status : copy_to_user(attr.next_key, next.data(), next.size());
}

long map_take(const Call& call) {
  const abi::bpf_attr& attr = call.attr;
  if ((attr.flags & ~std::uint64_t{abi::BPF_F_LOCK}) != 0) return -EINVAL;
  Target target;
  if (const long status = target.open(call, attr.map_fd); status != 0) return status;
  if (!target.readable() || !target.writable()) return -EPERM;
  const bool queue = target.spec().type == abi::BPF_MAP_TYPE_QUEUE ||
                     target.spec().type == abi::BPF_MAP_TYPE_STACK;
  if (attr.flags != 0 && queue) return -EINVAL;
  if (!target.lockable(attr.flags)) return -EINVAL;
  std::vector<std::byte> key;
  if (const long status = read_key(key, attr.key, target.spec()); status != 0) return status;
  std::vector<std::byte> value(target.map().user_value_bytes());
  const long status = on_cpu(call.machine, [&](const maps::Caller& caller) {
    return target.map().take(caller, key_or_null(key), value.data(), attr.flags);
  });
  return status != 0 ? status : copy_to_user(attr.value, value.data(), value.size());
}

long map_freeze(const Call& call) {
  Target target;
  if (const long status = target.open(call, call.attr.map_fd); status != 0) return status;
  if (target.spec().type == abi::BPF_MAP_TYPE_STRUCT_OPS || !target.spec().fields.empty())
    return -abi::ENOTSUPP;
  if (!target.writable()) return -EPERM;
  MapRecord& record = target.object->record();
  if (record.writable_mappings.load() != 0) return -EBUSY;
  if (const long status = target.map().freeze(); status != 0) return status;
  std::uint32_t thawed = 0;
  return record.frozen.compare_exchange_strong(thawed, 1) ? 0 : -EBUSY;
}

}  // namespace skep::machine
