// SPDX-License-Identifier: Apache-2.0
// BPF_MAP_TYPE_USER_RINGBUF: user space writes samples, a program drains them. The producer may be
// anybody who mapped the pages, so everything it says is checked before a program sees a sample;
// what a sample holds may still change while the program reads it, as on Linux.
#pragma once

#include <functional>

#include "maps/ring.h"

namespace skep::maps {

// What a program gets as a dynptr. Other than 0 ends the drain.
struct SampleVisitor {
  long (*visit)(void* self, std::byte* sample, std::uint32_t bytes) = nullptr;
  void* self = nullptr;
};

class UserRingBufferMap final : public Map {
 public:
  explicit UserRingBufferMap(const MapInit& init) : Map(init), ring_(init) {}

  // bpf_user_ringbuf_drain: the number of samples visited, or a negative errno: -EBUSY while
  // another program drains, -EINVAL and -E2BIG for a producer that breaks the rules.
  [[nodiscard]] long drain(const SampleVisitor& visitor, std::uint64_t flags);
  // Whether poll(2) says POLLOUT.
  [[nodiscard]] bool writable() const;
  // Called when samples were drained; set before programs run.
  void set_on_wake(std::function<void()> on_wake) { on_wake_ = std::move(on_wake); }

  [[nodiscard]] const Ring& ring() const { return ring_; }

  [[nodiscard]] long read(const Caller&, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long pages(std::uint64_t offset, std::uint64_t bytes, bool writable,
                           Pages& out) override;
  void repair() override { ring_.waking().forget_sleepers(); }

 private:
  struct Sample {
    std::byte* data = nullptr;
    std::uint32_t bytes = 0;
  };
  [[nodiscard]] long next_sample(Sample& sample) const;
  [[nodiscard]] long visit_samples(const SampleVisitor& visitor, std::uint32_t& samples) const;
  [[nodiscard]] bool begin_drain();

  Ring ring_;
  std::function<void()> on_wake_;
};

// Writes samples in the process that has the map. Used by one thread at a time.
class UserRingWriter {
 public:
  explicit UserRingWriter(UserRingBufferMap& map) : map_(map) {}

  // Room for a sample until it is submitted or discarded. -ENOSPC when the ring is full, -E2BIG
  // when it never fits.
  [[nodiscard]] long reserve(std::uint64_t bytes, void*& sample);
  // The same, and waits for the room.
  [[nodiscard]] long reserve_within(std::uint64_t bytes, std::chrono::milliseconds timeout,
                                    void*& sample);
  void submit(void* sample) { commit(sample, 0); }
  void discard(void* sample) { commit(sample, abi::BPF_RINGBUF_DISCARD_BIT); }

 private:
  void commit(void* sample, std::uint32_t mark);

  UserRingBufferMap& map_;
};

[[nodiscard]] long check_user_ring_buffer(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> user_ring_buffer_bytes(const MapSpec& spec,
                                                                  unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_user_ring_buffer(const MapInit& init);

}  // namespace skep::maps
