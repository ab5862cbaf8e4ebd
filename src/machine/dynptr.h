// SPDX-License-Identifier: Apache-2.0
// Dynptrs: bounds that are checked when a program runs. The 16 bytes on a program's stack hold what
// is here; the verifier lets nobody else write them. A null one has no data. They own nothing:
// memory and packets must outlive them. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "abi/value_fields.h"

namespace skep::machine {

class Skb;
class XdpBuffer;

enum class DynptrKind : std::uint8_t { none, memory, ringbuf, skb, xdp, skb_meta };

class Dynptr {
 public:
  static constexpr std::uint32_t kMaxBytes = (1 << 24) - 1;

  Dynptr() = default;
  Dynptr(DynptrKind kind, void* data, std::uint32_t bytes, bool read_only = false)
      : data_(data),
        size_(bytes | static_cast<std::uint32_t>(kind) << kKindShift |
              (read_only ? kReadOnly : 0)) {}

  [[nodiscard]] static Dynptr& at(std::uint64_t address);

  [[nodiscard]] bool is_null() const { return data_ == nullptr; }
  [[nodiscard]] DynptrKind kind() const {
    return static_cast<DynptrKind>((size_ & ~kReadOnly) >> kKindShift);
  }
  [[nodiscard]] bool read_only() const { return (size_ & kReadOnly) != 0; }
  [[nodiscard]] std::uint32_t bytes() const { return size_ & kMaxBytes; }
  [[nodiscard]] void* data() const { return data_; }
  void clear() { *this = {}; }

  // Of the part that the dynptr shows.
  [[nodiscard]] bool holds(std::uint64_t offset, std::uint64_t length) const {
    return length <= bytes() && offset <= bytes() - length;
  }
  // 0 or a negative errno; the range must be held.
  [[nodiscard]] long read(std::span<std::byte> to, std::uint32_t offset) const;
  [[nodiscard]] long write(std::uint32_t offset, std::span<const std::byte> from,
                           std::uint64_t flags);
  // Where the range lies, if its bytes lie side by side in memory; it must be held.
  [[nodiscard]] std::byte* slice(std::uint32_t offset, std::uint32_t length) const;
  // -EINVAL when the part ends before it begins, -ERANGE when it is not inside.
  [[nodiscard]] long adjust(std::uint32_t begin, std::uint32_t end);

 private:
  static constexpr unsigned kKindShift = 28;
  static constexpr std::uint32_t kReadOnly = 1U << 31;

  void* data_ = nullptr;
  std::uint32_t size_ = 0;    // with kind and kReadOnly above it
  std::uint32_t offset_ = 0;  // of the part from the start of the data
};
static_assert(sizeof(Dynptr) == sizeof(abi::bpf_dynptr));

}  // namespace skep::machine
