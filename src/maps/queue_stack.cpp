// SPDX-License-Identifier: Apache-2.0
#include "maps/queue_stack.h"

#include <cerrno>
#include <cstring>

#include "abi/map_types.h"
#include "maps/value_limits.h"
#include "maps/words.h"

namespace skep::maps {

namespace {

constexpr std::uint64_t kHeaderBytes = 64;

}  // namespace

long check_queue(MapSpec& spec, unsigned) {
  if (spec.max_entries == 0 || spec.value_bytes == 0 || spec.key_bytes != 0) return -EINVAL;
  if (!flags_known(spec.flags, abi::BPF_F_NUMA_NODE | kAccessFlags)) return -EINVAL;
  return spec.value_bytes > kMaxAllocation ? -E2BIG : 0;
}

std::optional<std::uint64_t> queue_bytes(const MapSpec& spec, unsigned) {
  return kHeaderBytes + (std::uint64_t{spec.max_entries} + 1) * round8(spec.value_bytes);
}

std::unique_ptr<Map> open_queue(const MapInit& init) {
  return std::make_unique<QueueStackMap>(init, QueueStackMap::Order::first_in_first_out);
}

long check_stack(MapSpec& spec, unsigned cpus) { return check_queue(spec, cpus); }

std::optional<std::uint64_t> stack_bytes(const MapSpec& spec, unsigned cpus) {
  return queue_bytes(spec, cpus);
}

std::unique_ptr<Map> open_stack(const MapInit& init) {
  return std::make_unique<QueueStackMap>(init, QueueStackMap::Order::last_in_first_out);
}

std::uint32_t QueueStackMap::load(const std::atomic<std::uint32_t>& index) const {
  const std::uint32_t value = index.load(std::memory_order_relaxed);
  return value < slots() ? value : 0;
}

std::uint32_t QueueStackMap::after(std::uint32_t index) const {
  return index == spec_.max_entries ? 0 : index + 1;
}

std::uint32_t QueueStackMap::before(std::uint32_t index) const {
  return index == 0 ? spec_.max_entries : index - 1;
}

std::byte* QueueStackMap::slot(std::uint32_t index) const {
  return memory_ + kHeaderBytes + std::uint64_t{index} * value_stride_;
}

long QueueStackMap::push(const Caller&, const void* value, std::uint64_t flags) {
  if (flags > abi::BPF_EXIST || (flags & abi::BPF_NOEXIST) != 0) return -EINVAL;
  const QuickGuard guard(header().lock, region_);
  if (!guard.held()) return -EBUSY;
  const std::uint32_t head = load(header().head);
  const std::uint32_t next = after(head);
  if (const std::uint32_t tail = load(header().tail); next == tail) {
    if (flags != abi::BPF_EXIST) return -E2BIG;
    header().tail.store(after(tail), std::memory_order_relaxed);
  }
  store_words(slot(head), value, spec_.value_bytes);
  header().head.store(next, std::memory_order_release);
  return 0;
}

long QueueStackMap::get(void* value, bool remove) {
  const QuickGuard guard(header().lock, region_);
  if (!guard.held()) return -EBUSY;
  const std::uint32_t head = load(header().head);
  const std::uint32_t tail = load(header().tail);
  if (head == tail) {
    std::memset(value, 0, spec_.value_bytes);
    return -ENOENT;
  }
  const bool oldest = order_ == Order::first_in_first_out;
  const std::uint32_t index = oldest ? tail : before(head);
  load_words(value, slot(index), spec_.value_bytes);
  if (!remove) return 0;
  if (oldest)
    header().tail.store(after(tail), std::memory_order_release);
  else
    header().head.store(index, std::memory_order_release);
  return 0;
}

long QueueStackMap::pop(const Caller&, void* value) { return get(value, true); }
long QueueStackMap::peek(const Caller&, void* value) { return get(value, false); }

long QueueStackMap::update(const Caller&, const void*, const void*, std::uint64_t) {
  return -EINVAL;
}
long QueueStackMap::erase(const Caller&, const void*) { return -EINVAL; }
long QueueStackMap::next_key(const Caller&, const void*, void*) { return -EINVAL; }

long QueueStackMap::read(const Caller& caller, const void*, void* user_value, std::uint64_t) {
  return peek(caller, user_value);
}

long QueueStackMap::write(const Caller& caller, const void*, const void* user_value,
                          std::uint64_t flags) {
  return push(caller, user_value, flags);
}

long QueueStackMap::take(const Caller& caller, const void*, void* user_value, std::uint64_t) {
  return pop(caller, user_value);
}

}  // namespace skep::maps
