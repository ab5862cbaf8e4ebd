// SPDX-License-Identifier: Apache-2.0
// BPF_MAP_TYPE_PERF_EVENT_ARRAY: programs write samples into the buffer of their CPU slot. User
// space has no perf descriptors of its own: the machine says what a descriptor is
// (PerfDescriptors), and a tracer in this process opens buffers directly.
#pragma once

#include "maps/fd_array.h"
#include "maps/perf_buffer.h"

namespace skep::maps {

// What the machine knows of perf descriptors: `slot` is what PerfBuffer::slot() says. A buffer that
// was acquired stays until it is released as often.
class PerfDescriptors {
 public:
  PerfDescriptors() = default;
  PerfDescriptors(const PerfDescriptors&) = delete;
  PerfDescriptors& operator=(const PerfDescriptors&) = delete;
  virtual ~PerfDescriptors() = default;
  [[nodiscard]] virtual long acquire(int fd, std::uint64_t& slot) = 0;
  virtual void release(std::uint64_t slot) = 0;
};

class PerfEventArrayMap final : public Map {
 public:
  explicit PerfEventArrayMap(const MapInit& init) : Map(init) {}

  // bpf_perf_event_output, without a context's bytes in `flags`: those come as `more`.
  [[nodiscard]] long output(const Caller& caller, std::uint64_t flags,
                            std::span<const std::byte> data,
                            std::span<const std::byte> more = {}) const;

  // Makes a buffer and puts it at the CPU's number. Take it out by `close_buffer` before it goes.
  [[nodiscard]] Result<std::unique_ptr<PerfBuffer>> open_buffer(unsigned cpu, std::uint64_t pages);
  void close_buffer(const PerfBuffer& buffer);
  // Set before bpf(2) is served; without it no descriptor is a perf descriptor.
  void set_descriptors(PerfDescriptors* descriptors) { descriptors_ = descriptors; }
  // Called after each sample with the CPU slot; set before programs run.
  void set_on_wake(std::function<void(unsigned cpu)> on_wake) { on_wake_ = std::move(on_wake); }
  // The last descriptor of this map was closed: Linux takes out what was put in through it, unless
  // BPF_F_PRESERVE_ELEMS.
  void descriptor_closed();

  [[nodiscard]] long read(const Caller&, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long write(const Caller& caller, const void* key, const void* user_value,
                           std::uint64_t flags) override;
  [[nodiscard]] long remove(const Caller& caller, const void* key) override;
  [[nodiscard]] long next_key(const Caller& caller, const void* key, void* next) override;
  void clear(const Caller& caller) override;

 private:
  [[nodiscard]] std::atomic<std::uint64_t>& slot(std::uint32_t index) const {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(memory_)[index];
  }
  void release(std::uint64_t slot) const;

  PerfDescriptors* descriptors_ = nullptr;
  std::function<void(unsigned cpu)> on_wake_;
};

[[nodiscard]] long check_perf_event_array(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> perf_event_array_bytes(const MapSpec& spec,
                                                                  unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_perf_event_array(const MapInit& init);

}  // namespace skep::maps
