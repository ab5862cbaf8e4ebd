// SPDX-License-Identifier: Apache-2.0
#include "maps/ring_buffer.h"

#include <cerrno>
#include <cstring>

#include "abi/limits.h"
#include "maps/words.h"

namespace skep::maps {

long check_ring_buffer(MapSpec& spec, unsigned) { return check_ring(spec); }

std::optional<std::uint64_t> ring_buffer_bytes(const MapSpec& spec, unsigned) {
  return ring_bytes(spec);
}

std::unique_ptr<Map> open_ring_buffer(const MapInit& init) {
  auto map = std::make_unique<RingBufferMap>(init);
  return map->ring().mapped() ? std::move(map) : nullptr;
}

void* RingBufferMap::reserve(std::uint64_t bytes, std::uint64_t flags) {
  if (flags != 0 || bytes > abi::RINGBUF_MAX_RECORD_SZ) return nullptr;
  const std::uint64_t length = ring_record_bytes(bytes);
  if (length > ring_.bytes()) return nullptr;
  const std::uint64_t consumed = ring_.consumer().load(std::memory_order_acquire);
  const QuickGuard guard(ring_.control().lock, region_);
  if (!guard.held()) return nullptr;
  const std::uint64_t begin = ring_.producer().load(std::memory_order_relaxed) & ~std::uint64_t{7};
  const std::uint64_t end = begin + length;
  if (end - consumed > ring_.mask()) [[unlikely]] {
    // The consumer may wait at a record whose reserver is dead.
    (void)bury(reclaim(begin));
    return nullptr;
  }
  std::uint64_t pending = reclaim(begin);
  while (end - pending > ring_.mask()) [[unlikely]] {
    if (!bury(pending)) return nullptr;
    pending = reclaim(begin);
  }
  std::byte* place = reinterpret_cast<std::byte*>(&ring_.header(begin));
  const std::uint64_t busy = bytes | abi::BPF_RINGBUF_BUSY_BIT;
  store_relaxed<std::uint64_t>(place, std::uint64_t{region_.word()} << 32 | busy);
  ring_.producer().store(end, std::memory_order_release);
  // The next record's line comes while the program fills this one.
  __builtin_prefetch(place + length, 1);
  return place + abi::BPF_RINGBUF_HDR_SZ;
}

// The first position before `end` whose record is not committed; `end` if all are.
std::uint64_t RingBufferMap::reclaim(std::uint64_t end) const {
  auto& remembered = ring_.control().pending;
  std::uint64_t pending = remembered.load(std::memory_order_relaxed);
  if (end - pending > ring_.bytes() || pending % 8 != 0) pending = end;
  while (pending != end) {
    const std::uint32_t length = ring_.header(pending).length.load(std::memory_order_acquire);
    if ((length & abi::BPF_RINGBUF_BUSY_BIT) != 0) break;
    const std::uint64_t step = ring_record_bytes(length & ~kRingMarks);
    pending = step > end - pending ? end : pending + step;
  }
  remembered.store(pending, std::memory_order_relaxed);
  return pending;
}

bool RingBufferMap::bury(std::uint64_t position) const {
  RingHeader& header = ring_.header(position);
  std::uint32_t length = header.length.load(std::memory_order_acquire);
  if ((length & abi::BPF_RINGBUF_BUSY_BIT) == 0) return false;
  const HolderWord holder = header.holder.load(std::memory_order_relaxed);
  if (holder == region_.word() || region_.lives(holder)) return false;
  const std::uint32_t discarded = (length & ~kRingMarks) | abi::BPF_RINGBUF_DISCARD_BIT;
  return header.length.compare_exchange_strong(length, discarded);
}

void RingBufferMap::commit(void* sample, std::uint64_t flags, std::uint32_t mark) {
  const auto record = ring_.record_of(sample);
  if (!record) return;
  auto& length = ring_.header(*record).length;
  // In one order with the consumer's store of its position and its look at this word after it: one
  // of the two sees what the other did, so no record is left lying without a wake.
  length.exchange((length.load(std::memory_order_relaxed) & ~abi::BPF_RINGBUF_BUSY_BIT) | mark);
  const bool waited_for = (ring_.consumer().load() & ring_.mask()) == *record;
  if ((flags & abi::BPF_RB_FORCE_WAKEUP) == 0 &&
      (!waited_for || (flags & abi::BPF_RB_NO_WAKEUP) != 0))
    return;
  ring_.waking().wake();
  if (on_wake_) on_wake_();
}

long RingBufferMap::output(const void* data, std::uint64_t bytes, std::uint64_t flags) {
  if ((flags & ~(abi::BPF_RB_NO_WAKEUP | abi::BPF_RB_FORCE_WAKEUP)) != 0) return -EINVAL;
  void* sample = reserve(bytes, 0);
  if (sample == nullptr) return -EAGAIN;
  std::memcpy(sample, data, bytes);
  submit(sample, flags);
  return 0;
}

std::uint64_t RingBufferMap::query(std::uint64_t what) const {
  const std::uint64_t consumed = ring_.consumer().load(std::memory_order_acquire);
  const std::uint64_t produced = ring_.producer().load(std::memory_order_acquire);
  switch (what) {
    case abi::BPF_RB_AVAIL_DATA:
      return produced - consumed;
    case abi::BPF_RB_RING_SIZE:
      return ring_.bytes();
    case abi::BPF_RB_CONS_POS:
      return consumed;
    case abi::BPF_RB_PROD_POS:
      return produced;
    default:
      return 0;
  }
}

long RingBufferMap::read(const Caller&, const void*, void*, std::uint64_t) {
  return -abi::ENOTSUPP;
}

long RingBufferMap::pages(std::uint64_t offset, std::uint64_t bytes, bool writable, Pages& out) {
  // A consumer writes its own position and nothing else.
  if (writable && (offset != 0 || bytes != kRingPage)) return -EPERM;
  return ring_.piece(offset, bytes, out);
}

void RingBufferMap::repair() {
  const QuickGuard guard(ring_.control().lock, region_);
  if (!guard.held()) return;
  const std::uint64_t end = ring_.producer().load() & ~std::uint64_t{7};
  std::uint64_t at = reclaim(end);
  while (at != end) {
    (void)bury(at);
    const std::uint64_t step =
        ring_record_bytes(ring_.header(at).length.load(std::memory_order_relaxed) & ~kRingMarks);
    at = step > end - at ? end : at + step;
  }
  ring_.waking().forget_sleepers();
}

}  // namespace skep::maps
