// SPDX-License-Identifier: Apache-2.0
#include "maps/ring.h"

#include <algorithm>
#include <bit>
#include <cerrno>

#include "abi/map_types.h"

namespace skep::maps {

namespace {

// Not at the beginning of the page, since processors mix up a store with a load of the same place
// in another page for a while.
constexpr std::uint64_t kControlAt = 1024;
constexpr std::uint64_t kConsumerAt = kRingPage;
constexpr std::uint64_t kProducerAt = 2 * kRingPage;
constexpr std::uint64_t kDataAt = 3 * kRingPage;
// What mmap(2) shows begins with the consumer's page.
constexpr std::uint64_t kShownAt = kConsumerAt;

std::atomic<std::uint64_t>* position_at(std::byte* page) {
  return reinterpret_cast<std::atomic<std::uint64_t>*>(page);
}

}  // namespace

long check_ring(const MapSpec& spec) {
  if ((spec.flags & ~std::uint32_t{abi::BPF_F_NUMA_NODE}) != 0) return -EINVAL;
  if (spec.key_bytes != 0 || spec.value_bytes != 0) return -EINVAL;
  return std::has_single_bit(spec.max_entries) && spec.max_entries % kRingPage == 0 ? 0 : -EINVAL;
}

std::uint64_t ring_bytes(const MapSpec& spec) {
  return kDataAt + 2 * std::uint64_t{spec.max_entries};
}

Ring::Ring(const MapInit& init)
    : region_(init.region),
      block_(init.block),
      mask_(std::uint64_t{init.spec.max_entries} - 1),
      control_(reinterpret_cast<RingControl*>(init.memory + kControlAt)),
      consumer_(position_at(init.memory + kConsumerAt)),
      producer_(position_at(init.memory + kProducerAt)),
      data_(init.memory + kDataAt),
      mapped_(region_.mirror(block_, kDataAt, bytes()).has_value()) {}

Ring::~Ring() {
  if (mapped_) region_.unmirror(block_, kDataAt, bytes());
}

std::optional<std::uint64_t> Ring::record_of(const void* sample) const {
  const auto place = reinterpret_cast<std::uintptr_t>(sample);
  const auto first = reinterpret_cast<std::uintptr_t>(data_) + abi::BPF_RINGBUF_HDR_SZ;
  const std::uint64_t at = place - first;
  if (at > mask_ || at % abi::kRingbufAlignment != 0) return std::nullopt;
  return at;
}

long Ring::piece(std::uint64_t offset, std::uint64_t bytes, Pages& out) const {
  const std::uint64_t end = kDataAt - kShownAt + 2 * this->bytes();
  if (offset % kRingPage != 0 || offset > end || bytes > end - offset) return -EINVAL;
  const std::uint64_t first_data = kDataAt - kShownAt;
  const std::uint64_t second_data = first_data + this->bytes();
  const bool mirrored = offset >= second_data;
  const std::uint64_t from = kShownAt + offset - (mirrored ? this->bytes() : 0);
  const std::uint64_t room = mirrored ? end - offset : second_data - offset;
  out = {.offset = static_cast<std::uint64_t>(block_) + from, .bytes = std::min(bytes, room)};
  return 0;
}

}  // namespace skep::maps
