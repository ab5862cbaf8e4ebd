// SPDX-License-Identifier: Apache-2.0
#include "machine/helpers.h"

#include <algorithm>

#include "abi/attach_types.h"
#include "abi/helper_names.h"
#include "abi/program_types.h"
#include "machine/helper_functions.h"
#include "machine/tail_call.h"

namespace skep::machine {

namespace {

constexpr NumberSet kSocketFilter{abi::BPF_PROG_TYPE_SOCKET_FILTER};
constexpr NumberSet kKprobe{abi::BPF_PROG_TYPE_KPROBE};
constexpr NumberSet kTc{abi::BPF_PROG_TYPE_SCHED_CLS, abi::BPF_PROG_TYPE_SCHED_ACT};
constexpr NumberSet kTracepoint{abi::BPF_PROG_TYPE_TRACEPOINT};
constexpr NumberSet kXdp{abi::BPF_PROG_TYPE_XDP};
constexpr NumberSet kPerfEvent{abi::BPF_PROG_TYPE_PERF_EVENT};
constexpr NumberSet kCgroupSkb{abi::BPF_PROG_TYPE_CGROUP_SKB};
constexpr NumberSet kCgroupSock{abi::BPF_PROG_TYPE_CGROUP_SOCK};
constexpr NumberSet kLwtIn{abi::BPF_PROG_TYPE_LWT_IN};
constexpr NumberSet kLwtXmit{abi::BPF_PROG_TYPE_LWT_XMIT};
constexpr NumberSet kLwt = kLwtIn | kLwtXmit | NumberSet{abi::BPF_PROG_TYPE_LWT_OUT};
constexpr NumberSet kSockOps{abi::BPF_PROG_TYPE_SOCK_OPS};
constexpr NumberSet kSkSkb{abi::BPF_PROG_TYPE_SK_SKB};
constexpr NumberSet kCgroupDevice{abi::BPF_PROG_TYPE_CGROUP_DEVICE};
constexpr NumberSet kSkMsg{abi::BPF_PROG_TYPE_SK_MSG};
constexpr NumberSet kRawTracepoint{abi::BPF_PROG_TYPE_RAW_TRACEPOINT,
                                   abi::BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE};
constexpr NumberSet kSockAddr{abi::BPF_PROG_TYPE_CGROUP_SOCK_ADDR};
constexpr NumberSet kSeg6{abi::BPF_PROG_TYPE_LWT_SEG6LOCAL};
constexpr NumberSet kLirc{abi::BPF_PROG_TYPE_LIRC_MODE2};
constexpr NumberSet kReuseport{abi::BPF_PROG_TYPE_SK_REUSEPORT};
constexpr NumberSet kFlowDissector{abi::BPF_PROG_TYPE_FLOW_DISSECTOR};
constexpr NumberSet kSysctl{abi::BPF_PROG_TYPE_CGROUP_SYSCTL};
constexpr NumberSet kSockopt{abi::BPF_PROG_TYPE_CGROUP_SOCKOPT};
constexpr NumberSet kTracing{abi::BPF_PROG_TYPE_TRACING};
constexpr NumberSet kStructOps{abi::BPF_PROG_TYPE_STRUCT_OPS};
constexpr NumberSet kLsm{abi::BPF_PROG_TYPE_LSM};
constexpr NumberSet kSkLookup{abi::BPF_PROG_TYPE_SK_LOOKUP};
constexpr NumberSet kSyscall{abi::BPF_PROG_TYPE_SYSCALL};
constexpr NumberSet kNetfilter{abi::BPF_PROG_TYPE_NETFILTER};
constexpr NumberSet kTracers =
    kKprobe | kTracepoint | kPerfEvent | kRawTracepoint | kTracing | kLsm;
constexpr NumberSet kSockets = kLwt | kTc | kSocketFilter | kXdp | kCgroupSkb | kSockOps | kSkSkb |
                               kSkMsg | kSockAddr | kSeg6 | kFlowDissector | kTracing | kLsm |
                               kSkLookup | kSyscall;
// A program that extends another has the helpers of that one.
constexpr NumberSet kAny = NumberSet::all() - NumberSet{abi::BPF_PROG_TYPE_EXT};

constexpr NumberSet kAlways = NumberSet::all();
constexpr NumberSet kSetSockopt{abi::BPF_CGROUP_SETSOCKOPT};
constexpr NumberSet kLsmCgroup{abi::BPF_LSM_CGROUP};
constexpr NumberSet kLsmMac{abi::BPF_LSM_MAC};
constexpr NumberSet kMultiProbe{abi::BPF_TRACE_KPROBE_MULTI, abi::BPF_TRACE_KPROBE_SESSION,
                                abi::BPF_TRACE_UPROBE_MULTI, abi::BPF_TRACE_UPROBE_SESSION};
constexpr NumberSet kSingleProbe = kAlways - kMultiProbe;
constexpr NumberSet kReturning{abi::BPF_TRACE_FEXIT, abi::BPF_MODIFY_RETURN};
constexpr NumberSet kTrampoline = kReturning | NumberSet{abi::BPF_TRACE_FENTRY} | kLsmMac;
constexpr NumberSet kCookieTracing = kTrampoline | NumberSet{abi::BPF_TRACE_RAW_TP};
constexpr NumberSet kIterator{abi::BPF_TRACE_ITER};
constexpr NumberSet kUntrampled = kIterator | NumberSet{abi::BPF_TRACE_RAW_TP};
constexpr NumberSet kNoRawTracepoint = kReturning | kIterator | NumberSet{abi::BPF_TRACE_FENTRY};
constexpr NumberSet kConnecting{abi::BPF_CGROUP_INET4_CONNECT, abi::BPF_CGROUP_INET6_CONNECT};
constexpr NumberSet kWithRetval =
    kAlways - NumberSet{abi::BPF_CGROUP_INET_INGRESS,      abi::BPF_CGROUP_INET_EGRESS,
                        abi::BPF_CGROUP_SOCK_OPS,          abi::BPF_CGROUP_UDP4_RECVMSG,
                        abi::BPF_CGROUP_UDP6_RECVMSG,      abi::BPF_CGROUP_INET4_GETPEERNAME,
                        abi::BPF_CGROUP_INET6_GETPEERNAME, abi::BPF_CGROUP_INET4_GETSOCKNAME,
                        abi::BPF_CGROUP_INET6_GETSOCKNAME, abi::BPF_CGROUP_UNIX_RECVMSG,
                        abi::BPF_CGROUP_UNIX_GETPEERNAME,  abi::BPF_CGROUP_UNIX_GETSOCKNAME};

constexpr Argument btf_object(std::string_view type) { return {ArgumentKind::btf, 0, type}; }
constexpr Argument btf_object_or_null(std::string_view type) {
  return {ArgumentKind::btf_or_null, 0, type};
}
constexpr Argument fixed(ArgumentKind kind, std::uint16_t bytes) { return {kind, bytes, {}}; }

// The struct that a row's `btf` result points to; that of bpf_kptr_xchg is its field's.
constexpr std::string_view result_type(std::uint32_t number) {
  switch (number) {
    case 136:
      return "tcp6_sock";
    case 137:
      return "tcp_sock";
    case 138:
      return "tcp_timewait_sock";
    case 139:
      return "tcp_request_sock";
    case 140:
      return "udp6_sock";
    case 158:
      return "task_struct";
    case 162:
      return "socket";
    case 175:
      return "pt_regs";
    case 178:
      return "unix_sock";
    case 196:
      return "mptcp_sock";
    default:
      return {};
  }
}

constexpr auto kHelpers = [] {
  using enum ArgumentKind;
  return std::to_array<Helper>({
#define SKEP_HELPER(number, name, types, attach, flags, result, ...)                             \
  {number,        #name,        types, attach, flags, {ResultKind::result, result_type(number)}, \
   {__VA_ARGS__}, helper::name, {}},
#define SKEP_HELPER_REFUSED(number, name, reason, types, attach, flags, result, ...)        \
  {number,        #name,   types, attach, flags, {ResultKind::result, result_type(number)}, \
   {__VA_ARGS__}, nullptr, reason},
#include "machine/helpers.def"
#undef SKEP_HELPER
#undef SKEP_HELPER_REFUSED
  });
}();

static_assert(
    [] {
      std::uint32_t last = 0;
      for (const Helper& row : kHelpers) {
        if (row.number != last && row.number != last + 1) return false;
        if (abi::helper_name(row.number).substr(4) != row.name) return false;
        last = row.number;
      }
      return last + 1 == abi::kHelperNames.size();
    }(),
    "a helper has no row, or its name is not that of its number");

engine::HelperFunction function_of(std::uint32_t number) {
  for (const Helper& row : kHelpers)
    if (row.number == number) return row.function;
  return nullptr;
}

constexpr engine::Calls kCalls{.helper = function_of, .kfunc = nullptr, .tail_call = tail_call};

}  // namespace

std::span<const Helper> helper_table() { return kHelpers; }

const Helper* find_helper(std::uint32_t number, std::uint32_t program_type,
                          std::uint32_t attach_type) {
  const auto from = std::ranges::lower_bound(kHelpers, number, {}, &Helper::number);
  for (auto row = from; row != kHelpers.end() && row->number == number; ++row)
    if (row->types.contains(program_type) && row->attach.contains(attach_type)) return row;
  return nullptr;
}

const engine::Calls& helper_calls() { return kCalls; }

}  // namespace skep::machine
