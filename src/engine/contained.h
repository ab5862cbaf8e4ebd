// SPDX-License-Identifier: Apache-2.0
// Runs what nobody has verified in a child process that may not make system calls, so that a wild
// pointer ends the child and not the caller.
#pragma once

#include <functional>
#include <span>

#include "base/error.h"

namespace skep::engine {

// Memory that parent and child both see: what the child leaves there is the result.
class SharedMemory {
 public:
  [[nodiscard]] static Result<SharedMemory> make(std::size_t bytes);
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&&) = delete;
  ~SharedMemory();

  [[nodiscard]] std::span<std::byte> bytes() const { return {data_, size_}; }

 private:
  SharedMemory(std::byte* data, std::size_t size) : data_(data), size_(size) {}
  std::byte* data_;
  std::size_t size_;
};

// Calls `body` in the child and waits for it. Fails when the child does not come to its end, with
// the signal that ended it.
[[nodiscard]] Status run_contained(const std::function<void()>& body);

}  // namespace skep::engine
