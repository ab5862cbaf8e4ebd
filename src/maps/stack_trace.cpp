// SPDX-License-Identifier: Apache-2.0
#include "maps/stack_trace.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <vector>

#include "abi/helper_flags.h"
#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/fd_array.h"
#include "maps/hash_key.h"

namespace skep::maps {

namespace {

constexpr std::uint64_t kHeaderBytes = 64;
constexpr std::uint32_t kMaxEntries = 1U << 31;

bool with_build_ids(const MapSpec& spec) { return (spec.flags & abi::BPF_F_STACK_BUILD_ID) != 0; }

std::uint32_t frame_bytes(const MapSpec& spec) {
  return with_build_ids(spec) ? sizeof(abi::bpf_stack_build_id) : sizeof(std::uint64_t);
}

std::uint64_t bucket_bytes(const MapSpec& spec) { return 16 + std::uint64_t{spec.value_bytes}; }

}  // namespace

long check_stack_trace(MapSpec& spec, unsigned) {
  const std::uint32_t known =
      abi::BPF_F_NUMA_NODE | abi::BPF_F_RDONLY | abi::BPF_F_WRONLY | abi::BPF_F_STACK_BUILD_ID;
  if ((spec.flags & ~known) != 0) return -EINVAL;
  if (spec.max_entries == 0 || spec.key_bytes != 4 || spec.value_bytes == 0) return -EINVAL;
  if (spec.value_bytes % frame_bytes(spec) != 0) return -EINVAL;
  if (spec.value_bytes / frame_bytes(spec) > abi::PERF_MAX_STACK_DEPTH) return -EINVAL;
  return spec.max_entries > kMaxEntries ? -E2BIG : 0;
}

std::optional<std::uint64_t> stack_trace_bytes(const MapSpec& spec, unsigned) {
  return kHeaderBytes + std::bit_ceil(spec.max_entries) * bucket_bytes(spec);
}

std::unique_ptr<Map> open_stack_trace(const MapInit& init) {
  return std::make_unique<StackTraceMap>(init);
}

StackTraceMap::StackTraceMap(const MapInit& init)
    : Map(init), buckets_(std::bit_ceil(spec_.max_entries)), frame_bytes_(frame_bytes(spec_)) {}

std::byte* StackTraceMap::at(std::uint32_t id) const {
  return memory_ + kHeaderBytes + id * bucket_bytes(spec_);
}

long StackTraceMap::put(std::span<const std::uint64_t> addresses, std::uint64_t flags) {
  constexpr std::uint64_t kKnown = abi::BPF_F_SKIP_FIELD_MASK | abi::BPF_F_USER_STACK |
                                   abi::BPF_F_FAST_STACK_CMP | abi::BPF_F_REUSE_STACKID;
  if ((flags & ~kKnown) != 0) return -EINVAL;
  const std::size_t skip = flags & abi::BPF_F_SKIP_FIELD_MASK;
  if (addresses.size() <= skip) return -EFAULT;
  addresses = addresses.subspan(skip);
  addresses =
      addresses.first(std::min<std::size_t>(addresses.size(), spec_.value_bytes / frame_bytes_));
  const auto frames = static_cast<std::uint32_t>(addresses.size());
  const std::span<const std::byte> bytes = std::as_bytes(addresses);
  const std::uint32_t hash =
      BytesKey(bytes.data(), static_cast<std::uint32_t>(bytes.size())).tag({}) & ~kLive;
  if (!with_build_ids(spec_)) return store(hash, bytes, frames, flags);
  std::vector<abi::bpf_stack_build_id> ids;
  for (const std::uint64_t address : addresses) {
    abi::bpf_stack_build_id id{.status = abi::BPF_STACK_BUILD_ID_IP, .build_id = {}, .ip = address};
    if (find_build_id_) id = find_build_id_(address);
    ids.push_back(id);
  }
  return store(hash, std::as_bytes(std::span(ids)), frames, flags);
}

long StackTraceMap::store(std::uint32_t hash, std::span<const std::byte> bytes,
                          std::uint32_t frames, std::uint64_t flags) {
  const std::uint32_t id = hash & (buckets_ - 1);
  Bucket& place = bucket(id);
  const auto same_hash = [&] {
    return full(id) && place.hash.load(std::memory_order_relaxed) == hash;
  };
  if ((flags & abi::BPF_F_FAST_STACK_CMP) != 0 && same_hash()) return id;
  const QuickGuard guard(place.lock, region_);
  if (!guard.held()) return -EBUSY;
  if (same_hash() && place.frames.load(std::memory_order_relaxed) == frames &&
      equal_words(data(id), bytes.data(), bytes.size()))
    return id;
  const bool taken = full(id);
  if (taken && (flags & abi::BPF_F_REUSE_STACKID) == 0) return -EEXIST;
  // The new stack and the old one exist at once on Linux.
  if (used().load(std::memory_order_relaxed) >= spec_.max_entries) return -ENOMEM;
  if (!taken) used().fetch_add(1, std::memory_order_relaxed);
  place.frames.store(0, std::memory_order_relaxed);
  store_words(data(id), bytes.data(), bytes.size());
  place.hash.store(hash, std::memory_order_relaxed);
  place.frames.store(frames, std::memory_order_release);
  return id;
}

void StackTraceMap::drop(std::uint32_t id) {
  bucket(id).frames.store(0, std::memory_order_release);
  std::uint32_t count = used().load(std::memory_order_relaxed);
  while (count != 0 && !used().compare_exchange_weak(count, count - 1)) {
  }
}

long StackTraceMap::copy(const void* key, void* user_value, bool remove) {
  const std::uint32_t id = index_in(key);
  if (id >= buckets_ || !full(id)) return -ENOENT;
  const QuickGuard guard(bucket(id).lock, region_);
  if (!guard.held()) return -EBUSY;
  const std::uint64_t wanted =
      std::uint64_t{bucket(id).frames.load(std::memory_order_acquire)} * frame_bytes_;
  if (wanted == 0) return -ENOENT;
  const std::uint64_t bytes = std::min<std::uint64_t>(wanted, spec_.value_bytes);
  std::memset(user_value, 0, spec_.value_bytes);
  load_words(user_value, data(id), bytes);
  if (remove) drop(id);
  return 0;
}

long StackTraceMap::read(const Caller&, const void* key, void* user_value, std::uint64_t) {
  return copy(key, user_value, false);
}

long StackTraceMap::take(const Caller&, const void* key, void* user_value, std::uint64_t) {
  return copy(key, user_value, true);
}

long StackTraceMap::update(const Caller&, const void*, const void*, std::uint64_t) {
  return -EINVAL;
}

long StackTraceMap::erase(const Caller&, const void* key) {
  const std::uint32_t id = index_in(key);
  if (id >= buckets_) return -E2BIG;
  const QuickGuard guard(bucket(id).lock, region_);
  if (!guard.held()) return -EBUSY;
  if (!full(id)) return -ENOENT;
  drop(id);
  return 0;
}

long StackTraceMap::next_key(const Caller&, const void* key, void* next) {
  std::uint32_t id = 0;
  if (key != nullptr) {
    const std::uint32_t before = index_in(key);
    id = before < buckets_ && full(before) ? before + 1 : 0;
  }
  while (id < buckets_ && !full(id)) ++id;
  if (id >= buckets_) return -ENOENT;
  std::memcpy(next, &id, sizeof(id));
  return 0;
}

// Who was killed between a stack and its count.
void StackTraceMap::repair() {
  std::uint32_t count = 0;
  for (std::uint32_t id = 0; id < buckets_; ++id) count += full(id) ? 1 : 0;
  used().store(count, std::memory_order_relaxed);
}

}  // namespace skep::maps
