// SPDX-License-Identifier: Apache-2.0
#include "machine/skb_shape.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "abi/helper_flags.h"
#include "abi/limits.h"

namespace skep::machine {

namespace {

using State = SkbChecksum::State;

constexpr std::uint32_t kEthernetBytes = engine::kEthernetHeaderBytes;
constexpr std::uint32_t kAddressesBytes = 12;  // both MAC addresses

// Room for a header of `count` zeros behind the first `offset` bytes, which move to the front
// together with the MAC and network headers.
std::int64_t insert(Skb& skb, std::uint32_t offset, std::uint32_t count) {
  if (!skb.push(count)) return -ENOMEM;
  skb.move_bytes(0, count, offset);
  skb.move_headers(-std::int64_t{count});
  // What `offset` asks for beyond the packet is not there to be cleared.
  if (const auto room =
          skb.part(offset, std::min(count, skb.length() - std::min(offset, skb.length()))))
    std::ranges::fill(*room, std::byte{0});
  return 0;
}

std::int64_t remove(Skb& skb, std::uint32_t offset, std::uint32_t count) {
  const auto gone = skb.part(offset, count);
  if (!gone) return -ENOMEM;
  skb.take_from_sum(*gone);
  skb.move_bytes(count, 0, offset);
  skb.pull(count);
  skb.move_headers(count);
  return 0;
}

// Takes the tag out of the packet itself; the caller knows that there is one.
std::int64_t take_tag(Skb& skb, std::uint16_t& tag) {
  if (skb.mac_offset() != 0) return -EINVAL;
  const auto header = skb.part(0, kEthernetBytes + kVlanBytes);
  if (!header) return -ENOMEM;
  skb.take_from_sum(header->subspan(kAddressesBytes, kVlanBytes));
  tag = big_endian(load<std::uint16_t>(header->data() + kEthernetBytes));
  const auto type = load<std::uint16_t>(header->data() + kEthernetBytes + 2);
  const auto next = skb.part(kEthernetBytes + kVlanBytes, 2);
  skb.seen().protocol =
      protocol_of(type, next ? std::optional(load<std::uint16_t>(next->data())) : std::nullopt);
  skb.move_bytes(kVlanBytes, 0, kAddressesBytes);
  skb.pull(kVlanBytes);
  skb.set_mac_offset(0);
  skb.set_network_offset(std::max<std::int64_t>(skb.network_offset(), kEthernetBytes));
  return 0;
}

// Writes the tag that travels beside the packet into it.
std::int64_t write_tag(Skb& skb) {
  if (skb.mac_offset() != 0) return -EINVAL;
  if (!skb.push(kVlanBytes)) return -ENOMEM;
  skb.move_bytes(0, kVlanBytes, kAddressesBytes);
  std::array<std::byte, kVlanBytes> tag{};
  store(tag.data(), static_cast<std::uint16_t>(skb.seen().vlan_proto));
  store(tag.data() + 2, big_endian(static_cast<std::uint16_t>(skb.seen().vlan_tci)));
  // A packet that was cut below its addresses takes as much of the tag as it has room for.
  const std::uint32_t room = std::max(skb.length(), kAddressesBytes) - kAddressesBytes;
  const auto place = skb.bytes().last(std::min(room, skb.length()));
  std::copy_n(tag.begin(), std::min<std::size_t>(place.size(), tag.size()), place.begin());
  skb.add_to_sum(tag, 0);
  skb.seen().protocol = skb.seen().vlan_proto;
  skb.set_mac_offset(0);
  skb.set_network_offset(skb.network_offset() - kVlanBytes);
  return 0;
}

std::int64_t pop_tag(Skb& skb) {
  std::uint16_t tag = 0;
  if (skb.seen().vlan_present != 0) {
    skb.clear_vlan();
  } else {
    if (!is_vlan(skb.seen().protocol)) return 0;
    if (const std::int64_t failed = take_tag(skb, tag)) return failed;
  }
  // The next tag becomes the one that travels beside the packet.
  const std::uint32_t protocol = skb.seen().protocol;
  if (!is_vlan(protocol)) return 0;
  if (const std::int64_t failed = take_tag(skb, tag)) return failed;
  skb.set_vlan(protocol, tag);
  return 0;
}

std::int64_t push_tag(Skb& skb, std::uint32_t protocol, std::uint16_t tag) {
  if (skb.seen().vlan_present != 0)
    if (const std::int64_t failed = write_tag(skb)) return failed;
  skb.set_vlan(protocol, tag);
  return 0;
}

void reset_mac_bytes(Skb& skb) {
  skb.mac_bytes = static_cast<std::uint32_t>(std::max<std::int64_t>(skb.mac_header_bytes(), 0));
}

std::uint32_t network_header_bytes(const Skb& skb) {
  return skb.seen().protocol == kProtocolIpv4 ? kIpv4Bytes : kIpv6Bytes;
}

// Headers that are known to be there stay.
std::int64_t shortest(const Skb& skb) {
  std::int64_t bytes = std::max<std::int64_t>(skb.network_offset(), 0);
  if (const auto transport = skb.transport_offset(); transport && *transport > 0)
    bytes = *transport;
  return bytes;
}

constexpr std::uint64_t kEncapL3 =
    abi::BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | abi::BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
constexpr std::uint64_t kEncapL4 =
    abi::BPF_F_ADJ_ROOM_ENCAP_L4_GRE | abi::BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
constexpr std::uint64_t kDecapL3 =
    abi::BPF_F_ADJ_ROOM_DECAP_L3_IPV4 | abi::BPF_F_ADJ_ROOM_DECAP_L3_IPV6;
constexpr std::uint64_t kShrinkFlags =
    abi::BPF_F_ADJ_ROOM_FIXED_GSO | kDecapL3 | abi::BPF_F_ADJ_ROOM_NO_CSUM_RESET;
constexpr std::uint64_t kRoomFlags =
    kShrinkFlags | kEncapL3 | kEncapL4 | abi::BPF_F_ADJ_ROOM_ENCAP_L2_ETH |
    abi::BPF_ADJ_ROOM_ENCAP_L2_MASK << abi::BPF_ADJ_ROOM_ENCAP_L2_SHIFT;
constexpr std::uint32_t kMaxRoom = 0xfff;

// Why a tunnel's headers cannot be announced; 0 when they can.
std::int64_t refuse_tunnel(const Skb& skb, std::uint32_t room, std::uint64_t flags) {
  const std::uint64_t inner_mac = flags >> abi::BPF_ADJ_ROOM_ENCAP_L2_SHIFT;
  if ((flags & kEncapL3) == kEncapL3 || (flags & kEncapL4) == kEncapL4) return -EINVAL;
  if ((flags & abi::BPF_F_ADJ_ROOM_ENCAP_L2_ETH) != 0 && inner_mac < kEthernetBytes) return -EINVAL;
  if (skb.encapsulated) return -EALREADY;
  return inner_mac > room ? -EINVAL : 0;
}

void announce_tunnel(Skb& skb, std::int64_t mac_header_bytes, std::uint64_t flags) {
  const bool outer6 = (flags & abi::BPF_F_ADJ_ROOM_ENCAP_L3_IPV6) != 0;
  skb.encapsulated = true;
  skb.set_network_offset(mac_header_bytes);
  if ((flags & kEncapL4) != 0)
    skb.set_transport_offset(mac_header_bytes + (outer6 ? kIpv6Bytes : kIpv4Bytes));
  skb.seen().protocol = outer6 ? kProtocolIpv6 : kProtocolIpv4;
}

std::int64_t grow_room(Skb& skb, std::uint32_t offset, std::uint32_t count, std::uint64_t flags) {
  // No kind of segmentation but TCP's may change; a packet of a test run names no kind.
  if (skb.is_gso()) return -abi::ENOTSUPP;
  const bool tunnel = (flags & kEncapL3) != 0;
  if (tunnel)
    if (const std::int64_t failed = refuse_tunnel(skb, count, flags)) return failed;
  const std::int64_t mac_header_bytes = skb.mac_header_bytes();
  if (const std::int64_t failed = insert(skb, offset, count)) return failed;
  if (tunnel) announce_tunnel(skb, mac_header_bytes, flags);
  return 0;
}

std::int64_t shrink_room(Skb& skb, std::uint32_t offset, std::uint32_t count, std::uint64_t flags) {
  if ((flags & ~kShrinkFlags) != 0) return -EINVAL;
  if (skb.is_gso()) return -abi::ENOTSUPP;
  if (const std::int64_t failed = remove(skb, offset, count)) return failed;
  if ((flags & abi::BPF_F_ADJ_ROOM_DECAP_L3_IPV4) != 0) skb.seen().protocol = kProtocolIpv4;
  if ((flags & abi::BPF_F_ADJ_ROOM_DECAP_L3_IPV6) != 0) skb.seen().protocol = kProtocolIpv6;
  return 0;
}

// The network header must stay whole, and the packet within what it may be. A header behind the
// packet's end makes the difference wrap as it does on Linux; `remove` then finds nothing to take.
bool room_fits(const Skb& skb, std::int32_t difference, std::uint32_t smallest) {
  const auto now = static_cast<std::uint32_t>(skb.length() - skb.network_offset());
  const auto count = static_cast<std::uint32_t>(std::abs(difference));
  if (difference >= 0) return skb.length() + count <= kMaxSkbBytes || skb.is_gso();
  return count < now && now - count >= smallest;
}

}  // namespace

std::int64_t skb_vlan_push(Skb& skb, std::uint16_t protocol, std::uint16_t tag) {
  const std::int64_t result =
      push_tag(skb, is_vlan(protocol) ? std::uint32_t{protocol} : kProtocolVlan, tag);
  reset_mac_bytes(skb);
  skb.refresh();
  return result;
}

std::int64_t skb_vlan_pop(Skb& skb) {
  const std::int64_t result = pop_tag(skb);
  reset_mac_bytes(skb);
  skb.refresh();
  return result;
}

std::int64_t skb_change_proto(Skb& skb, std::uint16_t protocol, std::uint64_t flags) {
  if (flags != 0) return -EINVAL;
  constexpr std::uint32_t kDifference = kIpv6Bytes - kIpv4Bytes;
  const auto offset = static_cast<std::uint32_t>(skb.mac_header_bytes());
  std::int64_t result = -abi::ENOTSUPP;
  if (skb.seen().protocol == kProtocolIpv4 && protocol == kProtocolIpv6)
    result = insert(skb, offset, kDifference);
  else if (skb.seen().protocol == kProtocolIpv6 && protocol == kProtocolIpv4)
    result = remove(skb, offset, kDifference);
  if (result != 0) return result;
  skb.seen().protocol = protocol;
  skb.clear_hash();
  if (skb.is_gso()) skb.has_gso_kind = true;
  skb.refresh();
  return 0;
}

std::int64_t skb_change_tail(Skb& skb, std::uint32_t length, std::uint64_t flags) {
  if (flags != 0 || length > kMaxSkbBytes || length < shortest(skb)) return -EINVAL;
  if (skb.encapsulated) return -abi::ENOTSUPP;
  if (length != skb.length() && skb.checksum.state == State::complete)
    skb.checksum.state = State::none;
  if (!skb.resize(length)) return -ENOMEM;
  if (skb.is_gso()) {
    skb.has_gso_kind = false;
    skb.seen().gso_size = 0;
    skb.seen().gso_segs = 0;
  }
  skb.refresh();
  return 0;
}

std::int64_t skb_change_head(Skb& skb, std::uint32_t count, std::uint64_t flags) {
  const std::uint64_t length = std::uint64_t{skb.length()} + count;
  if (flags != 0 || count > 0x7fff'ffff || (!skb.is_gso() && length > kMaxSkbBytes)) return -EINVAL;
  if (!skb.push(count)) return -ENOMEM;
  if (const auto room = skb.part(0, count)) std::ranges::fill(*room, std::byte{0});
  skb.set_mac_offset(0);
  reset_mac_bytes(skb);
  skb.refresh();
  return 0;
}

std::int64_t skb_adjust_room(Skb& skb, std::int32_t difference, std::uint32_t mode,
                             std::uint64_t flags) {
  if ((flags & ~kRoomFlags) != 0) return -EINVAL;
  if (difference > std::int32_t{kMaxRoom} || difference < -std::int32_t{kMaxRoom}) return -EFAULT;
  if (skb.seen().protocol != kProtocolIpv4 && skb.seen().protocol != kProtocolIpv6)
    return -abi::ENOTSUPP;
  if (mode != abi::BPF_ADJ_ROOM_NET && mode != abi::BPF_ADJ_ROOM_MAC) return -abi::ENOTSUPP;
  auto offset = static_cast<std::uint32_t>(skb.mac_header_bytes());
  if (mode == abi::BPF_ADJ_ROOM_NET) offset += network_header_bytes(skb);
  std::uint32_t smallest = network_header_bytes(skb);
  if ((flags & kDecapL3) != 0) {
    if (difference >= 0 || (flags & kDecapL3) == kDecapL3) return -EINVAL;
    smallest = (flags & abi::BPF_F_ADJ_ROOM_DECAP_L3_IPV4) != 0 ? kIpv4Bytes : kIpv6Bytes;
  }
  if (!room_fits(skb, difference, smallest)) return -abi::ENOTSUPP;
  const auto count = static_cast<std::uint32_t>(std::abs(difference));
  const std::int64_t result = difference < 0 ? shrink_room(skb, offset, count, flags)
                                             : grow_room(skb, offset, count, flags);
  const bool reset = (flags & abi::BPF_F_ADJ_ROOM_NO_CSUM_RESET) == 0;
  if (result == 0 && reset && skb.checksum.state == State::unnecessary) skb.checksum = {};
  skb.refresh();
  return result;
}

}  // namespace skep::machine
