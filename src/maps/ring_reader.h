// SPDX-License-Identifier: Apache-2.0
// Reads the records of a ring buffer in the process that has the map: no descriptors, no system
// calls while there is something to read. A ring has one reader at a time.
#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <span>

#include "maps/ring_buffer.h"

namespace skep::maps {

class RingReader {
 public:
  // The sample stays as it is until the function returns. Less than 0 stops after this record.
  using OnRecord = std::function<long(std::span<const std::byte> sample)>;

  RingReader(RingBufferMap& map, OnRecord on_record)
      : map_(map), on_record_(std::move(on_record)) {}

  // What is there now: the number of records, or what the function returned to stop.
  [[nodiscard]] long consume(std::uint64_t limit = std::numeric_limits<std::uint64_t>::max());
  // The same, and waits for the first of them: 0 when none came in time.
  [[nodiscard]] long poll(std::chrono::milliseconds timeout);

 private:
  RingBufferMap& map_;
  OnRecord on_record_;
};

}  // namespace skep::maps
