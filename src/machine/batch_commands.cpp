// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <vector>

#include "abi/map_types.h"
#include "machine/bpf.h"
#include "machine/map_object.h"
#include "machine/user_memory.h"

namespace skep::machine {

namespace {

using maps::Batch;

enum class Kind : std::uint8_t { lookup, take, update, erase };

// So many elements of the caller are held at a time when he brings them.
constexpr std::uint32_t kChunk = 1024;

struct Request {
  const Call& call;
  const abi::bpf_attr_batch& attr;
  std::shared_ptr<const File> file;
  std::shared_ptr<MapObject> object;

  [[nodiscard]] maps::Map& map() const { return object->map(); }
  [[nodiscard]] long report(std::uint32_t count) const {
    return call.write_back(offsetof(abi::bpf_attr, batch.count), count);
  }
};

bool knows(maps::Map& map, Kind kind) {
  if (!map.type().has_batches) return false;
  Batch nothing{.count = 0};
  if (kind == Kind::take) return map.read_batch({}, nothing, true) != -abi::ENOTSUPP;
  if (kind == Kind::erase) return map.remove_batch({}, nothing) != -abi::ENOTSUPP;
  return true;
}

// Their cursor is a bucket, which is told even when nothing was found.
bool walks_buckets(const maps::Map& map) {
  switch (map.spec().type) {
    case abi::BPF_MAP_TYPE_HASH:
    case abi::BPF_MAP_TYPE_PERCPU_HASH:
    case abi::BPF_MAP_TYPE_LRU_HASH:
    case abi::BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case abi::BPF_MAP_TYPE_HASH_OF_MAPS:
      return true;
    default:
      return false;
  }
}

long check(const Request& request, Kind kind) {
  const bool reads = kind == Kind::lookup || kind == Kind::take;
  const bool writes = kind != Kind::lookup;
  if (reads && !request.file->readable) return -EPERM;
  if (writes && (!request.file->writable || request.object->record().frozen.load() != 0))
    return -EPERM;
  if (!knows(request.map(), kind)) return -abi::ENOTSUPP;
  const std::uint64_t flags = request.attr.elem_flags;
  if ((flags & ~std::uint64_t{abi::BPF_F_LOCK}) != 0) return -EINVAL;
  const auto& fields = request.map().spec().fields;
  if (flags != 0 && fields.find(maps::FieldKind::spin_lock) == nullptr) return -EINVAL;
  // Nobody else looks at them.
  return reads && walks_buckets(request.map()) && request.attr.flags != 0 ? -EINVAL : 0;
}

long read_out(const Request& request, bool remove) {
  maps::Map& map = request.map();
  const std::size_t key_bytes = map.spec().key_bytes;
  const std::size_t value_bytes = map.user_value_bytes();
  // No map gives more elements than it may hold; who asks for one more learns that there is none.
  const auto room = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(request.attr.count, std::uint64_t{map.spec().max_entries} + 1));
  std::vector<std::byte> keys(room * key_bytes);
  std::vector<std::byte> values(room * value_bytes);
  std::vector<std::byte> from(map.cursor_bytes());
  std::vector<std::byte> next(map.cursor_bytes());
  if (const long status = request.report(0); status != 0) return status;
  const bool begins = request.attr.in_batch == 0;
  if (!begins && copy_from_user(from.data(), request.attr.in_batch, from.size()) != 0)
    return -EFAULT;
  Batch batch{.from = begins ? nullptr : from.data(),
              .next = next.data(),
              .keys = keys.data(),
              .values = values.data(),
              .count = room,
              .element_flags = request.attr.elem_flags};
  const maps::Cpu cpu(map.region());
  if (!cpu.held()) return -EBUSY;
  const long status = map.read_batch({.cpu = cpu.number()}, batch, remove);
  if (copy_to_user(request.attr.keys, keys.data(), batch.count * key_bytes) != 0 ||
      copy_to_user(request.attr.values, values.data(), batch.count * value_bytes) != 0)
    return -EFAULT;
  const bool buckets = walks_buckets(map);
  if (!buckets && request.report(batch.count) != 0) return -EFAULT;
  const bool tells = buckets ? status != -EFAULT : batch.count != 0;
  if (tells && copy_to_user(request.attr.out_batch, next.data(), next.size()) != 0) return -EFAULT;
  return buckets && request.report(batch.count) != 0 ? -EFAULT : status;
}

long bring_in(const Request& request, Kind kind) {
  maps::Map& map = request.map();
  const std::size_t key_bytes = map.spec().key_bytes;
  const std::size_t value_bytes = kind == Kind::update ? map.user_value_bytes() : 0;
  std::vector<std::byte> keys(kChunk * key_bytes);
  std::vector<std::byte> values(kChunk * value_bytes);
  std::uint32_t done = 0;
  std::uint32_t chunk = kChunk;
  long status = 0;
  while (status == 0 && done < request.attr.count) {
    const std::uint32_t count = std::min(chunk, request.attr.count - done);
    if (copy_from_user(keys.data(), request.attr.keys + done * key_bytes, count * key_bytes) != 0 ||
        copy_from_user(values.data(), request.attr.values + done * value_bytes,
                       count * value_bytes) != 0) {
      // Those in front of the bad place count.
      if (count == 1) status = -EFAULT;
      chunk = 1;
      continue;
    }
    Batch batch{.keys = keys.data(),
                .values = values.data(),
                .count = count,
                .element_flags = request.attr.elem_flags};
    const maps::Cpu cpu(map.region());
    if (!cpu.held()) return -EBUSY;
    const maps::Caller caller{.cpu = cpu.number()};
    status =
        kind == Kind::update ? map.write_batch(caller, batch) : map.remove_batch(caller, batch);
    done += batch.count;
  }
  const long reported = request.report(done);
  return reported != 0 ? reported : status;
}

long run(const Call& call, Kind kind) {
  Request request{.call = call, .attr = call.attr.batch, .file = nullptr, .object = nullptr};
  if (const long status = object_of(call.machine, static_cast<int>(request.attr.map_fd),
                                    request.file, request.object);
      status != 0)
    return status;
  if (const long status = check(request, kind); status != 0) return status;
  if (request.attr.count == 0) return 0;
  return kind == Kind::lookup || kind == Kind::take ? read_out(request, kind == Kind::take)
                                                    : bring_in(request, kind);
}

}  // namespace

long map_lookup_batch(const Call& call) { return run(call, Kind::lookup); }
long map_take_batch(const Call& call) { return run(call, Kind::take); }
long map_update_batch(const Call& call) { return run(call, Kind::update); }
long map_delete_batch(const Call& call) { return run(call, Kind::erase); }

}  // namespace skep::machine
