// SPDX-License-Identifier: Apache-2.0
#include "tests/support/map_side.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "abi/bpf_attr.h"
#include "abi/commands.h"
#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/cpus.h"
#include "maps/test_world.h"
#include "maps/words.h"

namespace skep::test {

namespace {

using maps::Batch;
using maps::MapSpec;

long bpf(std::uint32_t command, abi::bpf_attr& attributes) {
  const long status = ::syscall(SYS_bpf, command, &attributes, sizeof(attributes));
  return status < 0 ? -errno : status;
}

std::uint64_t address_of(const void* place) { return reinterpret_cast<std::uint64_t>(place); }

// Types whose elements bpf(2) takes and deletes at once.
bool can_take(std::uint32_t type) {
  switch (type) {
    case abi::BPF_MAP_TYPE_QUEUE:
    case abi::BPF_MAP_TYPE_STACK:
    case abi::BPF_MAP_TYPE_HASH:
    case abi::BPF_MAP_TYPE_PERCPU_HASH:
    case abi::BPF_MAP_TYPE_LRU_HASH:
    case abi::BPF_MAP_TYPE_LRU_PERCPU_HASH:
      return true;
    default:
      return false;
  }
}

bool is_queue(std::uint32_t type) {
  return type == abi::BPF_MAP_TYPE_QUEUE || type == abi::BPF_MAP_TYPE_STACK;
}

constexpr std::uint32_t command_of(BatchKind kind) {
  switch (kind) {
    case BatchKind::read:
      return abi::BPF_MAP_LOOKUP_BATCH;
    case BatchKind::take:
      return abi::BPF_MAP_LOOKUP_AND_DELETE_BATCH;
    case BatchKind::write:
      return abi::BPF_MAP_UPDATE_BATCH;
    default:
      return abi::BPF_MAP_DELETE_BATCH;
  }
}

}  // namespace

bool is_percpu(std::uint32_t type) {
  return type == abi::BPF_MAP_TYPE_PERCPU_ARRAY || type == abi::BPF_MAP_TYPE_PERCPU_HASH ||
         type == abi::BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

std::uint64_t user_value_bytes(const MapSpec& spec, unsigned cpus) {
  return is_percpu(spec.type) ? maps::round8(spec.value_bytes) * cpus : spec.value_bytes;
}

long LinuxSide::create(const MapSpec& spec) {
  map_.reset();
  abi::bpf_attr attributes{};
  attributes.map_type = spec.type;
  attributes.key_size = spec.key_bytes;
  attributes.value_size = spec.value_bytes;
  attributes.max_entries = spec.max_entries;
  attributes.map_flags = spec.flags;
  attributes.map_extra = spec.extra;
  Fd inner;
  if (spec.type == abi::BPF_MAP_TYPE_ARRAY_OF_MAPS || spec.type == abi::BPF_MAP_TYPE_HASH_OF_MAPS) {
    abi::bpf_attr like{};
    like.map_type = abi::BPF_MAP_TYPE_ARRAY;
    like.key_size = like.value_size = 4;
    like.max_entries = 1;
    inner = Fd(static_cast<int>(bpf(abi::BPF_MAP_CREATE, like)));
    attributes.inner_map_fd = static_cast<std::uint32_t>(inner.get());
  }
  const long fd = bpf(abi::BPF_MAP_CREATE, attributes);
  if (fd < 0) return fd;
  map_ = Fd(static_cast<int>(fd));
  return 0;
}

namespace {

abi::bpf_attr element(const Fd& map, const void* key, const void* value, std::uint64_t flags) {
  abi::bpf_attr attributes{};
  attributes.map_fd = static_cast<std::uint32_t>(map.get());
  attributes.key = address_of(key);
  attributes.value = address_of(value);
  attributes.flags = flags;
  return attributes;
}

}  // namespace

long LinuxSide::read(const void* key, void* value, std::uint64_t flags) {
  abi::bpf_attr attributes = element(map_, key, value, flags);
  return bpf(abi::BPF_MAP_LOOKUP_ELEM, attributes);
}

long LinuxSide::write(const void* key, const void* value, std::uint64_t flags) {
  abi::bpf_attr attributes = element(map_, key, value, flags);
  return bpf(abi::BPF_MAP_UPDATE_ELEM, attributes);
}

long LinuxSide::remove(const void* key) {
  abi::bpf_attr attributes = element(map_, key, nullptr, 0);
  return bpf(abi::BPF_MAP_DELETE_ELEM, attributes);
}

long LinuxSide::take(const void* key, void* value, std::uint64_t flags) {
  abi::bpf_attr attributes = element(map_, key, value, flags);
  return bpf(abi::BPF_MAP_LOOKUP_AND_DELETE_ELEM, attributes);
}

long LinuxSide::next_key(const void* key, void* next) {
  abi::bpf_attr attributes = element(map_, key, next, 0);
  return bpf(abi::BPF_MAP_GET_NEXT_KEY, attributes);
}

long LinuxSide::batch(BatchKind kind, Batch& batch) {
  abi::bpf_attr attributes{};
  attributes.batch.in_batch = address_of(batch.from);
  attributes.batch.out_batch = address_of(batch.next);
  attributes.batch.keys = address_of(batch.keys);
  attributes.batch.values = address_of(batch.values);
  attributes.batch.count = batch.count;
  attributes.batch.map_fd = static_cast<std::uint32_t>(map_.get());
  attributes.batch.elem_flags = batch.element_flags;
  const long status = bpf(command_of(kind), attributes);
  batch.count = attributes.batch.count;
  return status;
}

DirectSide::DirectSide(unsigned cpus)
    : region_(maps::Region::create({.cpus = cpus}).value()),
      world_(std::make_unique<maps::TestWorld>()) {}

DirectSide::~DirectSide() { drop(); }

void DirectSide::drop() {
  if (map_ == nullptr) return;
  map_->clear({});
  map_.reset();
  region_->free(block_);
}

long DirectSide::create(const MapSpec& spec) {
  drop();
  const bool has_extra =
      spec.type == abi::BPF_MAP_TYPE_BLOOM_FILTER || spec.type == abi::BPF_MAP_TYPE_ARENA;
  constexpr std::uint32_t kBoth = abi::BPF_F_RDONLY | abi::BPF_F_WRONLY;
  if (spec.type >= abi::__MAX_BPF_MAP_TYPE || (spec.extra != 0 && !has_extra) ||
      (spec.flags & kBoth) == kBoth)
    return -EINVAL;
  auto map = maps::create_map(*region_, *world_, spec, block_);
  if (!map) return map.error().sys == 0 ? -EIO : -map.error().sys;
  map_ = *std::move(map);
  return 0;
}

bool DirectSide::may_lock(std::uint64_t flags) const {
  return (flags & abi::BPF_F_LOCK) == 0 ||
         map_->spec().fields.find(maps::FieldKind::spin_lock) != nullptr;
}

long DirectSide::read(const void* key, void* value, std::uint64_t flags) {
  if ((flags & ~std::uint64_t{abi::BPF_F_LOCK}) != 0 || !may_lock(flags)) return -EINVAL;
  const maps::Cpu cpu(*region_);
  return map_->read({cpu.number()}, key, value, flags);
}

long DirectSide::write(const void* key, const void* value, std::uint64_t flags) {
  if (!may_lock(flags)) return -EINVAL;
  const maps::Cpu cpu(*region_);
  return map_->write({cpu.number()}, key, value, flags);
}

long DirectSide::remove(const void* key) {
  const maps::Cpu cpu(*region_);
  return map_->remove({cpu.number()}, key);
}

long DirectSide::take(const void* key, void* value, std::uint64_t flags) {
  if ((flags & ~std::uint64_t{abi::BPF_F_LOCK}) != 0 || !may_lock(flags)) return -EINVAL;
  if (flags != 0 && is_queue(map_->spec().type)) return -EINVAL;
  if (!can_take(map_->spec().type)) return -abi::ENOTSUPP;
  const maps::Cpu cpu(*region_);
  return map_->take({cpu.number()}, key, value, flags);
}

long DirectSide::next_key(const void* key, void* next) {
  const maps::Cpu cpu(*region_);
  return map_->next_key({cpu.number()}, key, next);
}

long DirectSide::batch(BatchKind kind, Batch& batch) {
  if (!map_->type().has_batches) return -abi::ENOTSUPP;
  const maps::Cpu cpu(*region_);
  const maps::Caller caller{cpu.number()};
  const std::uint64_t flags = batch.element_flags;
  // A type that does not know the kind says so before the flags are looked at.
  if ((flags & ~std::uint64_t{abi::BPF_F_LOCK}) != 0 || !may_lock(flags) || batch.count == 0) {
    Batch nothing{.count = 0};
    const long known = kind == BatchKind::remove ? map_->remove_batch(caller, nothing)
                       : kind == BatchKind::take ? map_->read_batch(caller, nothing, true)
                                                 : 0;
    return known == -abi::ENOTSUPP ? known : batch.count == 0 && flags == 0 ? 0 : -EINVAL;
  }
  switch (kind) {
    case BatchKind::read:
      return map_->read_batch(caller, batch, false);
    case BatchKind::take:
      return map_->read_batch(caller, batch, true);
    case BatchKind::write:
      return map_->write_batch(caller, batch);
    default:
      return map_->remove_batch(caller, batch);
  }
}

}  // namespace skep::test
