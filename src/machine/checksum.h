// SPDX-License-Identifier: Apache-2.0
// The Internet checksum (RFC 1071) in the pieces that packet helpers need: 32-bit partial sums in
// network order as they lie in memory, and how a stored checksum follows a change. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace skep::machine {

// One's complement addition and subtraction of partial sums.
[[nodiscard]] constexpr std::uint32_t add_sums(std::uint32_t sum, std::uint32_t other) {
  const std::uint32_t total = sum + other;
  return total + (total < other ? 1 : 0);
}
[[nodiscard]] constexpr std::uint32_t subtract_sums(std::uint32_t sum, std::uint32_t other) {
  return add_sums(sum, ~other);
}

// The partial sum of bytes, on top of `sum`.
[[nodiscard]] std::uint32_t sum_bytes(std::span<const std::byte> bytes, std::uint32_t sum = 0);

// The sum of a block that begins `offset` bytes into what is summed: at odd places bytes swap
// roles.
[[nodiscard]] std::uint32_t shift_sum(std::uint32_t sum, std::uint64_t offset);

// 32 bits to 16 without inversion, and to a checksum, which is the inverse.
[[nodiscard]] constexpr std::uint16_t narrow_sum(std::uint32_t sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16));
}
[[nodiscard]] constexpr std::uint16_t fold_sum(std::uint32_t sum) {
  return static_cast<std::uint16_t>(~narrow_sum(sum));
}

[[nodiscard]] constexpr std::uint16_t add_sums16(std::uint16_t sum, std::uint16_t other) {
  const auto total = static_cast<std::uint16_t>(sum + other);
  return static_cast<std::uint16_t>(total + (total < other ? 1 : 0));
}

// A stored checksum after what it covers changed: by a difference, in 16 bits, in 32 bits.
[[nodiscard]] std::uint16_t checksum_after_diff(std::uint16_t checksum, std::uint32_t diff);
[[nodiscard]] std::uint16_t checksum_after16(std::uint16_t checksum, std::uint16_t from,
                                             std::uint16_t to);
[[nodiscard]] std::uint16_t checksum_after32(std::uint16_t checksum, std::uint32_t from,
                                             std::uint32_t to);

// bpf_csum_diff: the sum of `to` less that of `from` on top of `seed`, in 16 bits.
[[nodiscard]] std::int64_t csum_diff(std::span<const std::byte> from, std::span<const std::byte> to,
                                     std::uint32_t seed);

}  // namespace skep::machine
