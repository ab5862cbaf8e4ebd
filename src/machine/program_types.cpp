// SPDX-License-Identifier: Apache-2.0
#include "machine/program_types.h"

#include <algorithm>
#include <array>
#include <bit>

#include "abi/context_cgroup.h"
#include "abi/context_socket.h"
#include "abi/context_trace.h"
#include "machine/context_packet.h"

namespace skep::machine {

namespace {

constexpr NumberSet kAll = NumberSet::all();

constexpr auto kZeroOrOne = std::to_array<ReturnRange>({{.max = 1}});

// An uprobe or kprobe session: 1 leaves out the program at the function's return.
constexpr auto kKprobeReturns = std::to_array<ReturnRange>(
    {{.attach = {abi::BPF_TRACE_KPROBE_SESSION, abi::BPF_TRACE_UPROBE_SESSION}, .max = 1}});

// Egress: bit 1 asks for congestion notification.
constexpr auto kCgroupSkbReturns =
    std::to_array<ReturnRange>({{.attach = {abi::BPF_CGROUP_INET_EGRESS}, .max = 3}, {.max = 1}});

// Bind: bit 1 lifts the check of low ports. What cannot be refused any more must return 1.
constexpr auto kSockAddrReturns = std::to_array<ReturnRange>(
    {{.attach = {abi::BPF_CGROUP_INET4_BIND, abi::BPF_CGROUP_INET6_BIND}, .max = 3},
     {.attach = {abi::BPF_CGROUP_UDP4_RECVMSG, abi::BPF_CGROUP_UDP6_RECVMSG,
                 abi::BPF_CGROUP_UNIX_RECVMSG, abi::BPF_CGROUP_INET4_GETPEERNAME,
                 abi::BPF_CGROUP_INET6_GETPEERNAME, abi::BPF_CGROUP_UNIX_GETPEERNAME,
                 abi::BPF_CGROUP_INET4_GETSOCKNAME, abi::BPF_CGROUP_INET6_GETSOCKNAME,
                 abi::BPF_CGROUP_UNIX_GETSOCKNAME},
      .min = 1,
      .max = 1},
     {.max = 1}});

constexpr auto kTracingReturns =
    std::to_array<ReturnRange>({{.attach = {abi::BPF_TRACE_FENTRY, abi::BPF_TRACE_FEXIT}, .max = 0},
                                {.attach = {abi::BPF_TRACE_ITER}, .max = 1}});

constexpr NumberSet kSockAddrAttach = {
    abi::BPF_CGROUP_INET4_BIND,        abi::BPF_CGROUP_INET6_BIND,
    abi::BPF_CGROUP_INET4_CONNECT,     abi::BPF_CGROUP_INET6_CONNECT,
    abi::BPF_CGROUP_UNIX_CONNECT,      abi::BPF_CGROUP_UDP4_SENDMSG,
    abi::BPF_CGROUP_UDP6_SENDMSG,      abi::BPF_CGROUP_UNIX_SENDMSG,
    abi::BPF_CGROUP_UDP4_RECVMSG,      abi::BPF_CGROUP_UDP6_RECVMSG,
    abi::BPF_CGROUP_UNIX_RECVMSG,      abi::BPF_CGROUP_INET4_GETPEERNAME,
    abi::BPF_CGROUP_INET6_GETPEERNAME, abi::BPF_CGROUP_UNIX_GETPEERNAME,
    abi::BPF_CGROUP_INET4_GETSOCKNAME, abi::BPF_CGROUP_INET6_GETSOCKNAME,
    abi::BPF_CGROUP_UNIX_GETSOCKNAME};

constexpr std::uint32_t kSkbBytes = sizeof(SkbContext);

constexpr auto kTypes = std::to_array<ProgramType>({
    {.number = abi::BPF_PROG_TYPE_SOCKET_FILTER,
     .fields = sk_buff_fields,
     .context_bytes = kSkbBytes,
     .capability = Capability::none_or_bpf,
     .test_run = TestRun::skb},
    {.number = abi::BPF_PROG_TYPE_KPROBE,
     .fields = regs_fields,
     .context_bytes = abi::kKernelRegsBytes,
     .capability = Capability::bpf_perfmon,
     .sleepable = kAll,  // attaching asks for an uprobe then
     .returns = kKprobeReturns},
    {.number = abi::BPF_PROG_TYPE_SCHED_CLS,
     .fields = sk_buff_fields,
     .context_bytes = kSkbBytes,
     .packet = PacketAccess::write,
     .capability = Capability::bpf_net_admin,
     .test_run = TestRun::skb},
    {.number = abi::BPF_PROG_TYPE_SCHED_ACT,
     .fields = sk_buff_fields,
     .context_bytes = kSkbBytes,
     .packet = PacketAccess::write,
     .capability = Capability::bpf_net_admin,
     .test_run = TestRun::skb},
    {.number = abi::BPF_PROG_TYPE_TRACEPOINT,
     .fields = tracepoint_fields,
     .context_bytes = abi::PERF_MAX_TRACE_SIZE,
     .capability = Capability::bpf_perfmon},
    {.number = abi::BPF_PROG_TYPE_XDP,
     .fields = xdp_fields,
     .context_bytes = sizeof(XdpContext),
     .packet = PacketAccess::write,
     .capability = Capability::bpf_net_admin,
     .test_run = TestRun::xdp},
    {.number = abi::BPF_PROG_TYPE_PERF_EVENT,
     .fields = perf_event_fields,
     .context_bytes = sizeof(abi::bpf_perf_event_data),
     .capability = Capability::bpf_perfmon},
    {.number = abi::BPF_PROG_TYPE_CGROUP_SKB,
     .fields = sk_buff_fields,
     .context_bytes = kSkbBytes,
     .packet = PacketAccess::read,
     .capability = Capability::none_or_bpf,
     .test_run = TestRun::skb,
     .attach = {abi::BPF_CGROUP_INET_INGRESS, abi::BPF_CGROUP_INET_EGRESS},
     .returns = kCgroupSkbReturns},
    {.number = abi::BPF_PROG_TYPE_CGROUP_SOCK,
     .fields = sock_fields,
     .context_bytes = sizeof(abi::bpf_sock),
     .capability = Capability::bpf_net_admin,
     .attach = {abi::BPF_CGROUP_INET_SOCK_CREATE, abi::BPF_CGROUP_INET_SOCK_RELEASE,
                abi::BPF_CGROUP_INET4_POST_BIND, abi::BPF_CGROUP_INET6_POST_BIND},
     .attach_for_zero = abi::BPF_CGROUP_INET_SOCK_CREATE,
     .returns = kZeroOrOne},
    {.number = abi::BPF_PROG_TYPE_LWT_IN,
     .fields = sk_buff_fields,
     .context_bytes = kSkbBytes,
     .packet = PacketAccess::read,
     .capability = Capability::bpf_net_admin,
     .test_run = TestRun::skb},
    {.number = abi::BPF_PROG_TYPE_LWT_OUT,
     .fields = sk_buff_fields,
     .context_bytes = kSkbBytes,
     .packet = PacketAccess::read,
     .capability = Capability::bpf_net_admin,
     .test_run = TestRun::skb},
    {.number = abi::BPF_PROG_TYPE_LWT_XMIT,
     .fields = sk_buff_fields,
     .context_bytes = kSkbBytes,
     .packet = PacketAccess::write,
     .capability = Capability::bpf_net_admin,
     .test_run = TestRun::skb},
    {.number = abi::BPF_PROG_TYPE_SOCK_OPS,
     .fields = sock_ops_fields,
     .context_bytes = sizeof(abi::bpf_sock_ops),
     .packet = PacketAccess::read,
     .capability = Capability::bpf_net_admin,
     .returns = kZeroOrOne},
    {.number = abi::BPF_PROG_TYPE_SK_SKB,
     .fields = sk_buff_fields,
     .context_bytes = kSkbBytes,
     .packet = PacketAccess::write,
     .capability = Capability::bpf_net_admin},
    {.number = abi::BPF_PROG_TYPE_CGROUP_DEVICE,
     .fields = device_fields,
     .context_bytes = sizeof(abi::bpf_cgroup_dev_ctx),
     .capability = Capability::bpf_net_admin,
     .returns = kZeroOrOne},
    {.number = abi::BPF_PROG_TYPE_SK_MSG,
     .fields = sk_msg_fields,
     .context_bytes = sizeof(abi::sk_msg_md),
     .packet = PacketAccess::write,
     .capability = Capability::bpf_net_admin},
    {.number = abi::BPF_PROG_TYPE_RAW_TRACEPOINT,
     .fields = raw_tracepoint_fields,
     .context_bytes = sizeof(abi::bpf_raw_tracepoint_args),
     .capability = Capability::bpf_perfmon,
     .test_run = TestRun::raw_tracepoint},
    {.number = abi::BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
     .fields = sock_addr_fields,
     .context_bytes = sizeof(abi::bpf_sock_addr),
     .capability = Capability::bpf_net_admin,
     .attach = kSockAddrAttach,
     .returns = kSockAddrReturns},
    {.number = abi::BPF_PROG_TYPE_LWT_SEG6LOCAL,
     .fields = sk_buff_fields,
     .context_bytes = kSkbBytes,
     .packet = PacketAccess::read,
     .capability = Capability::bpf_net_admin},
    {.number = abi::BPF_PROG_TYPE_LIRC_MODE2, .fields = lirc_fields, .context_bytes = 4},
    {.number = abi::BPF_PROG_TYPE_SK_REUSEPORT,
     .fields = sk_reuseport_fields,
     .context_bytes = sizeof(abi::sk_reuseport_md),
     .packet = PacketAccess::read,
     .attach = {abi::BPF_SK_REUSEPORT_SELECT, abi::BPF_SK_REUSEPORT_SELECT_OR_MIGRATE},
     .attach_for_zero = abi::BPF_SK_REUSEPORT_SELECT},
    {.number = abi::BPF_PROG_TYPE_FLOW_DISSECTOR,
     .fields = sk_buff_fields,
     .context_bytes = kSkbBytes,
     .packet = PacketAccess::read,
     .capability = Capability::bpf_net_admin,
     .test_run = TestRun::flow_dissector},
    {.number = abi::BPF_PROG_TYPE_CGROUP_SYSCTL,
     .fields = sysctl_fields,
     .context_bytes = sizeof(abi::bpf_sysctl),
     .capability = Capability::bpf_net_admin,
     .returns = kZeroOrOne},
    {.number = abi::BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
     .fields = raw_tracepoint_writable_fields,
     .context_bytes = sizeof(abi::bpf_raw_tracepoint_args),
     .capability = Capability::bpf_perfmon},
    {.number = abi::BPF_PROG_TYPE_CGROUP_SOCKOPT,
     .fields = sockopt_fields,
     .context_bytes = sizeof(abi::bpf_sockopt),
     .packet = PacketAccess::write,
     .capability = Capability::bpf_net_admin,
     .attach = {abi::BPF_CGROUP_GETSOCKOPT, abi::BPF_CGROUP_SETSOCKOPT},
     .returns = kZeroOrOne},
    {.number = abi::BPF_PROG_TYPE_TRACING,
     .fields = nullptr,
     .capability = Capability::bpf_perfmon,
     .test_run = TestRun::tracing,
     .attach = {abi::BPF_TRACE_RAW_TP, abi::BPF_TRACE_FENTRY, abi::BPF_TRACE_FEXIT,
                abi::BPF_MODIFY_RETURN, abi::BPF_TRACE_ITER},
     .sleepable = {abi::BPF_TRACE_FENTRY, abi::BPF_TRACE_FEXIT, abi::BPF_MODIFY_RETURN,
                   abi::BPF_TRACE_ITER},
     .returns = kTracingReturns},
    {.number = abi::BPF_PROG_TYPE_STRUCT_OPS,
     .fields = nullptr,
     .capability = Capability::bpf_perfmon,
     .test_run = TestRun::struct_ops,
     .sleepable = kAll},
    {.number = abi::BPF_PROG_TYPE_EXT,
     .fields = nullptr,
     .capability = Capability::bpf_both,
     .attach = {0}},
    {.number = abi::BPF_PROG_TYPE_LSM,
     .fields = nullptr,
     .capability = Capability::bpf_perfmon,
     .attach = {abi::BPF_LSM_MAC, abi::BPF_LSM_CGROUP},
     .sleepable = {abi::BPF_LSM_MAC}},
    {.number = abi::BPF_PROG_TYPE_SK_LOOKUP,
     .fields = sk_lookup_fields,
     .context_bytes = sizeof(abi::bpf_sk_lookup),
     .test_run = TestRun::sk_lookup,
     .attach = {abi::BPF_SK_LOOKUP},
     .returns = kZeroOrOne},
    {.number = abi::BPF_PROG_TYPE_SYSCALL,
     .fields = syscall_fields,
     .context_bytes = 0xffff,
     .test_run = TestRun::syscall,
     .attach = {0},
     .sleepable = kAll,
     .sleepable_only = true},
    {.number = abi::BPF_PROG_TYPE_NETFILTER,
     .fields = netfilter_fields,
     .context_bytes = sizeof(abi::bpf_nf_ctx),
     .capability = Capability::bpf_net_admin,
     .test_run = TestRun::netfilter,
     .attach = {abi::BPF_NETFILTER},
     .returns = kZeroOrOne},
});

constexpr bool in_order() {
  for (std::size_t i = 0; i < kTypes.size(); ++i)
    if (kTypes[i].number != i + 1) return false;
  return true;
}
static_assert(in_order(), "a program type is missing or out of place");
static_assert(kTypes.size() == abi::BPF_PROG_TYPE_NETFILTER);

bool fits(const Field& field, const ContextAccess& access) {
  const Sizes sizes = access.write ? field.stores : field.loads;
  if ((sizes & access.bytes) == 0) return false;
  const std::int64_t end = std::int64_t{field.offset} + field.bytes;
  if (access.offset < field.offset || access.offset > end - access.bytes) return false;
  if (field.from_start_only && access.offset != field.offset) return false;
  return field.value == Value::scalar || !access.sign_extend;
}

bool may(const ProgramType& type, const Field& field, const ContextAccess& access) {
  const NumberSet types = access.write ? field.writers : field.readers;
  const NumberSet attach = access.write ? field.write_attach : field.read_attach;
  return types.contains(type.number) && attach.contains(access.attach);
}

}  // namespace

std::span<const ProgramType> program_types() { return kTypes; }

const ProgramType* find_program_type(std::uint32_t number) {
  if (number == 0 || number > kTypes.size()) return nullptr;
  return &kTypes[number - 1];
}

std::optional<std::uint32_t> resolve_attach_type(const ProgramType& type, std::uint32_t expected) {
  if (expected == 0 && type.attach_for_zero != 0) return type.attach_for_zero;
  if (!type.attach.contains(expected)) return std::nullopt;
  return expected;
}

const ReturnRange* return_range(const ProgramType& type, std::uint32_t attach) {
  const auto found = std::ranges::find_if(
      type.returns, [attach](const ReturnRange& range) { return range.attach.contains(attach); });
  return found == type.returns.end() ? nullptr : &*found;
}

const Field* check_access(const ProgramType& type, const ContextAccess& access) {
  if (type.fields == nullptr || access.offset < 0) return nullptr;
  if (!std::has_single_bit(access.bytes) || access.bytes > 8) return nullptr;
  if (access.offset % access.bytes != 0) return nullptr;
  for (const Field& field : type.fields())
    if (fits(field, access) && may(type, field, access)) return &field;
  return nullptr;
}

}  // namespace skep::machine
