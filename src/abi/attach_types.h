// SPDX-License-Identifier: Apache-2.0
// The attach types of Linux 6.18, and the flags of attaching, replacing and querying.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "abi/name_table.h"
#include "abi/system_macros.h"

namespace skep::abi {

// NOLINTBEGIN(readability-identifier-naming, bugprone-reserved-identifier): the kernel's names

enum bpf_attach_type : std::uint32_t {
  BPF_CGROUP_INET_INGRESS = 0,
  BPF_CGROUP_INET_EGRESS = 1,
  BPF_CGROUP_INET_SOCK_CREATE = 2,
  BPF_CGROUP_SOCK_OPS = 3,
  BPF_SK_SKB_STREAM_PARSER = 4,
  BPF_SK_SKB_STREAM_VERDICT = 5,
  BPF_CGROUP_DEVICE = 6,
  BPF_SK_MSG_VERDICT = 7,
  BPF_CGROUP_INET4_BIND = 8,
  BPF_CGROUP_INET6_BIND = 9,
  BPF_CGROUP_INET4_CONNECT = 10,
  BPF_CGROUP_INET6_CONNECT = 11,
  BPF_CGROUP_INET4_POST_BIND = 12,
  BPF_CGROUP_INET6_POST_BIND = 13,
  BPF_CGROUP_UDP4_SENDMSG = 14,
  BPF_CGROUP_UDP6_SENDMSG = 15,
  BPF_LIRC_MODE2 = 16,
  BPF_FLOW_DISSECTOR = 17,
  BPF_CGROUP_SYSCTL = 18,
  BPF_CGROUP_UDP4_RECVMSG = 19,
  BPF_CGROUP_UDP6_RECVMSG = 20,
  BPF_CGROUP_GETSOCKOPT = 21,
  BPF_CGROUP_SETSOCKOPT = 22,
  BPF_TRACE_RAW_TP = 23,
  BPF_TRACE_FENTRY = 24,
  BPF_TRACE_FEXIT = 25,
  BPF_MODIFY_RETURN = 26,
  BPF_LSM_MAC = 27,
  BPF_TRACE_ITER = 28,
  BPF_CGROUP_INET4_GETPEERNAME = 29,
  BPF_CGROUP_INET6_GETPEERNAME = 30,
  BPF_CGROUP_INET4_GETSOCKNAME = 31,
  BPF_CGROUP_INET6_GETSOCKNAME = 32,
  BPF_XDP_DEVMAP = 33,
  BPF_CGROUP_INET_SOCK_RELEASE = 34,
  BPF_XDP_CPUMAP = 35,
  BPF_SK_LOOKUP = 36,
  BPF_XDP = 37,
  BPF_SK_SKB_VERDICT = 38,
  BPF_SK_REUSEPORT_SELECT = 39,
  BPF_SK_REUSEPORT_SELECT_OR_MIGRATE = 40,
  BPF_PERF_EVENT = 41,
  BPF_TRACE_KPROBE_MULTI = 42,
  BPF_LSM_CGROUP = 43,
  BPF_STRUCT_OPS = 44,
  BPF_NETFILTER = 45,
  BPF_TCX_INGRESS = 46,
  BPF_TCX_EGRESS = 47,
  BPF_TRACE_UPROBE_MULTI = 48,
  BPF_CGROUP_UNIX_CONNECT = 49,
  BPF_CGROUP_UNIX_SENDMSG = 50,
  BPF_CGROUP_UNIX_RECVMSG = 51,
  BPF_CGROUP_UNIX_GETPEERNAME = 52,
  BPF_CGROUP_UNIX_GETSOCKNAME = 53,
  BPF_NETKIT_PRIMARY = 54,
  BPF_NETKIT_PEER = 55,
  BPF_TRACE_KPROBE_SESSION = 56,
  BPF_TRACE_UPROBE_SESSION = 57,
  __MAX_BPF_ATTACH_TYPE,
};

// bpf_attr.attach_flags, and link_create.flags for the hooks with an order (tcx, netkit, cgroup);
// BPF_F_LINK of map_types.h belongs to them.
enum : std::uint32_t {
  BPF_F_ALLOW_OVERRIDE = 1U << 0,
  BPF_F_ALLOW_MULTI = 1U << 1,
  BPF_F_REPLACE = 1U << 2,  // in link_update.flags too
  BPF_F_BEFORE = 1U << 3,
  BPF_F_AFTER = 1U << 4,
  BPF_F_ID = 1U << 5,
  BPF_F_PREORDER = 1U << 6,
};

// bpf_attr.query.query_flags
inline constexpr std::uint32_t BPF_F_QUERY_EFFECTIVE = 1U << 0;

// link_create.{kprobe_multi,uprobe_multi,netfilter}.flags
inline constexpr std::uint32_t BPF_F_KPROBE_MULTI_RETURN = 1U << 0;
inline constexpr std::uint32_t BPF_F_UPROBE_MULTI_RETURN = 1U << 0;
inline constexpr std::uint32_t BPF_F_NETFILTER_IP_DEFRAG = 1U << 0;

// link_create.flags for BPF_XDP, as netlink has them
enum : std::uint32_t {
  XDP_FLAGS_UPDATE_IF_NOEXIST = 1U << 0,
  XDP_FLAGS_SKB_MODE = 1U << 1,
  XDP_FLAGS_DRV_MODE = 1U << 2,
  XDP_FLAGS_HW_MODE = 1U << 3,
  XDP_FLAGS_REPLACE = 1U << 4,
};

// NOLINTEND(readability-identifier-naming, bugprone-reserved-identifier)

struct AttachType {
  bpf_attach_type number;
  std::string_view name;
  // how bpftool names it on its command line for cgroups and tracing; else as `name`
  std::string_view short_name = name;
};

// Names as bpftool prints them.
inline constexpr auto kAttachTypes = std::to_array<AttachType>({
    {BPF_CGROUP_INET_INGRESS, "cgroup_inet_ingress", "ingress"},
    {BPF_CGROUP_INET_EGRESS, "cgroup_inet_egress", "egress"},
    {BPF_CGROUP_INET_SOCK_CREATE, "cgroup_inet_sock_create", "sock_create"},
    {BPF_CGROUP_SOCK_OPS, "cgroup_sock_ops", "sock_ops"},
    {BPF_SK_SKB_STREAM_PARSER, "sk_skb_stream_parser"},
    {BPF_SK_SKB_STREAM_VERDICT, "sk_skb_stream_verdict"},
    {BPF_CGROUP_DEVICE, "cgroup_device", "device"},
    {BPF_SK_MSG_VERDICT, "sk_msg_verdict"},
    {BPF_CGROUP_INET4_BIND, "cgroup_inet4_bind", "bind4"},
    {BPF_CGROUP_INET6_BIND, "cgroup_inet6_bind", "bind6"},
    {BPF_CGROUP_INET4_CONNECT, "cgroup_inet4_connect", "connect4"},
    {BPF_CGROUP_INET6_CONNECT, "cgroup_inet6_connect", "connect6"},
    {BPF_CGROUP_INET4_POST_BIND, "cgroup_inet4_post_bind", "post_bind4"},
    {BPF_CGROUP_INET6_POST_BIND, "cgroup_inet6_post_bind", "post_bind6"},
    {BPF_CGROUP_UDP4_SENDMSG, "cgroup_udp4_sendmsg", "sendmsg4"},
    {BPF_CGROUP_UDP6_SENDMSG, "cgroup_udp6_sendmsg", "sendmsg6"},
    {BPF_LIRC_MODE2, "lirc_mode2"},
    {BPF_FLOW_DISSECTOR, "flow_dissector"},
    {BPF_CGROUP_SYSCTL, "cgroup_sysctl", "sysctl"},
    {BPF_CGROUP_UDP4_RECVMSG, "cgroup_udp4_recvmsg", "recvmsg4"},
    {BPF_CGROUP_UDP6_RECVMSG, "cgroup_udp6_recvmsg", "recvmsg6"},
    {BPF_CGROUP_GETSOCKOPT, "cgroup_getsockopt", "getsockopt"},
    {BPF_CGROUP_SETSOCKOPT, "cgroup_setsockopt", "setsockopt"},
    {BPF_TRACE_RAW_TP, "trace_raw_tp", "raw_tp"},
    {BPF_TRACE_FENTRY, "trace_fentry", "fentry"},
    {BPF_TRACE_FEXIT, "trace_fexit", "fexit"},
    {BPF_MODIFY_RETURN, "modify_return", "mod_ret"},
    {BPF_LSM_MAC, "lsm_mac"},
    {BPF_TRACE_ITER, "trace_iter"},
    {BPF_CGROUP_INET4_GETPEERNAME, "cgroup_inet4_getpeername", "getpeername4"},
    {BPF_CGROUP_INET6_GETPEERNAME, "cgroup_inet6_getpeername", "getpeername6"},
    {BPF_CGROUP_INET4_GETSOCKNAME, "cgroup_inet4_getsockname", "getsockname4"},
    {BPF_CGROUP_INET6_GETSOCKNAME, "cgroup_inet6_getsockname", "getsockname6"},
    {BPF_XDP_DEVMAP, "xdp_devmap"},
    {BPF_CGROUP_INET_SOCK_RELEASE, "cgroup_inet_sock_release", "sock_release"},
    {BPF_XDP_CPUMAP, "xdp_cpumap"},
    {BPF_SK_LOOKUP, "sk_lookup"},
    {BPF_XDP, "xdp"},
    {BPF_SK_SKB_VERDICT, "sk_skb_verdict"},
    {BPF_SK_REUSEPORT_SELECT, "sk_reuseport_select", "sk_skb_reuseport_select"},
    {BPF_SK_REUSEPORT_SELECT_OR_MIGRATE, "sk_reuseport_select_or_migrate",
     "sk_skb_reuseport_select_or_migrate"},
    {BPF_PERF_EVENT, "perf_event"},
    {BPF_TRACE_KPROBE_MULTI, "trace_kprobe_multi"},
    {BPF_LSM_CGROUP, "lsm_cgroup"},
    {BPF_STRUCT_OPS, "struct_ops"},
    {BPF_NETFILTER, "netfilter"},
    {BPF_TCX_INGRESS, "tcx_ingress"},
    {BPF_TCX_EGRESS, "tcx_egress"},
    {BPF_TRACE_UPROBE_MULTI, "trace_uprobe_multi"},
    {BPF_CGROUP_UNIX_CONNECT, "cgroup_unix_connect", "connect_unix"},
    {BPF_CGROUP_UNIX_SENDMSG, "cgroup_unix_sendmsg", "sendmsg_unix"},
    {BPF_CGROUP_UNIX_RECVMSG, "cgroup_unix_recvmsg", "recvmsg_unix"},
    {BPF_CGROUP_UNIX_GETPEERNAME, "cgroup_unix_getpeername", "getpeername_unix"},
    {BPF_CGROUP_UNIX_GETSOCKNAME, "cgroup_unix_getsockname", "getsockname_unix"},
    {BPF_NETKIT_PRIMARY, "netkit_primary"},
    {BPF_NETKIT_PEER, "netkit_peer"},
    {BPF_TRACE_KPROBE_SESSION, "trace_kprobe_session"},
    {BPF_TRACE_UPROBE_SESSION, "trace_uprobe_session"},
});
static_assert(is_dense(kAttachTypes, __MAX_BPF_ATTACH_TYPE), "an attach type has no row");

// Null when Linux 6.18 has no such type. By name: either of the two names.
[[nodiscard]] constexpr const AttachType* find_attach_type(std::uint64_t number) {
  return row_by_number(kAttachTypes, number);
}
[[nodiscard]] constexpr const AttachType* find_attach_type(std::string_view name) {
  for (const AttachType& type : kAttachTypes)
    if (type.name == name || type.short_name == name) return &type;
  return nullptr;
}

}  // namespace skep::abi
