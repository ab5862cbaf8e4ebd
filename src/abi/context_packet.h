// SPDX-License-Identifier: Apache-2.0
// Contexts of programs that see packets, as the programs see them (kernel:
// include/uapi/linux/bpf.h). What Linux declares as a pointer is 64 bits wide here too. Plain data,
// no owner.
#pragma once

#include <cstddef>
#include <cstdint>

// NOLINTBEGIN(readability-identifier-naming,bugprone-reserved-identifier)
namespace skep::abi {

struct __sk_buff {
  std::uint32_t len;
  std::uint32_t pkt_type;
  std::uint32_t mark;
  std::uint32_t queue_mapping;
  std::uint32_t protocol;
  std::uint32_t vlan_present;
  std::uint32_t vlan_tci;
  std::uint32_t vlan_proto;
  std::uint32_t priority;
  std::uint32_t ingress_ifindex;
  std::uint32_t ifindex;
  std::uint32_t tc_index;
  std::uint32_t cb[5];
  std::uint32_t hash;
  std::uint32_t tc_classid;
  std::uint32_t data;
  std::uint32_t data_end;
  std::uint32_t napi_id;
  std::uint32_t family;
  std::uint32_t remote_ip4;
  std::uint32_t local_ip4;
  std::uint32_t remote_ip6[4];
  std::uint32_t local_ip6[4];
  std::uint32_t remote_port;
  std::uint32_t local_port;
  std::uint32_t data_meta;
  std::uint64_t flow_keys;
  std::uint64_t tstamp;
  std::uint32_t wire_len;
  std::uint32_t gso_segs;
  std::uint64_t sk;
  std::uint32_t gso_size;
  std::uint8_t tstamp_type;
  std::uint8_t hole_181[3];
  std::uint64_t hwtstamp;
};
static_assert(sizeof(__sk_buff) == 192);
static_assert(offsetof(__sk_buff, cb) == 48);
static_assert(offsetof(__sk_buff, data) == 76);
static_assert(offsetof(__sk_buff, family) == 88);
static_assert(offsetof(__sk_buff, data_meta) == 140);
static_assert(offsetof(__sk_buff, flow_keys) == 144);
static_assert(offsetof(__sk_buff, tstamp) == 152);
static_assert(offsetof(__sk_buff, sk) == 168);
static_assert(offsetof(__sk_buff, tstamp_type) == 180);
static_assert(offsetof(__sk_buff, hwtstamp) == 184);

// What __sk_buff::tstamp_type says of tstamp.
inline constexpr std::uint8_t BPF_SKB_CLOCK_REALTIME = 0;
inline constexpr std::uint8_t BPF_SKB_CLOCK_MONOTONIC = 1;
inline constexpr std::uint8_t BPF_SKB_CLOCK_TAI = 2;

struct xdp_md {
  std::uint32_t data;
  std::uint32_t data_end;
  std::uint32_t data_meta;
  std::uint32_t ingress_ifindex;
  std::uint32_t rx_queue_index;
  std::uint32_t egress_ifindex;
};
static_assert(sizeof(xdp_md) == 24);

// Linux leaves the two address pairs unnamed; here they are `ipv4` and `ipv6`.
struct bpf_flow_addresses4 {
  std::uint32_t src;
  std::uint32_t dst;
};
struct bpf_flow_addresses6 {
  std::uint32_t src[4];
  std::uint32_t dst[4];
};
struct bpf_flow_keys {
  std::uint16_t nhoff;
  std::uint16_t thoff;
  std::uint16_t addr_proto;
  std::uint8_t is_frag;
  std::uint8_t is_first_frag;
  std::uint8_t is_encap;
  std::uint8_t ip_proto;
  std::uint16_t n_proto;
  std::uint16_t sport;
  std::uint16_t dport;
  union {
    bpf_flow_addresses4 ipv4;
    bpf_flow_addresses6 ipv6;
  };
  std::uint32_t flags;
  std::uint32_t flow_label;
};
static_assert(sizeof(bpf_flow_keys) == 56);
static_assert(offsetof(bpf_flow_keys, sport) == 12);
static_assert(offsetof(bpf_flow_keys, ipv6) == 16);
static_assert(offsetof(bpf_flow_keys, flags) == 48);

inline constexpr std::uint32_t BPF_FLOW_DISSECTOR_F_PARSE_1ST_FRAG = 1U << 0;
inline constexpr std::uint32_t BPF_FLOW_DISSECTOR_F_STOP_AT_FLOW_LABEL = 1U << 1;
inline constexpr std::uint32_t BPF_FLOW_DISSECTOR_F_STOP_AT_ENCAP = 1U << 2;

// Two kernel pointers, typed by BTF.
struct bpf_nf_ctx {
  std::uint64_t state;
  std::uint64_t skb;
};
static_assert(sizeof(bpf_nf_ctx) == 16);

}  // namespace skep::abi
// NOLINTEND(readability-identifier-naming,bugprone-reserved-identifier)
