// SPDX-License-Identifier: Apache-2.0
// BPF_MAP_TYPE_RINGBUF: programs of any process write records, one consumer reads them in order.
// Records stand in the data in the order of their reservation; a consumer stops at one that is not
// committed yet. When its reserver was killed, whoever meets the record discards it in its place.
//
// The machine learns of wakes by `on_wake`, if the producer is in this process, or by sleeping on
// the ring as RingReader does. It remembers which map a reserved sample is of.
#pragma once

#include <functional>

#include "maps/ring.h"

namespace skep::maps {

class RingBufferMap final : public Map {
 public:
  explicit RingBufferMap(const MapInit& init) : Map(init), ring_(init) {}

  // `bytes` bytes in a row, until they are submitted or discarded; nullptr when there is no room.
  [[nodiscard]] void* reserve(std::uint64_t bytes, std::uint64_t flags);
  void submit(void* sample, std::uint64_t flags) { commit(sample, flags, 0); }
  void discard(void* sample, std::uint64_t flags) {
    commit(sample, flags, abi::BPF_RINGBUF_DISCARD_BIT);
  }
  [[nodiscard]] long output(const void* data, std::uint64_t bytes, std::uint64_t flags);
  [[nodiscard]] std::uint64_t query(std::uint64_t what) const;
  // Whether poll(2) says POLLIN.
  [[nodiscard]] bool readable() const { return query(abi::BPF_RB_AVAIL_DATA) != 0; }
  [[nodiscard]] bool owns(const void* sample) const { return ring_.record_of(sample).has_value(); }
  // Set before programs run.
  void set_on_wake(std::function<void()> on_wake) { on_wake_ = std::move(on_wake); }

  [[nodiscard]] const Ring& ring() const { return ring_; }
  // Discards the record there if it is reserved by a process that died; whether it did.
  [[nodiscard]] bool bury(std::uint64_t position) const;

  [[nodiscard]] long read(const Caller&, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long pages(std::uint64_t offset, std::uint64_t bytes, bool writable,
                           Pages& out) override;
  void repair() override;

 private:
  void commit(void* sample, std::uint64_t flags, std::uint32_t mark);
  [[nodiscard]] std::uint64_t reclaim(std::uint64_t end) const;

  Ring ring_;
  std::function<void()> on_wake_;
};

[[nodiscard]] long check_ring_buffer(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> ring_buffer_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_ring_buffer(const MapInit& init);

}  // namespace skep::maps
