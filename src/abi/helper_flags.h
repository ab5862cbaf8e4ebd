// SPDX-License-Identifier: Apache-2.0
// Flags and modes that programs give to helpers, and what helpers answer besides an errno. Those of
// the rings are in rings.h, those of map elements in map_types.h.
#pragma once

#include <cstdint>

#include "abi/system_macros.h"

namespace skep::abi {

// NOLINTBEGIN(readability-identifier-naming): names of the kernel's interface

// bpf_get_stackid, bpf_get_stack
enum : std::uint64_t {
  BPF_F_SKIP_FIELD_MASK = 0xff,
  BPF_F_USER_STACK = 1ULL << 8,
  BPF_F_FAST_STACK_CMP = 1ULL << 9,
  BPF_F_REUSE_STACKID = 1ULL << 10,
  BPF_F_USER_BUILD_ID = 1ULL << 11,
};

// bpf_{sk,inode,task,cgrp}_storage_get
enum : std::uint64_t {
  BPF_LOCAL_STORAGE_GET_F_CREATE = 1ULL << 0,
  BPF_SK_STORAGE_GET_F_CREATE = BPF_LOCAL_STORAGE_GET_F_CREATE,
};

// bpf_timer_start
enum : std::uint64_t {
  BPF_F_TIMER_ABS = 1ULL << 0,
  BPF_F_TIMER_CPU_PIN = 1ULL << 1,
};

// bpf_copy_from_user_str and its like
inline constexpr std::uint64_t BPF_F_PAD_ZEROS = 1ULL << 0;

// bpf_snprintf_btf
enum : std::uint64_t {
  BTF_F_COMPACT = 1ULL << 0,
  BTF_F_NONAME = 1ULL << 1,
  BTF_F_PTR_RAW = 1ULL << 2,
  BTF_F_ZERO = 1ULL << 3,
};

inline constexpr std::uint64_t BPF_F_SYSCTL_BASE_NAME = 1ULL << 0;
inline constexpr std::uint64_t BPF_F_BPRM_SECUREEXEC = 1ULL << 0;
inline constexpr std::uint64_t BPF_F_GET_BRANCH_RECORDS_SIZE = 1ULL << 0;

// bpf_skb_store_bytes
enum : std::uint64_t {
  BPF_F_RECOMPUTE_CSUM = 1ULL << 0,
  BPF_F_INVALIDATE_HASH = 1ULL << 1,
};

// bpf_l3_csum_replace, bpf_l4_csum_replace
enum : std::uint64_t {
  BPF_F_HDR_FIELD_MASK = 0xf,
  BPF_F_PSEUDO_HDR = 1ULL << 4,
  BPF_F_MARK_MANGLED_0 = 1ULL << 5,
  BPF_F_MARK_ENFORCE = 1ULL << 6,
  BPF_F_IPV6 = 1ULL << 7,
};

// bpf_csum_level
enum : std::uint64_t {
  BPF_CSUM_LEVEL_QUERY = 0,
  BPF_CSUM_LEVEL_INC = 1,
  BPF_CSUM_LEVEL_DEC = 2,
  BPF_CSUM_LEVEL_RESET = 3,
};

// bpf_skb_{get,set}_tunnel_key
enum : std::uint64_t {
  BPF_F_TUNINFO_IPV6 = 1ULL << 0,
  BPF_F_ZERO_CSUM_TX = 1ULL << 1,
  BPF_F_DONT_FRAGMENT = 1ULL << 2,
  BPF_F_SEQ_NUMBER = 1ULL << 3,
  BPF_F_NO_TUNNEL_KEY = 1ULL << 4,
  BPF_F_TUNINFO_FLAGS = 1ULL << 4,
};

// bpf_skb_adjust_room
enum bpf_adj_room_mode : std::uint32_t {
  BPF_ADJ_ROOM_NET = 0,
  BPF_ADJ_ROOM_MAC = 1,
};
enum : std::uint64_t {
  BPF_F_ADJ_ROOM_FIXED_GSO = 1ULL << 0,
  BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 = 1ULL << 1,
  BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 = 1ULL << 2,
  BPF_F_ADJ_ROOM_ENCAP_L4_GRE = 1ULL << 3,
  BPF_F_ADJ_ROOM_ENCAP_L4_UDP = 1ULL << 4,
  BPF_F_ADJ_ROOM_NO_CSUM_RESET = 1ULL << 5,
  BPF_F_ADJ_ROOM_ENCAP_L2_ETH = 1ULL << 6,
  BPF_F_ADJ_ROOM_DECAP_L3_IPV4 = 1ULL << 7,
  BPF_F_ADJ_ROOM_DECAP_L3_IPV6 = 1ULL << 8,
};
// The length of an inner layer 2 header stands in the flags' highest byte.
inline constexpr std::uint64_t BPF_ADJ_ROOM_ENCAP_L2_MASK = 0xff;
inline constexpr std::uint64_t BPF_ADJ_ROOM_ENCAP_L2_SHIFT = 56;

// bpf_skb_load_bytes_relative
enum bpf_hdr_start_off : std::uint32_t {
  BPF_HDR_START_MAC = 0,
  BPF_HDR_START_NET = 1,
};

// bpf_skb_set_tstamp has its types beside __sk_buff's.

// bpf_lwt_push_encap
enum bpf_lwt_encap_mode : std::uint32_t {
  BPF_LWT_ENCAP_SEG6 = 0,
  BPF_LWT_ENCAP_SEG6_INLINE = 1,
  BPF_LWT_ENCAP_IP = 2,
};

// bpf_redirect, bpf_clone_redirect, bpf_redirect_map; sk_msg and sk_skb know BPF_F_INGRESS alone
enum : std::uint64_t {
  BPF_F_INGRESS = 1ULL << 0,
  BPF_F_BROADCAST = 1ULL << 3,
  BPF_F_EXCLUDE_INGRESS = 1ULL << 4,
  BPF_F_REDIRECT_FLAGS = BPF_F_INGRESS | BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS,
};

// bpf_sk_assign of sk_lookup
enum : std::uint64_t {
  BPF_SK_LOOKUP_F_REPLACE = 1ULL << 0,
  BPF_SK_LOOKUP_F_NO_REUSEPORT = 1ULL << 1,
};

// the netns argument of bpf_sk_lookup_tcp and its like
inline constexpr std::int32_t BPF_F_CURRENT_NETNS = -1;

// bpf_check_mtu
inline constexpr std::uint64_t BPF_MTU_CHK_SEGS = 1ULL << 0;
enum bpf_check_mtu_ret : std::uint32_t {
  BPF_MTU_CHK_RET_SUCCESS = 0,
  BPF_MTU_CHK_RET_FRAG_NEEDED = 1,
  BPF_MTU_CHK_RET_SEGS_TOOBIG = 2,
};

// bpf_fib_lookup
enum : std::uint32_t {
  BPF_FIB_LOOKUP_DIRECT = 1U << 0,
  BPF_FIB_LOOKUP_OUTPUT = 1U << 1,
  BPF_FIB_LOOKUP_SKIP_NEIGH = 1U << 2,
  BPF_FIB_LOOKUP_TBID = 1U << 3,
  BPF_FIB_LOOKUP_SRC = 1U << 4,
  BPF_FIB_LOOKUP_MARK = 1U << 5,
};
enum : std::uint32_t {
  BPF_FIB_LKUP_RET_SUCCESS = 0,
  BPF_FIB_LKUP_RET_BLACKHOLE = 1,
  BPF_FIB_LKUP_RET_UNREACHABLE = 2,
  BPF_FIB_LKUP_RET_PROHIBIT = 3,
  BPF_FIB_LKUP_RET_NOT_FWDED = 4,
  BPF_FIB_LKUP_RET_FWD_DISABLED = 5,
  BPF_FIB_LKUP_RET_UNSUPP_LWT = 6,
  BPF_FIB_LKUP_RET_NO_NEIGH = 7,
  BPF_FIB_LKUP_RET_FRAG_NEEDED = 8,
  BPF_FIB_LKUP_RET_NO_SRC_ADDR = 9,
};

// bpf_load_hdr_opt
inline constexpr std::uint64_t BPF_LOAD_HDR_OPT_TCP_SYN = 1ULL << 0;

// bpf_sock_ops.op
enum : std::uint32_t {
  BPF_SOCK_OPS_VOID = 0,
  BPF_SOCK_OPS_TIMEOUT_INIT = 1,
  BPF_SOCK_OPS_RWND_INIT = 2,
  BPF_SOCK_OPS_TCP_CONNECT_CB = 3,
  BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB = 4,
  BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB = 5,
  BPF_SOCK_OPS_NEEDS_ECN = 6,
  BPF_SOCK_OPS_BASE_RTT = 7,
  BPF_SOCK_OPS_RTO_CB = 8,
  BPF_SOCK_OPS_RETRANS_CB = 9,
  BPF_SOCK_OPS_STATE_CB = 10,
  BPF_SOCK_OPS_TCP_LISTEN_CB = 11,
  BPF_SOCK_OPS_RTT_CB = 12,
  BPF_SOCK_OPS_PARSE_HDR_OPT_CB = 13,
  BPF_SOCK_OPS_HDR_OPT_LEN_CB = 14,
  BPF_SOCK_OPS_WRITE_HDR_OPT_CB = 15,
  BPF_SOCK_OPS_TSTAMP_SCHED_CB = 16,
  BPF_SOCK_OPS_TSTAMP_SND_SW_CB = 17,
  BPF_SOCK_OPS_TSTAMP_SND_HW_CB = 18,
  BPF_SOCK_OPS_TSTAMP_ACK_CB = 19,
  BPF_SOCK_OPS_TSTAMP_SENDMSG_CB = 20,
};

// bpf_sock_ops_cb_flags_set
enum : std::uint32_t {
  BPF_SOCK_OPS_RTO_CB_FLAG = 1U << 0,
  BPF_SOCK_OPS_RETRANS_CB_FLAG = 1U << 1,
  BPF_SOCK_OPS_STATE_CB_FLAG = 1U << 2,
  BPF_SOCK_OPS_RTT_CB_FLAG = 1U << 3,
  BPF_SOCK_OPS_PARSE_ALL_HDR_OPT_CB_FLAG = 1U << 4,
  BPF_SOCK_OPS_PARSE_UNKNOWN_HDR_OPT_CB_FLAG = 1U << 5,
  BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG = 1U << 6,
  BPF_SOCK_OPS_ALL_CB_FLAGS = 0x7f,
};

// NOLINTEND(readability-identifier-naming)

}  // namespace skep::abi
