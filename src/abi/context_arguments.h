// SPDX-License-Identifier: Apache-2.0
// Structures that programs hand to helpers for packets and sockets (kernel:
// include/uapi/linux/bpf.h). Plain data, no owner.
#pragma once

#include <cstddef>
#include <cstdint>

// NOLINTBEGIN(readability-identifier-naming)
namespace skep::abi {

struct bpf_sock_tuple4 {
  std::uint32_t saddr;
  std::uint32_t daddr;
  std::uint16_t sport;
  std::uint16_t dport;
};
struct bpf_sock_tuple6 {
  std::uint32_t saddr[4];
  std::uint32_t daddr[4];
  std::uint16_t sport;
  std::uint16_t dport;
};
struct bpf_sock_tuple {
  union {
    bpf_sock_tuple4 ipv4;
    bpf_sock_tuple6 ipv6;
  };
};
static_assert(sizeof(bpf_sock_tuple) == 36);
static_assert(sizeof(bpf_sock_tuple::ipv4) == 12);

struct bpf_tunnel_key {
  std::uint32_t tunnel_id;
  union {
    std::uint32_t remote_ipv4;
    std::uint32_t remote_ipv6[4];
  };
  std::uint8_t tunnel_tos;
  std::uint8_t tunnel_ttl;
  union {
    std::uint16_t tunnel_ext;
    std::uint16_t tunnel_flags;
  };
  std::uint32_t tunnel_label;
  union {
    std::uint32_t local_ipv4;
    std::uint32_t local_ipv6[4];
  };
};
static_assert(sizeof(bpf_tunnel_key) == 44);
static_assert(offsetof(bpf_tunnel_key, tunnel_label) == 24);

struct bpf_xfrm_state {
  std::uint32_t reqid;
  std::uint32_t spi;
  std::uint16_t family;
  std::uint16_t ext;
  union {
    std::uint32_t remote_ipv4;
    std::uint32_t remote_ipv6[4];
  };
};
static_assert(sizeof(bpf_xfrm_state) == 28);

// Linux leaves two groups unnamed; here they are `vlan` and `mac`.
struct bpf_fib_vlan {
  std::uint16_t h_vlan_proto;
  std::uint16_t h_vlan_TCI;
};
struct bpf_fib_mac {
  std::uint8_t smac[6];
  std::uint8_t dmac[6];
};
struct bpf_fib_lookup {
  std::uint8_t family;
  std::uint8_t l4_protocol;
  std::uint16_t sport;
  std::uint16_t dport;
  union {
    std::uint16_t tot_len;
    std::uint16_t mtu_result;
  };
  std::uint32_t ifindex;
  union {
    std::uint8_t tos;
    std::uint32_t flowinfo;
    std::uint32_t rt_metric;
  };
  union {
    std::uint32_t ipv4_src;
    std::uint32_t ipv6_src[4];
  };
  union {
    std::uint32_t ipv4_dst;
    std::uint32_t ipv6_dst[4];
  };
  union {
    bpf_fib_vlan vlan;
    std::uint32_t tbid;
  };
  union {
    std::uint32_t mark;
    bpf_fib_mac mac;
  };
};
static_assert(sizeof(bpf_fib_lookup) == 64);
static_assert(offsetof(bpf_fib_lookup, ipv6_src) == 16);
static_assert(offsetof(bpf_fib_lookup, vlan) == 48);
static_assert(offsetof(bpf_fib_lookup, mac) == 52);

struct bpf_redir_neigh {
  std::uint32_t nh_family;
  union {
    std::uint32_t ipv4_nh;
    std::uint32_t ipv6_nh[4];
  };
};
static_assert(sizeof(bpf_redir_neigh) == 20);

struct bpf_pidns_info {
  std::uint32_t pid;
  std::uint32_t tgid;
};
static_assert(sizeof(bpf_pidns_info) == 8);

}  // namespace skep::abi
// NOLINTEND(readability-identifier-naming)
