// SPDX-License-Identifier: Apache-2.0
#include "machine/skb_marks.h"

#include <bit>
#include <cerrno>

#include "abi/helper_flags.h"
#include "abi/return_codes.h"
#include "machine/checksum.h"

namespace skep::machine {

namespace {

constexpr std::uint32_t kOtherHost = 3;  // the last kind of packet a program may set
constexpr unsigned kMaxVlanDepth = 8;
constexpr std::size_t kMaxClones = 64;
constexpr std::int64_t kUnknownLength = 0xffff;

// The protocol behind any VLAN tags; 0 when they do not end.
std::uint32_t inner_protocol(Skb& skb) {
  std::uint32_t protocol = skb.seen().protocol;
  std::int64_t at =
      skb.mac_bytes >= kVlanBytes ? skb.mac_bytes - kVlanBytes : engine::kEthernetHeaderBytes;
  for (unsigned depth = 1; is_vlan(protocol); ++depth, at += kVlanBytes) {
    const auto tag = skb.part(at, kVlanBytes);
    if (!tag || depth == kMaxVlanDepth) return 0;
    protocol = load<std::uint16_t>(tag->data() + 2);
  }
  return protocol;
}

constexpr std::uint8_t kEcnMask = 3;

std::int64_t mark_ipv4(std::span<std::byte> header) {
  const auto tos = std::to_integer<std::uint8_t>(header[1]);
  const std::uint8_t ecn = tos & kEcnMask;
  if (ecn == 0) return 0;
  if (ecn == kEcnMask) return 1;
  const auto before = load<std::uint16_t>(header.data());
  header[1] = std::byte{static_cast<std::uint8_t>(tos | kEcnMask)};
  const auto after = load<std::uint16_t>(header.data());
  const auto checksum = load<std::uint16_t>(header.data() + 10);
  // Not checksum_after16: what is added is the difference, whatever the checksum was.
  const auto added = add_sums16(before, static_cast<std::uint16_t>(~after));
  store(header.data() + 10, add_sums16(checksum, added));
  return 1;
}

std::int64_t mark_ipv6(Skb& skb, std::span<std::byte> header) {
  const auto before = load<std::uint32_t>(header.data());
  constexpr auto kMark = big_endian(std::uint32_t{kEcnMask} << 20);
  if ((before & kMark) == 0) return 0;
  const std::uint32_t after = before | kMark;
  store(header.data(), after);
  if (skb.checksum.state == SkbChecksum::State::complete)
    skb.checksum.sum = add_sums(subtract_sums(skb.checksum.sum, before), after);
  return 1;
}

// A multiply and a rotation for each word: enough to spread flows.
std::uint32_t mix(std::uint32_t hash, std::uint32_t word) {
  return std::rotl((hash ^ word) * 0x9e3779b1U, 15);
}

std::uint32_t flow_hash(Skb& skb) {
  const std::uint32_t protocol = inner_protocol(skb);
  const std::int64_t at = skb.network_offset();
  std::uint32_t hash = mix(0x5bd1e995U, protocol);
  const bool ipv4 = protocol == kProtocolIpv4;
  const std::uint32_t header_bytes = ipv4 ? kIpv4Bytes : kIpv6Bytes;
  const auto header = skb.part(at, header_bytes);
  if (!header || (!ipv4 && protocol != kProtocolIpv6)) return hash | 1;
  for (std::uint32_t word = ipv4 ? 12 : 8; word < header_bytes; word += 4)
    hash = mix(hash, load<std::uint32_t>(header->data() + word));
  const auto transport = std::to_integer<std::uint8_t>((*header)[ipv4 ? 9 : 6]);
  hash = mix(hash, transport);
  const std::uint32_t length =
      ipv4 ? (std::to_integer<std::uint32_t>((*header)[0]) & 0xf) * 4 : header_bytes;
  constexpr std::uint8_t kTcp = 6;
  constexpr std::uint8_t kUdp = 17;
  if (transport == kTcp || transport == kUdp)
    if (const auto ports = skb.part(at + length, 4))
      hash = mix(hash, load<std::uint32_t>(ports->data()));
  return hash | 1;  // 0 means none
}

constexpr std::uint64_t kBeyondIngress = ~std::uint64_t{abi::BPF_F_INGRESS};

}  // namespace

std::int64_t skb_change_type(Skb& skb, std::uint32_t kind) {
  if (skb.seen().pkt_type > kOtherHost || kind > kOtherHost) return -EINVAL;
  skb.seen().pkt_type = kind;
  return 0;
}

std::int64_t get_hash_recalc(Skb& skb) {
  if (!skb.has_hash()) skb.set_hash(flow_hash(skb));
  return skb.seen().hash;
}

std::int64_t skb_set_hash(Skb& skb, std::uint32_t hash) {
  skb.set_hash(hash);
  return 0;
}

std::int64_t skb_set_hash_invalid(Skb& skb) {
  skb.clear_hash();
  return 0;
}

std::int64_t get_cgroup_classid(const Skb&) { return 0; }

std::int64_t skb_ecn_set_ce(Skb& skb) {
  const std::uint32_t protocol = inner_protocol(skb);
  const bool ipv4 = protocol == kProtocolIpv4;
  if (!ipv4 && protocol != kProtocolIpv6) return 0;
  const auto header = skb.part(skb.network_offset(), ipv4 ? kIpv4Bytes : kIpv6Bytes);
  if (!header) return 0;
  return ipv4 ? mark_ipv4(*header) : mark_ipv6(skb, *header);
}

std::int64_t skb_set_tstamp(Skb& skb, std::uint64_t time_ns, std::uint32_t clock) {
  if (skb.seen().protocol != kProtocolIpv4 && skb.seen().protocol != kProtocolIpv6)
    return -EOPNOTSUPP;
  if (clock > abi::BPF_SKB_CLOCK_TAI) return -EINVAL;
  if (clock != abi::BPF_SKB_CLOCK_REALTIME && time_ns == 0) return -EINVAL;
  skb.seen().tstamp = time_ns;
  skb.seen().tstamp_type = static_cast<std::uint8_t>(clock);
  return 0;
}

std::int64_t skb_check_mtu(const Skb& skb, const Devices& devices, std::uint32_t ifindex,
                           std::uint32_t& mtu_length, std::int32_t difference,
                           std::uint64_t flags) {
  if ((flags & ~std::uint64_t{abi::BPF_MTU_CHK_SEGS}) != 0) return -EINVAL;
  const bool segments = (flags & abi::BPF_MTU_CHK_SEGS) != 0;
  if (segments && (difference != 0 || mtu_length != 0)) return -EINVAL;
  const auto device = devices.by_index(ifindex == 0 ? skb.seen().ifindex : ifindex);
  if (!device) return -ENODEV;
  // In 32 bits, as Linux counts.
  const std::uint32_t length =
      (mtu_length != 0 ? mtu_length + device->header_bytes : skb.length()) +
      static_cast<std::uint32_t>(difference);
  const bool fits = static_cast<std::int32_t>(length) <=
                    static_cast<std::int32_t>(device->mtu + device->header_bytes);
  mtu_length = device->mtu;
  if (fits) return 0;
  if (!skb.is_gso()) return abi::BPF_MTU_CHK_RET_FRAG_NEEDED;
  // A segment's headers are known only as far as somebody set the transport header.
  const auto transport = skb.transport_offset();
  const std::int64_t segment =
      transport ? *transport - skb.network_offset() + skb.seen().gso_size : kUnknownLength;
  const bool too_big = segments && segment > std::int64_t{device->mtu};
  return too_big ? abi::BPF_MTU_CHK_RET_SEGS_TOOBIG : abi::BPF_MTU_CHK_RET_SUCCESS;
}

std::int64_t skb_redirect(Skb& skb, std::uint32_t ifindex, std::uint64_t flags) {
  if ((flags & kBeyondIngress) != 0) return abi::TC_ACT_SHOT;
  skb.redirect = {.way = Redirect::Way::device, .ifindex = ifindex, .flags = flags};
  return abi::TC_ACT_REDIRECT;
}

std::int64_t skb_redirect_peer(Skb& skb, std::uint32_t ifindex, std::uint64_t flags) {
  if (flags != 0) return abi::TC_ACT_SHOT;
  skb.redirect = {.way = Redirect::Way::peer, .ifindex = ifindex};
  return abi::TC_ACT_REDIRECT;
}

std::int64_t skb_redirect_neigh(Skb& skb, std::uint32_t ifindex, std::uint32_t parameter_bytes,
                                std::uint64_t flags) {
  constexpr std::uint32_t kNeighbourBytes = 20;  // struct bpf_redir_neigh
  if ((parameter_bytes != 0 && parameter_bytes < kNeighbourBytes) || flags != 0)
    return abi::TC_ACT_SHOT;
  skb.redirect = {.way = Redirect::Way::neighbour, .ifindex = ifindex};
  return abi::TC_ACT_REDIRECT;
}

std::int64_t clone_redirect(const Skb& skb, const Devices& devices, std::uint32_t ifindex,
                            std::uint64_t flags, std::vector<SentClone>& sent) {
  if ((flags & kBeyondIngress) != 0) return -EINVAL;
  if (skb.is_gso() && !skb.has_gso_kind) return -EBADMSG;
  if (!devices.by_index(ifindex)) return -EINVAL;
  if (sent.size() >= kMaxClones) return -ENOMEM;  // a loop must not eat the machine's memory
  sent.push_back(
      {.ifindex = ifindex, .flags = flags, .bytes = Bytes(skb.bytes().begin(), skb.bytes().end())});
  return 0;
}

}  // namespace skep::machine
