// SPDX-License-Identifier: Apache-2.0
// Contexts of programs that see packets, and of those that trace. Kernel: net/core/filter.c and
// kernel/trace/bpf_trace.c, the functions *_is_valid_access.
#include <array>

#include "abi/attach_types.h"
#include "abi/context_trace.h"
#include "abi/program_types.h"
#include "machine/context_fields.h"
#include "machine/context_packet.h"

namespace skep::machine {

namespace {

using Seen = abi::__sk_buff;
using abi::xdp_md;

constexpr NumberSet kFilter = {abi::BPF_PROG_TYPE_SOCKET_FILTER};
constexpr NumberSet kTc = {abi::BPF_PROG_TYPE_SCHED_CLS, abi::BPF_PROG_TYPE_SCHED_ACT};
constexpr NumberSet kCgroup = {abi::BPF_PROG_TYPE_CGROUP_SKB};
constexpr NumberSet kLwt = {abi::BPF_PROG_TYPE_LWT_IN, abi::BPF_PROG_TYPE_LWT_OUT,
                            abi::BPF_PROG_TYPE_LWT_XMIT, abi::BPF_PROG_TYPE_LWT_SEG6LOCAL};
constexpr NumberSet kStream = {abi::BPF_PROG_TYPE_SK_SKB};
constexpr NumberSet kDissector = {abi::BPF_PROG_TYPE_FLOW_DISSECTOR};
constexpr NumberSet kEverySkb = kFilter | kTc | kCgroup | kLwt | kStream;

constexpr Sizes kPointer = 8;

// A 32-bit field of which any part may be loaded.
constexpr Field skb_value(std::string_view name, std::size_t offset, NumberSet readers = kEverySkb,
                          NumberSet writers = {}) {
  return {.name = name,
          .offset = static_cast<std::uint32_t>(offset),
          .loads = kNarrow,
          .stores = 4,
          .readers = readers,
          .writers = writers};
}

// A field that is loaded and stored as a whole.
constexpr Field skb_whole(std::string_view name, std::size_t offset, std::uint32_t bytes,
                          Sizes size, NumberSet readers, NumberSet writers = {}) {
  return {.name = name,
          .offset = static_cast<std::uint32_t>(offset),
          .bytes = bytes,
          .loads = size,
          .stores = size,
          .readers = readers,
          .writers = writers};
}

constexpr Field kept(std::uint8_t bytes, Field field, std::uint32_t ignored_from = 0) {
  field.kept_bytes = bytes;
  field.ignored_from = ignored_from;
  return field;
}

constexpr Field giving(Field field, Value value, std::size_t pointer_at = 0) {
  field.value = value;
  field.pointer_at = static_cast<std::uint32_t>(pointer_at);
  return field;
}

constexpr auto kSkBuff = std::to_array<Field>({
    skb_value("len", offsetof(Seen, len)),
    kept(1, skb_value("pkt_type", offsetof(Seen, pkt_type))),
    skb_value("mark", offsetof(Seen, mark), kEverySkb - kStream, kTc | kCgroup | kLwt),
    kept(2, skb_value("queue_mapping", offsetof(Seen, queue_mapping), kEverySkb, kTc), 0xffff),
    kept(2, skb_value("protocol", offsetof(Seen, protocol))),
    skb_value("vlan_present", offsetof(Seen, vlan_present)),
    kept(2, skb_value("vlan_tci", offsetof(Seen, vlan_tci))),
    kept(2, skb_value("vlan_proto", offsetof(Seen, vlan_proto))),
    skb_value("priority", offsetof(Seen, priority), kEverySkb, kTc | kCgroup | kLwt | kStream),
    skb_value("ingress_ifindex", offsetof(Seen, ingress_ifindex)),
    skb_value("ifindex", offsetof(Seen, ifindex)),
    kept(2, skb_value("tc_index", offsetof(Seen, tc_index), kEverySkb, kTc | kStream)),
    skb_whole("cb", offsetof(Seen, cb), 20, kAnySize, kEverySkb, kEverySkb - kStream),
    skb_value("hash", offsetof(Seen, hash)),
    kept(2, skb_value("tc_classid", offsetof(Seen, tc_classid), kTc, kTc)),
    giving(skb_whole("data", offsetof(Seen, data), 4, 4, (kEverySkb | kDissector) - kFilter),
           Value::packet, offsetof(SkbContext, data)),
    giving(
        skb_whole("data_end", offsetof(Seen, data_end), 4, 4, (kEverySkb | kDissector) - kFilter),
        Value::packet_end, offsetof(SkbContext, data_end)),
    skb_value("napi_id", offsetof(Seen, napi_id)),
    kept(2, skb_value("family", offsetof(Seen, family), kCgroup | kStream)),
    skb_whole("remote_ip4", offsetof(Seen, remote_ip4), 4, 4, kCgroup | kStream),
    skb_whole("local_ip4", offsetof(Seen, local_ip4), 4, 4, kCgroup | kStream),
    skb_whole("remote_ip6", offsetof(Seen, remote_ip6), 16, 4, kCgroup | kStream),
    skb_whole("local_ip6", offsetof(Seen, local_ip6), 16, 4, kCgroup | kStream),
    kept(2, skb_value("remote_port", offsetof(Seen, remote_port), kCgroup | kStream)),
    kept(2, skb_value("local_port", offsetof(Seen, local_port), kCgroup | kStream)),
    giving(skb_whole("data_meta", offsetof(Seen, data_meta), 4, 4, kTc), Value::packet_meta,
           offsetof(SkbContext, data_meta)),
    giving(skb_whole("flow_keys", offsetof(Seen, flow_keys), 8, kPointer, kDissector),
           Value::flow_keys),
    skb_whole("tstamp", offsetof(Seen, tstamp), 8, 8, kTc | kCgroup, kTc | kCgroup),
    skb_value("wire_len", offsetof(Seen, wire_len), kTc),
    kept(2, skb_value("gso_segs", offsetof(Seen, gso_segs))),
    giving(skb_whole("sk", offsetof(Seen, sk), 8, kPointer, kEverySkb),
           Value::socket_common_or_null),
    kept(2, skb_value("gso_size", offsetof(Seen, gso_size))),
    skb_whole("tstamp_type", offsetof(Seen, tstamp_type), 1, 1, kTc),
    skb_whole("hwtstamp", offsetof(Seen, hwtstamp), 8, 8, kTc | kCgroup),
});

constexpr auto kXdp = std::to_array<Field>({
    {.name = "data",
     .offset = offsetof(xdp_md, data),
     .value = Value::packet,
     .pointer_at = offsetof(XdpContext, data)},
    {.name = "data_end",
     .offset = offsetof(xdp_md, data_end),
     .value = Value::packet_end,
     .pointer_at = offsetof(XdpContext, data_end)},
    {.name = "data_meta",
     .offset = offsetof(xdp_md, data_meta),
     .value = Value::packet_meta,
     .pointer_at = offsetof(XdpContext, data_meta)},
    {.name = "ingress_ifindex", .offset = offsetof(xdp_md, ingress_ifindex)},
    {.name = "rx_queue_index", .offset = offsetof(xdp_md, rx_queue_index)},
    {.name = "egress_ifindex",
     .offset = offsetof(xdp_md, egress_ifindex),
     .read_attach = {abi::BPF_XDP_DEVMAP}},
});

constexpr auto kRegs = std::to_array<Field>({
    {.name = "regs", .bytes = abi::kKernelRegsBytes, .loads = kAnySize},
});

constexpr auto kPerfEvent = std::to_array<Field>({
    {.name = "regs", .bytes = sizeof(abi::bpf_user_pt_regs_t), .loads = 8},
    {.name = "sample_period",
     .offset = offsetof(abi::bpf_perf_event_data, sample_period),
     .bytes = 8,
     .loads = kAnySize},
    {.name = "addr",
     .offset = offsetof(abi::bpf_perf_event_data, addr),
     .bytes = 8,
     .loads = kAnySize},
});

// The first 8 bytes of a record hold a kernel pointer while the program runs.
constexpr auto kTracepoint = std::to_array<Field>({
    {.name = "record", .offset = 8, .bytes = abi::PERF_MAX_TRACE_SIZE - 8, .loads = kAnySize},
});

constexpr auto kRawTracepoint = std::to_array<Field>({
    {.name = "args", .bytes = sizeof(abi::bpf_raw_tracepoint_args), .loads = kAnySize},
});

// The first argument is the writable buffer; Linux looks only at where an access begins, so that
// what lies inside the pointer can be read in parts.
constexpr auto kRawTracepointWritable = std::to_array<Field>({
    {.name = "buffer", .bytes = 8, .value = Value::tracepoint_buffer, .loads = 8},
    {.name = "args",
     .offset = 1,
     .bytes = sizeof(abi::bpf_raw_tracepoint_args) - 1,
     .loads = kAnySize},
});

constexpr auto kNetfilter = std::to_array<Field>({
    {.name = "state",
     .offset = offsetof(abi::bpf_nf_ctx, state),
     .bytes = 8,
     .value = Value::nf_hook_state,
     .loads = kPointer},
    {.name = "skb",
     .offset = offsetof(abi::bpf_nf_ctx, skb),
     .bytes = 8,
     .value = Value::sk_buff,
     .loads = kPointer},
});

constexpr auto kSyscall = std::to_array<Field>({
    {.name = "args",
     .bytes = 0xffff,
     .loads = kAnySize,
     .stores = kAnySize,
     .writers = NumberSet::all()},
});

constexpr auto kLirc = std::to_array<Field>({
    {.name = "sample"},
});

}  // namespace

std::span<const Field> sk_buff_fields() { return kSkBuff; }
std::span<const Field> xdp_fields() { return kXdp; }
std::span<const Field> regs_fields() { return kRegs; }
std::span<const Field> perf_event_fields() { return kPerfEvent; }
std::span<const Field> tracepoint_fields() { return kTracepoint; }
std::span<const Field> raw_tracepoint_fields() { return kRawTracepoint; }
std::span<const Field> raw_tracepoint_writable_fields() { return kRawTracepointWritable; }
std::span<const Field> netfilter_fields() { return kNetfilter; }
std::span<const Field> syscall_fields() { return kSyscall; }
std::span<const Field> lirc_fields() { return kLirc; }

}  // namespace skep::machine
