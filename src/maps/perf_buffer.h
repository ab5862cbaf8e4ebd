// SPDX-License-Identifier: Apache-2.0
// A buffer as perf_event_open(2) shows it: a page of positions, then 2^n pages of records. One CPU
// slot writes it, and whoever writes holds that slot, so writers need no lock; a writer that is
// killed leaves bytes behind the head that nobody reads. One reader at a time, here or libbpf in
// another process. Positions and sizes in the pages are hostile to both sides.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <span>
#include <vector>

#include "abi/rings.h"
#include "maps/region.h"

namespace skep::maps {

// The same for all who see the memory; holds nothing.
class PerfRing {
 public:
  static constexpr std::uint64_t kPage = 4096;
  static constexpr unsigned kMaxOrder = 20;
  [[nodiscard]] static std::uint64_t bytes(unsigned order) { return kPage + (kPage << order); }

  // `memory` is bytes(order) long.
  PerfRing(std::byte* memory, unsigned order)
      : memory_(memory), data_(memory + kPage), mask_((kPage << order) - 1) {}

  void start(unsigned cpu) const;
  [[nodiscard]] unsigned cpu() const;

  // One PERF_RECORD_SAMPLE of both parts. -ENOSPC when there is no room: counted, and told to the
  // reader by a PERF_RECORD_LOST before the next sample.
  [[nodiscard]] long write(std::span<const std::byte> data, std::span<const std::byte> more) const;

  [[nodiscard]] std::uint64_t head() const;
  [[nodiscard]] std::uint64_t tail() const;
  void set_tail(std::uint64_t tail) const;
  [[nodiscard]] std::uint64_t data_bytes() const { return mask_ + 1; }
  void copy_out(void* to, std::uint64_t at, std::uint64_t bytes) const;

  [[nodiscard]] std::uint32_t wakeups() const;
  void sleep(std::uint32_t seen, std::chrono::nanoseconds timeout) const;

 private:
  struct Own;
  class Record;
  [[nodiscard]] Own& own() const;
  [[nodiscard]] std::uint64_t& position(std::size_t at) const {
    return *reinterpret_cast<std::uint64_t*>(memory_ + at);
  }
  void copy_in(std::uint64_t at, std::span<const std::byte> bytes) const;

  std::byte* memory_;
  std::byte* data_;
  std::uint64_t mask_;
};

// Owns the memory of one buffer. Take it out of all maps before it goes; the thread that lets it go
// holds no CPU slot, since it waits for the slot of a writer that may be inside.
class PerfBuffer {
 public:
  // 2^order pages of records.
  [[nodiscard]] static Result<std::unique_ptr<PerfBuffer>> create(Region& region, unsigned cpu,
                                                                  std::uint64_t pages);
  PerfBuffer(const PerfBuffer&) = delete;
  PerfBuffer& operator=(const PerfBuffer&) = delete;
  ~PerfBuffer();

  [[nodiscard]] const PerfRing& ring() const { return ring_; }
  [[nodiscard]] unsigned cpu() const { return cpu_; }
  // Names the buffer in the slots of maps.
  [[nodiscard]] std::uint64_t slot() const { return static_cast<std::uint64_t>(block_) | order_; }
  // For mmap: in the Region's file.
  [[nodiscard]] Offset block() const { return block_; }

 private:
  PerfBuffer(Region& region, unsigned cpu, unsigned order, Offset block, std::byte* memory)
      : region_(region), cpu_(cpu), order_(order), block_(block), ring_(memory, order) {}

  Region& region_;
  unsigned cpu_;
  unsigned order_;
  Offset block_;
  PerfRing ring_;
};

class PerfReader {
 public:
  // A sample's raw bytes with their padding, as perf gives them; less than 0 stops after it.
  using OnSample = std::function<long(std::span<const std::byte> data)>;
  using OnLost = std::function<void(std::uint64_t count)>;

  PerfReader(const PerfRing& ring, OnSample on_sample, OnLost on_lost)
      : ring_(ring), on_sample_(std::move(on_sample)), on_lost_(std::move(on_lost)) {}

  [[nodiscard]] long consume();
  [[nodiscard]] long poll(std::chrono::milliseconds timeout);

 private:
  [[nodiscard]] long record(const abi::perf_event_header& header, std::uint64_t at);

  PerfRing ring_;
  OnSample on_sample_;
  OnLost on_lost_;
  std::vector<std::byte> bytes_;
};

}  // namespace skep::maps
