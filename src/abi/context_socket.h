// SPDX-License-Identifier: Apache-2.0
// Contexts of programs that see sockets, as the programs see them (kernel:
// include/uapi/linux/bpf.h). What Linux declares as a pointer is 64 bits wide here too; members
// named hole_N are padding, N is their offset. Plain data, no owner.
#pragma once

#include <cstddef>
#include <cstdint>

// NOLINTBEGIN(readability-identifier-naming)
namespace skep::abi {

struct bpf_sock {
  std::uint32_t bound_dev_if;
  std::uint32_t family;
  std::uint32_t type;
  std::uint32_t protocol;
  std::uint32_t mark;
  std::uint32_t priority;
  std::uint32_t src_ip4;
  std::uint32_t src_ip6[4];
  std::uint32_t src_port;
  std::uint16_t dst_port;
  std::uint16_t hole_50;
  std::uint32_t dst_ip4;
  std::uint32_t dst_ip6[4];
  std::uint32_t state;
  std::int32_t rx_queue_mapping;
};
static_assert(sizeof(bpf_sock) == 80);
static_assert(offsetof(bpf_sock, src_port) == 44);
static_assert(offsetof(bpf_sock, dst_ip4) == 52);

struct bpf_tcp_sock {
  std::uint32_t snd_cwnd;
  std::uint32_t srtt_us;
  std::uint32_t rtt_min;
  std::uint32_t snd_ssthresh;
  std::uint32_t rcv_nxt;
  std::uint32_t snd_nxt;
  std::uint32_t snd_una;
  std::uint32_t mss_cache;
  std::uint32_t ecn_flags;
  std::uint32_t rate_delivered;
  std::uint32_t rate_interval_us;
  std::uint32_t packets_out;
  std::uint32_t retrans_out;
  std::uint32_t total_retrans;
  std::uint32_t segs_in;
  std::uint32_t data_segs_in;
  std::uint32_t segs_out;
  std::uint32_t data_segs_out;
  std::uint32_t lost_out;
  std::uint32_t sacked_out;
  std::uint64_t bytes_received;
  std::uint64_t bytes_acked;
  std::uint32_t dsack_dups;
  std::uint32_t delivered;
  std::uint32_t delivered_ce;
  std::uint32_t icsk_retransmits;
};
static_assert(sizeof(bpf_tcp_sock) == 112);
static_assert(offsetof(bpf_tcp_sock, bytes_received) == 80);

struct bpf_sock_ops {
  std::uint32_t op;
  union {
    std::uint32_t args[4];
    std::uint32_t reply;
    std::uint32_t replylong[4];
  };
  std::uint32_t family;
  std::uint32_t remote_ip4;
  std::uint32_t local_ip4;
  std::uint32_t remote_ip6[4];
  std::uint32_t local_ip6[4];
  std::uint32_t remote_port;
  std::uint32_t local_port;
  std::uint32_t is_fullsock;
  std::uint32_t snd_cwnd;
  std::uint32_t srtt_us;
  std::uint32_t bpf_sock_ops_cb_flags;
  std::uint32_t state;
  std::uint32_t rtt_min;
  std::uint32_t snd_ssthresh;
  std::uint32_t rcv_nxt;
  std::uint32_t snd_nxt;
  std::uint32_t snd_una;
  std::uint32_t mss_cache;
  std::uint32_t ecn_flags;
  std::uint32_t rate_delivered;
  std::uint32_t rate_interval_us;
  std::uint32_t packets_out;
  std::uint32_t retrans_out;
  std::uint32_t total_retrans;
  std::uint32_t segs_in;
  std::uint32_t data_segs_in;
  std::uint32_t segs_out;
  std::uint32_t data_segs_out;
  std::uint32_t lost_out;
  std::uint32_t sacked_out;
  std::uint32_t sk_txhash;
  std::uint64_t bytes_received;
  std::uint64_t bytes_acked;
  std::uint64_t sk;
  std::uint64_t skb_data;
  std::uint64_t skb_data_end;
  std::uint32_t skb_len;
  std::uint32_t skb_tcp_flags;
  std::uint64_t skb_hwtstamp;
};
static_assert(sizeof(bpf_sock_ops) == 224);
static_assert(offsetof(bpf_sock_ops, family) == 20);
static_assert(offsetof(bpf_sock_ops, sk_txhash) == 164);
static_assert(offsetof(bpf_sock_ops, sk) == 184);
static_assert(offsetof(bpf_sock_ops, skb_hwtstamp) == 216);

struct bpf_sock_addr {
  std::uint32_t user_family;
  std::uint32_t user_ip4;
  std::uint32_t user_ip6[4];
  std::uint32_t user_port;
  std::uint32_t family;
  std::uint32_t type;
  std::uint32_t protocol;
  std::uint32_t msg_src_ip4;
  std::uint32_t msg_src_ip6[4];
  std::uint32_t hole_60;
  std::uint64_t sk;
};
static_assert(sizeof(bpf_sock_addr) == 72);
static_assert(offsetof(bpf_sock_addr, user_port) == 24);
static_assert(offsetof(bpf_sock_addr, sk) == 64);

struct sk_msg_md {
  std::uint64_t data;
  std::uint64_t data_end;
  std::uint32_t family;
  std::uint32_t remote_ip4;
  std::uint32_t local_ip4;
  std::uint32_t remote_ip6[4];
  std::uint32_t local_ip6[4];
  std::uint32_t remote_port;
  std::uint32_t local_port;
  std::uint32_t size;
  std::uint64_t sk;
};
static_assert(sizeof(sk_msg_md) == 80);
static_assert(offsetof(sk_msg_md, size) == 68);

struct sk_reuseport_md {
  std::uint64_t data;
  std::uint64_t data_end;
  std::uint32_t len;
  std::uint32_t eth_protocol;
  std::uint32_t ip_protocol;
  std::uint32_t bind_inany;
  std::uint32_t hash;
  std::uint32_t hole_36;
  std::uint64_t sk;
  std::uint64_t migrating_sk;
};
static_assert(sizeof(sk_reuseport_md) == 56);
static_assert(offsetof(sk_reuseport_md, sk) == 40);

struct bpf_sk_lookup {
  union {
    std::uint64_t sk;
    std::uint64_t cookie;  // set for BPF_PROG_TEST_RUN
  };
  std::uint32_t family;
  std::uint32_t protocol;
  std::uint32_t remote_ip4;
  std::uint32_t remote_ip6[4];
  std::uint16_t remote_port;
  std::uint16_t hole_38;
  std::uint32_t local_ip4;
  std::uint32_t local_ip6[4];
  std::uint32_t local_port;
  std::uint32_t ingress_ifindex;
};
static_assert(sizeof(bpf_sk_lookup) == 72);
static_assert(offsetof(bpf_sk_lookup, remote_port) == 36);
static_assert(offsetof(bpf_sk_lookup, local_ip4) == 40);
static_assert(offsetof(bpf_sk_lookup, ingress_ifindex) == 64);

}  // namespace skep::abi
// NOLINTEND(readability-identifier-naming)
