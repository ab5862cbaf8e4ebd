// SPDX-License-Identifier: Apache-2.0
// Where a program wants its packet to go, and what a machine must tell about network devices.
// Nothing is sent: who ran the program reads the wish and acts on it. Plain data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace skep::machine {

struct Redirect {
  enum class Way : std::uint8_t { none, device, peer, neighbour, map };
  Way way = Way::none;
  std::uint32_t ifindex = 0;  // of a map: the key
  std::uint64_t flags = 0;
  const void* map = nullptr;
};

// Begins as the loopback device, whose addresses are all zero.
struct Device {
  std::uint32_t ifindex = 1;
  std::uint32_t mtu = 65536;
  std::uint32_t header_bytes = 14;
  std::uint32_t rx_queues = 1;
  std::array<std::byte, 6> address{};
  std::array<std::byte, 6> broadcast{};
};

// The devices of a machine. A default one knows the loopback device alone.
struct Devices {
  std::optional<Device> (*find)(void* self, std::uint32_t ifindex) = nullptr;
  void* self = nullptr;

  [[nodiscard]] std::optional<Device> by_index(std::uint32_t ifindex) const {
    if (find != nullptr) return find(self, ifindex);
    return ifindex == 1 ? std::optional<Device>(Device{}) : std::nullopt;
  }
};

}  // namespace skep::machine
