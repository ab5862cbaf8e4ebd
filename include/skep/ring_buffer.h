// SPDX-License-Identifier: Apache-2.0
// The reader of a ring buffer map: one at a time for each map, in one thread. The map must outlive
// it. Whatever stands in the shared pages, reading stays inside them.
#pragma once

#include <functional>
#include <limits>
#include <memory>

#include "skep/map.h"

namespace skep {

class RingBuffer {
 public:
  // Sees a record, which stays as it is until the function returns; false stops after it.
  using Visit = std::function<bool(std::span<const std::byte> record)>;

  [[nodiscard]] static Result<RingBuffer> open(const Map& map);
  RingBuffer(RingBuffer&& other) noexcept;
  RingBuffer& operator=(RingBuffer&& other) noexcept;
  ~RingBuffer();

  // What is there now: how many records were seen.
  [[nodiscard]] Result<std::uint64_t> consume(
      const Visit& visit, std::uint64_t limit = std::numeric_limits<std::uint64_t>::max());
  // The same, and waits for the first of them: 0 when none came in time.
  [[nodiscard]] Result<std::uint64_t> poll(std::chrono::milliseconds timeout, const Visit& visit);

 private:
  class Ring;
  explicit RingBuffer(std::unique_ptr<Ring> ring);

  std::unique_ptr<Ring> ring_;
};

}  // namespace skep
