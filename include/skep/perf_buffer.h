// SPDX-License-Identifier: Apache-2.0
// The reader of a perf event array: a buffer for each CPU that programs write samples to. In one
// thread; the map must outlive it. Whatever stands in the shared pages, reading stays inside them.
#pragma once

#include <functional>
#include <memory>

#include "skep/map.h"

namespace skep {

class PerfBuffer {
 public:
  // Sees a sample and the padding behind it; false stops after it.
  using Visit = std::function<bool(std::uint32_t cpu, std::span<const std::byte> sample)>;
  using OnLost = std::function<void(std::uint32_t cpu, std::uint64_t samples)>;

  // `pages` of 4096 bytes for each CPU, a power of two.
  [[nodiscard]] static Result<PerfBuffer> open(const Map& map, std::uint32_t pages = 64);
  PerfBuffer(PerfBuffer&& other) noexcept;
  PerfBuffer& operator=(PerfBuffer&& other) noexcept;
  ~PerfBuffer();

  [[nodiscard]] Result<std::uint64_t> consume(const Visit& visit, const OnLost& on_lost = {});
  [[nodiscard]] Result<std::uint64_t> poll(std::chrono::milliseconds timeout, const Visit& visit,
                                           const OnLost& on_lost = {});

 private:
  class Ring;
  PerfBuffer();

  std::vector<std::unique_ptr<Ring>> rings_;
  std::vector<int> fds_;
  Kernel* kernel_ = nullptr;
};

}  // namespace skep
