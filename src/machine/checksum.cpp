// SPDX-License-Identifier: Apache-2.0
#include "machine/checksum.h"

#include <bit>
#include <cerrno>
#include <cstring>

namespace skep::machine {

namespace {

std::uint16_t inverse(std::uint16_t value) { return static_cast<std::uint16_t>(~value); }

}  // namespace

std::uint32_t sum_bytes(std::span<const std::byte> bytes, std::uint32_t sum) {
  std::uint64_t total = sum;
  std::size_t at = 0;
  for (; bytes.size() - at >= 4; at += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data() + at, 4);
    total += word;
  }
  // What is missing of the last word counts as zero.
  std::uint32_t word = 0;
  if (at < bytes.size()) std::memcpy(&word, bytes.data() + at, bytes.size() - at);
  total += word;
  total = (total & 0xffff'ffff) + (total >> 32);
  return static_cast<std::uint32_t>((total & 0xffff'ffff) + (total >> 32));
}

std::uint32_t shift_sum(std::uint32_t sum, std::uint64_t offset) {
  return offset % 2 == 0 ? sum : std::rotr(sum, 8);
}

std::uint16_t checksum_after_diff(std::uint16_t checksum, std::uint32_t diff) {
  return fold_sum(add_sums(diff, ~std::uint32_t{checksum}));
}

std::uint16_t checksum_after16(std::uint16_t checksum, std::uint16_t from, std::uint16_t to) {
  return inverse(add_sums16(add_sums16(inverse(checksum), inverse(from)), to));
}

std::uint16_t checksum_after32(std::uint16_t checksum, std::uint32_t from, std::uint32_t to) {
  return fold_sum(add_sums(subtract_sums(~std::uint32_t{checksum}, from), to));
}

std::int64_t csum_diff(std::span<const std::byte> from, std::span<const std::byte> to,
                       std::uint32_t seed) {
  if ((from.size() | to.size()) % 4 != 0) return -EINVAL;
  if (from.empty()) return narrow_sum(sum_bytes(to, seed));
  if (to.empty()) return narrow_sum(~sum_bytes(from, ~seed));
  return narrow_sum(subtract_sums(sum_bytes(to, seed), sum_bytes(from)));
}

}  // namespace skep::machine
