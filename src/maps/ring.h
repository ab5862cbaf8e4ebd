// SPDX-License-Identifier: Apache-2.0
// The memory of BPF_MAP_TYPE_RINGBUF and BPF_MAP_TYPE_USER_RINGBUF: a page of this project's own,
// then what Linux shows to mmap(2): the consumer's page, the producer's page, and the data twice in
// a row, so that no record is cut. Producer or consumer may be strangers: positions and lengths are
// read once and then checked, and nothing outside the data is touched whatever they say.
// Usable by any thread; the Map that has it owns it.
#pragma once

#include <atomic>

#include "abi/rings.h"
#include "maps/map.h"
#include "maps/quick_lock.h"
#include "maps/waking.h"

namespace skep::maps {

inline constexpr std::uint64_t kRingPage = 4096;

struct RingControl {
  QuickLock lock;                                 // of producers that are programs
  Lock drain;                                     // of the program that drains a ring of user space
  alignas(8) std::atomic<std::uint64_t> pending;  // up to here all records are committed
  alignas(64) Waking waking;
};
static_assert(sizeof(RingControl) <= kRingPage / 2);

// One record's header: `holder` is who reserved it and may die before it commits.
struct RingHeader {
  std::atomic<std::uint32_t> length;
  std::atomic<HolderWord> holder;
};
static_assert(sizeof(RingHeader) == sizeof(abi::bpf_ringbuf_hdr));

class Ring {
 public:
  explicit Ring(const MapInit& init);
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring();

  // False when the system could not show the data twice.
  [[nodiscard]] bool mapped() const { return mapped_; }
  [[nodiscard]] RingControl& control() const { return *control_; }
  [[nodiscard]] std::atomic<std::uint64_t>& consumer() const { return *consumer_; }
  [[nodiscard]] std::atomic<std::uint64_t>& producer() const { return *producer_; }
  [[nodiscard]] std::uint64_t bytes() const { return mask_ + 1; }
  [[nodiscard]] std::uint64_t mask() const { return mask_; }
  [[nodiscard]] std::byte* data() const { return data_; }
  // A multiple of 8 is a place for a header, whichever it is.
  [[nodiscard]] RingHeader& header(std::uint64_t position) const {
    return *reinterpret_cast<RingHeader*>(data_ + (position & mask_ & ~std::uint64_t{7}));
  }
  // Where the record of that sample begins in the data; nothing when it is no place for one.
  [[nodiscard]] std::optional<std::uint64_t> record_of(const void* sample) const;

  // Pieces of the file behind [offset, offset + bytes) of what mmap(2) shows: `out` is the first of
  // them, and the rest is asked for again. -EINVAL beyond the end.
  [[nodiscard]] long piece(std::uint64_t offset, std::uint64_t bytes, Pages& out) const;

  [[nodiscard]] Waking& waking() const { return control_->waking; }

 private:
  Region& region_;
  Offset block_;
  std::uint64_t mask_;
  RingControl* control_;
  std::atomic<std::uint64_t>* consumer_;
  std::atomic<std::uint64_t>* producer_;
  std::byte* data_;
  bool mapped_;
};

// Bytes that a sample of that length takes, its header included.
constexpr std::uint64_t ring_record_bytes(std::uint64_t sample_bytes) {
  return (sample_bytes + abi::BPF_RINGBUF_HDR_SZ + 7) & ~std::uint64_t{7};
}
inline constexpr std::uint32_t kRingMarks =
    abi::BPF_RINGBUF_BUSY_BIT | abi::BPF_RINGBUF_DISCARD_BIT;

[[nodiscard]] long check_ring(const MapSpec& spec);
[[nodiscard]] std::uint64_t ring_bytes(const MapSpec& spec);

}  // namespace skep::maps
