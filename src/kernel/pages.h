// SPDX-License-Identifier: Apache-2.0
// Memory that a kernel shares, unmapped when it goes. The other side writes it at any time, maybe
// wrongly: a field is read once, then checked.
#pragma once

#include <functional>
#include <utility>

#include "kernel/call.h"

namespace skep::kernel {

[[nodiscard]] std::uint64_t page_bytes();

class Pages {
 public:
  Pages() = default;
  [[nodiscard]] static Result<Pages> map(Kernel& kernel, int fd, std::uint64_t bytes, bool writable,
                                         std::uint64_t offset);
  Pages(Pages&& other) noexcept
      : kernel_(other.kernel_), at_(std::exchange(other.at_, nullptr)), bytes_(other.bytes_) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(kernel_, other.kernel_);
    std::swap(at_, other.at_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Pages() {
    if (at_ != nullptr) kernel_->munmap(at_, bytes_);
  }

  [[nodiscard]] std::byte* at(std::uint64_t offset) const { return at_ + offset; }

  // Whole fields, at offsets that are multiples of their size.
  template <class T>
  [[nodiscard]] T load(std::uint64_t offset) const {
    return __atomic_load_n(reinterpret_cast<const T*>(at(offset)), __ATOMIC_ACQUIRE);
  }
  template <class T>
  void store(std::uint64_t offset, T value) const {
    __atomic_store_n(reinterpret_cast<T*>(at(offset)), value, __ATOMIC_SEQ_CST);
  }

 private:
  Kernel* kernel_ = nullptr;
  std::byte* at_ = nullptr;
  std::uint64_t bytes_ = 0;
};

// Until `consume` has seen something, fails, or the time is over.
[[nodiscard]] Result<std::uint64_t> poll_until(
    Kernel& kernel, std::span<const int> fds, std::chrono::milliseconds timeout,
    const std::function<Result<std::uint64_t>()>& consume);

}  // namespace skep::kernel
