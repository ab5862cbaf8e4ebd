// SPDX-License-Identifier: Apache-2.0
// The program types of Linux 6.18, what BPF_PROG_LOAD and BPF_PROG_TEST_RUN take as flags, and how
// an instruction names what its immediate refers to.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "abi/name_table.h"
#include "abi/system_macros.h"

namespace skep::abi {

// NOLINTBEGIN(readability-identifier-naming, bugprone-reserved-identifier): the kernel's names

enum bpf_prog_type : std::uint32_t {
  BPF_PROG_TYPE_UNSPEC = 0,
  BPF_PROG_TYPE_SOCKET_FILTER = 1,
  BPF_PROG_TYPE_KPROBE = 2,
  BPF_PROG_TYPE_SCHED_CLS = 3,
  BPF_PROG_TYPE_SCHED_ACT = 4,
  BPF_PROG_TYPE_TRACEPOINT = 5,
  BPF_PROG_TYPE_XDP = 6,
  BPF_PROG_TYPE_PERF_EVENT = 7,
  BPF_PROG_TYPE_CGROUP_SKB = 8,
  BPF_PROG_TYPE_CGROUP_SOCK = 9,
  BPF_PROG_TYPE_LWT_IN = 10,
  BPF_PROG_TYPE_LWT_OUT = 11,
  BPF_PROG_TYPE_LWT_XMIT = 12,
  BPF_PROG_TYPE_SOCK_OPS = 13,
  BPF_PROG_TYPE_SK_SKB = 14,
  BPF_PROG_TYPE_CGROUP_DEVICE = 15,
  BPF_PROG_TYPE_SK_MSG = 16,
  BPF_PROG_TYPE_RAW_TRACEPOINT = 17,
  BPF_PROG_TYPE_CGROUP_SOCK_ADDR = 18,
  BPF_PROG_TYPE_LWT_SEG6LOCAL = 19,
  BPF_PROG_TYPE_LIRC_MODE2 = 20,
  BPF_PROG_TYPE_SK_REUSEPORT = 21,
  BPF_PROG_TYPE_FLOW_DISSECTOR = 22,
  BPF_PROG_TYPE_CGROUP_SYSCTL = 23,
  BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE = 24,
  BPF_PROG_TYPE_CGROUP_SOCKOPT = 25,
  BPF_PROG_TYPE_TRACING = 26,
  BPF_PROG_TYPE_STRUCT_OPS = 27,
  BPF_PROG_TYPE_EXT = 28,
  BPF_PROG_TYPE_LSM = 29,
  BPF_PROG_TYPE_SK_LOOKUP = 30,
  BPF_PROG_TYPE_SYSCALL = 31,
  BPF_PROG_TYPE_NETFILTER = 32,
  __MAX_BPF_PROG_TYPE,
};

// bpf_attr.prog_flags; BPF_F_TOKEN_FD of map_types.h belongs to them.
enum : std::uint32_t {
  BPF_F_STRICT_ALIGNMENT = 1U << 0,
  BPF_F_ANY_ALIGNMENT = 1U << 1,
  BPF_F_TEST_RND_HI32 = 1U << 2,
  BPF_F_TEST_STATE_FREQ = 1U << 3,
  BPF_F_SLEEPABLE = 1U << 4,
  BPF_F_XDP_HAS_FRAGS = 1U << 5,
  BPF_F_XDP_DEV_BOUND_ONLY = 1U << 6,
  BPF_F_TEST_REG_INVARIANTS = 1U << 7,
};

// bpf_attr.test.flags
enum : std::uint32_t {
  BPF_F_TEST_RUN_ON_CPU = 1U << 0,
  BPF_F_TEST_XDP_LIVE_FRAMES = 1U << 1,
  BPF_F_TEST_SKB_CHECKSUM_COMPLETE = 1U << 2,
};

// The source register of a 64-bit immediate ...
enum : std::uint8_t {
  BPF_PSEUDO_MAP_FD = 1,
  BPF_PSEUDO_MAP_VALUE = 2,
  BPF_PSEUDO_BTF_ID = 3,
  BPF_PSEUDO_FUNC = 4,
  BPF_PSEUDO_MAP_IDX = 5,
  BPF_PSEUDO_MAP_IDX_VALUE = 6,
};
// ... and of a call.
enum : std::uint8_t {
  BPF_PSEUDO_CALL = 1,
  BPF_PSEUDO_KFUNC_CALL = 2,
};

// NOLINTEND(readability-identifier-naming, bugprone-reserved-identifier)

struct ProgramType {
  bpf_prog_type number;
  std::string_view name;
};

// Names as bpftool prints them.
inline constexpr auto kProgramTypes = std::to_array<ProgramType>({
    {BPF_PROG_TYPE_UNSPEC, "unspec"},
    {BPF_PROG_TYPE_SOCKET_FILTER, "socket_filter"},
    {BPF_PROG_TYPE_KPROBE, "kprobe"},
    {BPF_PROG_TYPE_SCHED_CLS, "sched_cls"},
    {BPF_PROG_TYPE_SCHED_ACT, "sched_act"},
    {BPF_PROG_TYPE_TRACEPOINT, "tracepoint"},
    {BPF_PROG_TYPE_XDP, "xdp"},
    {BPF_PROG_TYPE_PERF_EVENT, "perf_event"},
    {BPF_PROG_TYPE_CGROUP_SKB, "cgroup_skb"},
    {BPF_PROG_TYPE_CGROUP_SOCK, "cgroup_sock"},
    {BPF_PROG_TYPE_LWT_IN, "lwt_in"},
    {BPF_PROG_TYPE_LWT_OUT, "lwt_out"},
    {BPF_PROG_TYPE_LWT_XMIT, "lwt_xmit"},
    {BPF_PROG_TYPE_SOCK_OPS, "sock_ops"},
    {BPF_PROG_TYPE_SK_SKB, "sk_skb"},
    {BPF_PROG_TYPE_CGROUP_DEVICE, "cgroup_device"},
    {BPF_PROG_TYPE_SK_MSG, "sk_msg"},
    {BPF_PROG_TYPE_RAW_TRACEPOINT, "raw_tracepoint"},
    {BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "cgroup_sock_addr"},
    {BPF_PROG_TYPE_LWT_SEG6LOCAL, "lwt_seg6local"},
    {BPF_PROG_TYPE_LIRC_MODE2, "lirc_mode2"},
    {BPF_PROG_TYPE_SK_REUSEPORT, "sk_reuseport"},
    {BPF_PROG_TYPE_FLOW_DISSECTOR, "flow_dissector"},
    {BPF_PROG_TYPE_CGROUP_SYSCTL, "cgroup_sysctl"},
    {BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, "raw_tracepoint_writable"},
    {BPF_PROG_TYPE_CGROUP_SOCKOPT, "cgroup_sockopt"},
    {BPF_PROG_TYPE_TRACING, "tracing"},
    {BPF_PROG_TYPE_STRUCT_OPS, "struct_ops"},
    {BPF_PROG_TYPE_EXT, "ext"},
    {BPF_PROG_TYPE_LSM, "lsm"},
    {BPF_PROG_TYPE_SK_LOOKUP, "sk_lookup"},
    {BPF_PROG_TYPE_SYSCALL, "syscall"},
    {BPF_PROG_TYPE_NETFILTER, "netfilter"},
});
static_assert(is_dense(kProgramTypes, __MAX_BPF_PROG_TYPE), "a program type has no row");

// Null when Linux 6.18 has no such type.
[[nodiscard]] constexpr const ProgramType* find_program_type(std::uint64_t number) {
  return row_by_number(kProgramTypes, number);
}
[[nodiscard]] constexpr const ProgramType* find_program_type(std::string_view name) {
  return row_by_name(kProgramTypes, name);
}

}  // namespace skep::abi
