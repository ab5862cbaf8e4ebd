// SPDX-License-Identifier: Apache-2.0
#include "maps/ring_reader.h"

#include <algorithm>

namespace skep::maps {

namespace {

// A record that stays uncommitted for so long may be a dead process's.
constexpr std::chrono::milliseconds kLookAfter{10};

}  // namespace

// The position is told in larger steps, since each store costs the producers a cache line; but
// always before this side says that there is nothing to read, so that the next record wakes it.
long RingReader::consume(std::uint64_t limit) {
  const Ring& ring = map_.ring();
  const std::uint64_t step_told = ring.bytes() / 16;
  std::uint64_t told = ring.consumer().load(std::memory_order_relaxed);
  std::uint64_t at = told & ~std::uint64_t{7};
  std::uint64_t end = at;
  const auto tell = [&] { ring.consumer().store(told = at); };
  long count = 0;
  long status = 0;
  while (status >= 0 && std::cmp_less(count, limit)) {
    if (at == end) {
      if (at != told) tell();
      end = ring.producer().load();
      if (at == end) break;
    }
    const std::uint32_t length = ring.header(at).length.load();
    if ((length & abi::BPF_RINGBUF_BUSY_BIT) != 0) {
      if (at == told) break;
      tell();
      continue;
    }
    const std::uint64_t sample_bytes = length & ~kRingMarks;
    const std::uint64_t step = ring_record_bytes(sample_bytes);
    if (end - at > ring.bytes() || step > end - at) {
      // Nobody honest wrote that: begin again where the producers are.
      at = end & ~std::uint64_t{7};
      break;
    }
    if ((length & abi::BPF_RINGBUF_DISCARD_BIT) == 0) {
      status = on_record_({reinterpret_cast<const std::byte*>(&ring.header(at) + 1), sample_bytes});
      if (status >= 0) ++count;
    }
    at += step;
    if (at - told >= step_told) tell();
  }
  if (at != told) tell();
  return status < 0 ? status : count;
}

long RingReader::poll(std::chrono::milliseconds timeout) {
  using Clock = std::chrono::steady_clock;
  const Ring& ring = map_.ring();
  const auto end = Clock::now() + timeout;
  for (;;) {
    const std::uint32_t seen = ring.waking().count();
    if (const long count = consume(); count != 0) return count;
    const auto now = Clock::now();
    if (now >= end) return 0;
    const bool waits_for_commit = map_.readable();
    const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(end - now);
    ring.waking().sleep(
        seen, waits_for_commit ? std::min<std::chrono::nanoseconds>(rest, kLookAfter) : rest);
    if (waits_for_commit && ring.waking().count() == seen)
      (void)map_.bury(ring.consumer().load(std::memory_order_relaxed));
  }
}

}  // namespace skep::maps
