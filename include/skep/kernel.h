// SPDX-License-Identifier: Apache-2.0
// A kernel as bpf(2) shows it: Linux, or Skep's machine. Everything else is written against this
// interface, and nothing asks which of the two it has. A Kernel outlives all that was made with it;
// its functions may be called from any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "skep/error.h"

namespace skep {

using Bytes = std::vector<std::byte>;

// Each function answers as the system call of its name: a result of 0 or more, or a negative errno.
class Kernel {
 public:
  Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  virtual ~Kernel() = default;

  // `attr` is a union bpf_attr, or the first `bytes` bytes of one.
  [[nodiscard]] virtual long bpf(std::uint32_t command, void* attr, std::uint32_t bytes) = 0;

  // These take the descriptors that bpf gives.
  virtual long close(int fd) = 0;
  [[nodiscard]] virtual long read(int fd, std::span<std::byte> into) = 0;
  // Shared memory: its address.
  [[nodiscard]] virtual long mmap(int fd, std::uint64_t bytes, int protection,
                                  std::uint64_t offset) = 0;
  virtual long munmap(void* address, std::uint64_t bytes) = 0;
  // Until one of them has something to read: 1, or 0 when the time is over. A wakeup without a
  // cause is possible.
  [[nodiscard]] virtual long wait(std::span<const int> fds, std::chrono::milliseconds timeout) = 0;

  // Removes a pin.
  [[nodiscard]] virtual long unlink(std::string_view path) = 0;
  // A descriptor for an element of a perf event array: what programs write there on this CPU, in
  // the pages that perf_event_open(2) describes.
  [[nodiscard]] virtual long perf_output(std::uint32_t cpu) = 0;
  // How many values an element of a per-CPU map has.
  [[nodiscard]] virtual std::uint32_t cpus() const = 0;
};

// A descriptor that closes itself.
class Handle {
 public:
  Handle() = default;
  Handle(Kernel& kernel, int fd) : kernel_(&kernel), fd_(fd) {}
  Handle(Handle&& other) noexcept
      : kernel_(std::exchange(other.kernel_, nullptr)), fd_(std::exchange(other.fd_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(kernel_, other.kernel_);
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Handle() {
    if (fd_ >= 0) kernel_->close(fd_);
  }

  [[nodiscard]] Kernel& kernel() const { return *kernel_; }
  [[nodiscard]] int fd() const { return fd_; }
  // The caller closes it.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  Kernel* kernel_ = nullptr;
  int fd_ = -1;
};

}  // namespace skep
