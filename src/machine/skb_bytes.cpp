// SPDX-License-Identifier: Apache-2.0
#include "machine/skb_bytes.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "abi/helper_flags.h"
#include "abi/limits.h"
#include "machine/checksum.h"

namespace skep::machine {

namespace {

using State = SkbChecksum::State;

constexpr std::uint32_t kMaxOffset = 0x7fff'ffff;
constexpr std::uint32_t kMaxHeaderOffset = 0xffff;
constexpr std::uint32_t kMaxLevel = 3;
constexpr std::uint16_t kMangledZero = 0xffff;

std::int64_t nothing_read(std::span<std::byte> to) {
  std::ranges::fill(to, std::byte{0});
  return -EFAULT;
}

// A checksum field of the packet; nothing when there is none at this place.
std::optional<std::span<std::byte>> checksum_field(Skb& skb, std::uint32_t offset) {
  if (offset > kMaxHeaderOffset || offset % 2 != 0) return std::nullopt;
  return skb.part(offset, 2);
}

// Sizes of the field that changed; its flags say it in their lowest bits.
enum Width : std::uint8_t { by_diff = 0, two_bytes = 2, four_bytes = 4 };

std::optional<std::uint16_t> replaced(std::uint16_t checksum, std::uint64_t from, std::uint64_t to,
                                      std::uint64_t flags) {
  switch (flags & abi::BPF_F_HDR_FIELD_MASK) {
    case by_diff:
      if (from != 0) return std::nullopt;
      return checksum_after_diff(checksum, static_cast<std::uint32_t>(to));
    case two_bytes:
      return checksum_after16(checksum, static_cast<std::uint16_t>(from),
                              static_cast<std::uint16_t>(to));
    case four_bytes:
      return checksum_after32(checksum, static_cast<std::uint32_t>(from),
                              static_cast<std::uint32_t>(to));
    default:
      return std::nullopt;
  }
}

// Transport checksums: Linux takes two bytes for four there, which gives the other zero.
std::optional<std::uint16_t> replaced_l4(std::uint16_t checksum, std::uint64_t& from,
                                         std::uint64_t& to, std::uint64_t flags) {
  if ((flags & abi::BPF_F_HDR_FIELD_MASK) != two_bytes) return replaced(checksum, from, to, flags);
  from = static_cast<std::uint16_t>(from);
  to = static_cast<std::uint16_t>(to);
  return replaced(checksum, from, to, four_bytes);
}

// A pseudo header is no part of the packet: what changed there must not reach the packet's sum
// through the checksum that followed it.
void follow_pseudo_header(Skb& skb, std::uint64_t from, std::uint64_t to, std::uint64_t flags) {
  std::uint32_t& sum = skb.checksum.sum;
  if (skb.checksum.state != State::complete || (flags & abi::BPF_F_PSEUDO_HDR) == 0) return;
  const auto added = static_cast<std::uint32_t>(to);
  if ((flags & abi::BPF_F_HDR_FIELD_MASK) != by_diff)
    sum = ~add_sums(subtract_sums(~sum, static_cast<std::uint32_t>(from)), added);
  else if ((flags & abi::BPF_F_IPV6) == 0)
    sum = ~subtract_sums(added, sum);
}

}  // namespace

std::int64_t skb_load_bytes(Skb& skb, std::uint32_t offset, std::span<std::byte> to) {
  const auto from = skb.part(offset, to.size());
  if (offset > kMaxOffset || !from) return nothing_read(to);
  std::ranges::copy(*from, to.begin());
  return 0;
}

std::int64_t skb_load_bytes_relative(Skb& skb, std::uint32_t offset, std::span<std::byte> to,
                                     std::uint32_t start_header) {
  if (offset > kMaxHeaderOffset || start_header > abi::BPF_HDR_START_NET) return nothing_read(to);
  const std::int64_t header =
      start_header == abi::BPF_HDR_START_MAC ? skb.mac_offset() : skb.network_offset();
  const auto from = skb.part(header + offset, to.size());
  if (!from) return nothing_read(to);
  std::ranges::copy(*from, to.begin());
  return 0;
}

std::int64_t skb_store_bytes(Skb& skb, std::uint32_t offset, std::span<const std::byte> from,
                             std::uint64_t flags) {
  if ((flags & ~(abi::BPF_F_RECOMPUTE_CSUM | abi::BPF_F_INVALIDATE_HASH)) != 0) return -EINVAL;
  const auto to = skb.part(offset, from.size());
  if (offset > kMaxOffset || !to) return -EFAULT;
  const bool recompute = (flags & abi::BPF_F_RECOMPUTE_CSUM) != 0;
  if (recompute) skb.subtract_from_sum(*to, offset);
  if (!from.empty()) std::memmove(to->data(), from.data(), from.size());
  if (recompute) skb.add_to_sum(*to, offset);
  if ((flags & abi::BPF_F_INVALIDATE_HASH) != 0) skb.clear_hash();
  return 0;
}

std::int64_t skb_pull_data(Skb& skb, std::uint32_t length) {
  return length > skb.length() ? -ENOMEM : 0;
}

std::int64_t l3_csum_replace(Skb& skb, std::uint32_t offset, std::uint64_t from, std::uint64_t to,
                             std::uint64_t flags) {
  if ((flags & ~std::uint64_t{abi::BPF_F_HDR_FIELD_MASK}) != 0) return -EINVAL;
  const auto field = checksum_field(skb, offset);
  if (!field) return -EFAULT;
  const auto checksum = replaced(load<std::uint16_t>(field->data()), from, to, flags);
  if (!checksum) return -EINVAL;
  store(field->data(), *checksum);
  return 0;
}

std::int64_t l4_csum_replace(Skb& skb, std::uint32_t offset, std::uint64_t from, std::uint64_t to,
                             std::uint64_t flags) {
  constexpr std::uint64_t kFlags = abi::BPF_F_MARK_MANGLED_0 | abi::BPF_F_MARK_ENFORCE |
                                   abi::BPF_F_PSEUDO_HDR | abi::BPF_F_IPV6 |
                                   abi::BPF_F_HDR_FIELD_MASK;
  if ((flags & ~kFlags) != 0) return -EINVAL;
  const auto field = checksum_field(skb, offset);
  if (!field) return -EFAULT;
  const bool zero_means_none = (flags & abi::BPF_F_MARK_MANGLED_0) != 0;
  const auto before = load<std::uint16_t>(field->data());
  if (zero_means_none && (flags & abi::BPF_F_MARK_ENFORCE) == 0 && before == 0) return 0;
  auto checksum = replaced_l4(before, from, to, flags);
  if (!checksum) return -EINVAL;
  follow_pseudo_header(skb, from, to, flags);
  if (zero_means_none && *checksum == 0) checksum = kMangledZero;
  store(field->data(), *checksum);
  return 0;
}

std::int64_t csum_update(Skb& skb, std::uint32_t sum) {
  if (skb.checksum.state != State::complete) return -abi::ENOTSUPP;
  skb.checksum.sum = add_sums(skb.checksum.sum, sum);
  return skb.checksum.sum;
}

std::int64_t csum_level(Skb& skb, std::uint64_t what) {
  SkbChecksum& checksum = skb.checksum;
  const bool known = checksum.state == State::unnecessary;
  switch (what) {
    case abi::BPF_CSUM_LEVEL_QUERY:
      return known ? std::int64_t{checksum.level} : -EACCES;
    case abi::BPF_CSUM_LEVEL_INC:
      if (known && checksum.level < kMaxLevel) ++checksum.level;
      if (checksum.state == State::none) checksum = {.state = State::unnecessary};
      return 0;
    case abi::BPF_CSUM_LEVEL_DEC:
      if (known && checksum.level == 0)
        checksum.state = State::none;
      else if (known)
        --checksum.level;
      return 0;
    case abi::BPF_CSUM_LEVEL_RESET:
      if (known) checksum = {};
      return 0;
    default:
      return -EINVAL;
  }
}

}  // namespace skep::machine
