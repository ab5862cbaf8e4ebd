// SPDX-License-Identifier: Apache-2.0
// The link types of Linux 6.18, and the kinds within them that BPF_OBJ_GET_INFO_BY_FD and
// BPF_TASK_FD_QUERY tell apart.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "abi/name_table.h"

namespace skep::abi {

// NOLINTBEGIN(readability-identifier-naming, bugprone-reserved-identifier): the kernel's names

enum bpf_link_type : std::uint32_t {
  BPF_LINK_TYPE_UNSPEC = 0,
  BPF_LINK_TYPE_RAW_TRACEPOINT = 1,
  BPF_LINK_TYPE_TRACING = 2,
  BPF_LINK_TYPE_CGROUP = 3,
  BPF_LINK_TYPE_ITER = 4,
  BPF_LINK_TYPE_NETNS = 5,
  BPF_LINK_TYPE_XDP = 6,
  BPF_LINK_TYPE_PERF_EVENT = 7,
  BPF_LINK_TYPE_KPROBE_MULTI = 8,
  BPF_LINK_TYPE_STRUCT_OPS = 9,
  BPF_LINK_TYPE_NETFILTER = 10,
  BPF_LINK_TYPE_TCX = 11,
  BPF_LINK_TYPE_UPROBE_MULTI = 12,
  BPF_LINK_TYPE_NETKIT = 13,
  BPF_LINK_TYPE_SOCKMAP = 14,
  __MAX_BPF_LINK_TYPE,
};

// bpf_link_info.perf_event.type
enum bpf_perf_event_type : std::uint32_t {
  BPF_PERF_EVENT_UNSPEC = 0,
  BPF_PERF_EVENT_UPROBE = 1,
  BPF_PERF_EVENT_URETPROBE = 2,
  BPF_PERF_EVENT_KPROBE = 3,
  BPF_PERF_EVENT_KRETPROBE = 4,
  BPF_PERF_EVENT_TRACEPOINT = 5,
  BPF_PERF_EVENT_EVENT = 6,
};

// bpf_attr.task_fd_query.fd_type
enum bpf_task_fd_type : std::uint32_t {
  BPF_FD_TYPE_RAW_TRACEPOINT = 0,
  BPF_FD_TYPE_TRACEPOINT = 1,
  BPF_FD_TYPE_KPROBE = 2,
  BPF_FD_TYPE_KRETPROBE = 3,
  BPF_FD_TYPE_UPROBE = 4,
  BPF_FD_TYPE_URETPROBE = 5,
};

// bpf_iter_link_info.cgroup.order
enum bpf_cgroup_iter_order : std::uint32_t {
  BPF_CGROUP_ITER_ORDER_UNSPEC = 0,
  BPF_CGROUP_ITER_SELF_ONLY = 1,
  BPF_CGROUP_ITER_DESCENDANTS_PRE = 2,
  BPF_CGROUP_ITER_DESCENDANTS_POST = 3,
  BPF_CGROUP_ITER_ANCESTORS_UP = 4,
};

// NOLINTEND(readability-identifier-naming, bugprone-reserved-identifier)

struct LinkType {
  bpf_link_type number;
  std::string_view name;
};

// Names as bpftool prints them.
inline constexpr auto kLinkTypes = std::to_array<LinkType>({
    {BPF_LINK_TYPE_UNSPEC, "unspec"},
    {BPF_LINK_TYPE_RAW_TRACEPOINT, "raw_tracepoint"},
    {BPF_LINK_TYPE_TRACING, "tracing"},
    {BPF_LINK_TYPE_CGROUP, "cgroup"},
    {BPF_LINK_TYPE_ITER, "iter"},
    {BPF_LINK_TYPE_NETNS, "netns"},
    {BPF_LINK_TYPE_XDP, "xdp"},
    {BPF_LINK_TYPE_PERF_EVENT, "perf_event"},
    {BPF_LINK_TYPE_KPROBE_MULTI, "kprobe_multi"},
    {BPF_LINK_TYPE_STRUCT_OPS, "struct_ops"},
    {BPF_LINK_TYPE_NETFILTER, "netfilter"},
    {BPF_LINK_TYPE_TCX, "tcx"},
    {BPF_LINK_TYPE_UPROBE_MULTI, "uprobe_multi"},
    {BPF_LINK_TYPE_NETKIT, "netkit"},
    {BPF_LINK_TYPE_SOCKMAP, "sockmap"},
});
static_assert(is_dense(kLinkTypes, __MAX_BPF_LINK_TYPE), "a link type has no row");

// Null when Linux 6.18 has no such type.
[[nodiscard]] constexpr const LinkType* find_link_type(std::uint64_t number) {
  return row_by_number(kLinkTypes, number);
}
[[nodiscard]] constexpr const LinkType* find_link_type(std::string_view name) {
  return row_by_name(kLinkTypes, name);
}

}  // namespace skep::abi
