// SPDX-License-Identifier: Apache-2.0
// Type information that a kernel holds. Owns one descriptor. Any thread.
#pragma once

#include <string>

#include "skep/kernel.h"

namespace skep {

struct BtfInfo {
  std::uint32_t id = 0;
  std::uint32_t bytes = 0;
  std::string name;     // of the kernel's own
  bool kernel = false;  // of the kernel or one of its modules
};

class Btf {
 public:
  // What is wrong with bytes that are refused stands in the error.
  [[nodiscard]] static Result<Btf> load(Kernel& kernel, std::span<const std::byte> bytes);
  [[nodiscard]] static Result<Btf> by_id(Kernel& kernel, std::uint32_t id);
  [[nodiscard]] static Result<std::vector<std::uint32_t>> ids(Kernel& kernel);

  [[nodiscard]] int fd() const { return handle_.fd(); }
  [[nodiscard]] Result<BtfInfo> info() const;
  [[nodiscard]] Result<Bytes> bytes() const;

 private:
  explicit Btf(Handle handle) : handle_(std::move(handle)) {}

  Handle handle_;
};

}  // namespace skep
