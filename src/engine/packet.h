// SPDX-License-Identifier: Apache-2.0
// A packet as programs see it, and the one rule of Linux for reading it: classic BPF and the packet
// loads of eBPF both go through load_packet. Does not own the bytes; safe to share while they live.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/cursor.h"

namespace skep::engine {

// Offsets below zero count from a header, not from where the program's view begins
// (include/uapi/linux/filter.h: SKF_NET_OFF, SKF_LL_OFF).
inline constexpr std::int32_t kNetworkBase = -0x100000;
inline constexpr std::int32_t kLinkBase = -0x200000;

inline constexpr std::uint32_t kEthernetHeaderBytes = 14;

struct Packet {
  std::span<const std::byte> bytes{};                   // from the link-layer header on
  std::uint32_t network_offset = kEthernetHeaderBytes;  // of the network header in `bytes`
  // Where offset 0 of the program lies in `bytes`: a packet socket sees the link-layer header, a
  // BPF_PROG_TEST_RUN of a socket filter begins at the network header.
  std::uint32_t start = 0;

  [[nodiscard]] std::uint32_t length() const {
    return bytes.size() > start ? static_cast<std::uint32_t>(bytes.size() - start) : 0;
  }
};

// `bytes` is 1, 2 or 4; the value is read in network order. Nothing when any byte lies outside.
[[nodiscard]] inline std::optional<std::uint32_t> load_packet(const Packet& packet,
                                                              std::int32_t offset, unsigned bytes) {
  std::uint64_t at = 0;
  if (offset >= 0) [[likely]]
    at = std::uint64_t{static_cast<std::uint32_t>(offset)} + packet.start;
  else if (offset >= kNetworkBase)
    at = std::uint64_t{static_cast<std::uint32_t>(offset - kNetworkBase)} + packet.network_offset;
  else if (offset >= kLinkBase)
    at = static_cast<std::uint32_t>(offset - kLinkBase);
  else
    return std::nullopt;
  if (at + bytes > packet.bytes.size()) return std::nullopt;
  const std::byte* from = packet.bytes.data() + at;
  if (bytes == 4) return big_endian(load<std::uint32_t>(from));
  if (bytes == 2) return big_endian(load<std::uint16_t>(from));
  return std::to_integer<std::uint32_t>(*from);
}

}  // namespace skep::engine
