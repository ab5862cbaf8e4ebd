// SPDX-License-Identifier: Apache-2.0
#include "maps/user_ring_buffer.h"

#include <cerrno>

#include "abi/limits.h"

namespace skep::maps {

namespace {

// A dynptr keeps its size in 24 bits.
constexpr std::uint32_t kMaxDynptrBytes = (1U << 24) - 1;

}  // namespace

long check_user_ring_buffer(MapSpec& spec, unsigned) { return check_ring(spec); }

std::optional<std::uint64_t> user_ring_buffer_bytes(const MapSpec& spec, unsigned) {
  return ring_bytes(spec);
}

std::unique_ptr<Map> open_user_ring_buffer(const MapInit& init) {
  auto map = std::make_unique<UserRingBufferMap>(init);
  return map->ring().mapped() ? std::move(map) : nullptr;
}

// 0 and the sample that comes next; -ENODATA for none yet, -EAGAIN after a discarded one.
long UserRingBufferMap::next_sample(Sample& sample) const {
  const std::uint64_t end = ring_.producer().load(std::memory_order_acquire);
  if (end % abi::kRingbufAlignment != 0) return -EINVAL;
  const std::uint64_t at = ring_.consumer().load(std::memory_order_acquire);
  if (at >= end) return -ENODATA;
  const std::uint32_t length = ring_.header(at).length.load(std::memory_order_acquire);
  const std::uint32_t bytes = length & ~kRingMarks;
  const std::uint64_t step = ring_record_bytes(bytes);
  if (step > end - at) return -EINVAL;
  if (step > ring_.bytes() || bytes > kMaxDynptrBytes) return -E2BIG;
  if ((length & abi::BPF_RINGBUF_DISCARD_BIT) != 0) {
    ring_.consumer().store(at + step, std::memory_order_release);
    return -EAGAIN;
  }
  if ((length & abi::BPF_RINGBUF_BUSY_BIT) != 0) return -ENODATA;
  sample = {reinterpret_cast<std::byte*>(&ring_.header(at) + 1), bytes};
  return 0;
}

// `samples` counts the discarded ones too, since room came of them as well.
long UserRingBufferMap::visit_samples(const SampleVisitor& visitor, std::uint32_t& samples) const {
  std::uint32_t discarded = 0;
  long stop = 0;
  for (; samples < abi::BPF_MAX_USER_RINGBUF_SAMPLES && stop == 0; ++samples) {
    Sample sample;
    const long status = next_sample(sample);
    if (status == -ENODATA) break;
    if (status == -EAGAIN) {
      ++discarded;
      continue;
    }
    if (status != 0) return status;
    stop = visitor.visit(visitor.self, sample.data, sample.bytes);
    ring_.consumer().fetch_add(ring_record_bytes(sample.bytes));
  }
  return static_cast<long>(samples) - discarded;
}

// Not waited for, except that a dead process's drain has to be noticed.
bool UserRingBufferMap::begin_drain() {
  Lock& lock = ring_.control().drain;
  if (lock.try_take(region_)) return true;
  if (region_.lives(lock.holder())) return false;
  return lock.take_within(region_, std::chrono::milliseconds{5}) != Taken::busy;
}

long UserRingBufferMap::drain(const SampleVisitor& visitor, std::uint64_t flags) {
  if ((flags & ~(abi::BPF_RB_NO_WAKEUP | abi::BPF_RB_FORCE_WAKEUP)) != 0) return -EINVAL;
  if (!begin_drain()) return -EBUSY;
  std::uint32_t samples = 0;
  const long result = visit_samples(visitor, samples);
  ring_.control().drain.release();
  const bool wakes = samples > 0 && (flags & abi::BPF_RB_NO_WAKEUP) == 0;
  if (wakes || (flags & abi::BPF_RB_FORCE_WAKEUP) != 0) {
    ring_.waking().wake();
    if (on_wake_) on_wake_();
  }
  return result;
}

bool UserRingBufferMap::writable() const {
  const std::uint64_t consumed = ring_.consumer().load(std::memory_order_acquire);
  return ring_.producer().load(std::memory_order_acquire) - consumed < ring_.bytes();
}

long UserRingBufferMap::read(const Caller&, const void*, void*, std::uint64_t) {
  return -abi::ENOTSUPP;
}

long UserRingBufferMap::pages(std::uint64_t offset, std::uint64_t bytes, bool writable,
                              Pages& out) {
  // The consumer's position is the program's side.
  if (writable && offset == 0) return -EPERM;
  return ring_.piece(offset, bytes, out);
}

long UserRingWriter::reserve(std::uint64_t bytes, void*& sample) {
  sample = nullptr;
  const Ring& ring = map_.ring();
  if (bytes > abi::RINGBUF_MAX_RECORD_SZ) return -E2BIG;
  const std::uint64_t length = ring_record_bytes(bytes);
  if (length > ring.bytes()) return -E2BIG;
  const std::uint64_t consumed = ring.consumer().load();
  const std::uint64_t begin = ring.producer().load(std::memory_order_relaxed);
  const std::uint64_t used = begin - consumed;
  if (used > ring.bytes() || length > ring.bytes() - used) return -ENOSPC;
  RingHeader& header = ring.header(begin);
  header.holder.store(0, std::memory_order_relaxed);
  header.length.store(static_cast<std::uint32_t>(bytes) | abi::BPF_RINGBUF_BUSY_BIT,
                      std::memory_order_relaxed);
  ring.producer().store(begin + length, std::memory_order_release);
  sample = &header + 1;
  return 0;
}

long UserRingWriter::reserve_within(std::uint64_t bytes, std::chrono::milliseconds timeout,
                                    void*& sample) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + timeout;
  for (;;) {
    const std::uint32_t seen = map_.ring().waking().count();
    const long status = reserve(bytes, sample);
    const auto now = Clock::now();
    if (status != -ENOSPC || now >= end) return status;
    map_.ring().waking().sleep(seen,
                               std::chrono::duration_cast<std::chrono::nanoseconds>(end - now));
  }
}

void UserRingWriter::commit(void* sample, std::uint32_t mark) {
  const auto record = map_.ring().record_of(sample);
  if (!record) return;
  auto& length = map_.ring().header(*record).length;
  const std::uint32_t bytes = length.load(std::memory_order_relaxed) & ~kRingMarks;
  length.store(bytes | mark, std::memory_order_release);
}

}  // namespace skep::maps
