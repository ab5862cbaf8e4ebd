// SPDX-License-Identifier: Apache-2.0
// Reads bytes that come from outside: every read is checked against what is there, offsets and
// lengths are 64-bit, and a failure names both. Does not own the bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "base/error.h"

namespace skep {

class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::uint64_t left() const { return bytes_.size() - offset_; }

  [[nodiscard]] Result<std::span<const std::byte>> sub(std::uint64_t offset,
                                                       std::uint64_t length) const {
    if (offset > bytes_.size() || length > bytes_.size() - offset)
      return fail(Code::invalid, "range [{}, +{}) lies outside the {} bytes there are", offset,
                  length, bytes_.size());
    return bytes_.subspan(offset, length);
  }

  // Reads one plain object in host byte order and moves on.
  template <class T>
    requires std::is_trivially_copyable_v<T>
  [[nodiscard]] Result<T> read() {
    if (left() < sizeof(T))
      return fail(Code::invalid, "truncated: need {} bytes at {}, have {}", sizeof(T), offset_,
                  left());
    T value;
    std::memcpy(&value, bytes_.data() + offset_, sizeof(T));
    offset_ += sizeof(T);
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  std::uint64_t offset_ = 0;
};

// Unaligned access to memory that the caller has already checked.
template <class T>
[[nodiscard]] T load(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <class T>
void store(void* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

// Network order to host order and back.
template <class T>
[[nodiscard]] constexpr T big_endian(T value) {
  if constexpr (sizeof(T) == 1)
    return value;
  else if constexpr (std::endian::native == std::endian::big)
    return value;
  else
    return std::byteswap(value);
}

}  // namespace skep
