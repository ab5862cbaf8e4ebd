// SPDX-License-Identifier: Apache-2.0
// Contexts of programs that see sockets, and of those that guard a cgroup. Kernel:
// net/core/filter.c and kernel/bpf/cgroup.c, the functions *_is_valid_access.
#include <array>

#include "abi/attach_types.h"
#include "abi/context_cgroup.h"
#include "abi/context_socket.h"
#include "machine/context_fields.h"

namespace skep::machine {

namespace {

using abi::bpf_sock;
using abi::bpf_sock_addr;
using abi::bpf_sock_ops;
using abi::bpf_sockopt;
using abi::sk_msg_md;
using abi::sk_reuseport_md;

constexpr NumberSet kEvery = NumberSet::all();

constexpr Field whole(std::string_view name, std::size_t offset, std::uint32_t bytes = 4,
                      NumberSet read_attach = kEvery) {
  return {.name = name,
          .offset = static_cast<std::uint32_t>(offset),
          .bytes = bytes,
          .read_attach = read_attach};
}

constexpr Field narrow(std::string_view name, std::size_t offset, std::uint32_t bytes = 4,
                       NumberSet read_attach = kEvery) {
  Field field = whole(name, offset, bytes, read_attach);
  field.loads = kNarrow;
  return field;
}

// Linux compares where the access begins with where the field begins.
constexpr Field head(std::string_view name, std::size_t offset, NumberSet read_attach = kEvery) {
  Field field = narrow(name, offset, 4, read_attach);
  field.from_start_only = true;
  return field;
}

constexpr Field wide(std::string_view name, std::size_t offset, Value value = Value::scalar) {
  return {.name = name,
          .offset = static_cast<std::uint32_t>(offset),
          .bytes = 8,
          .value = value,
          .loads = 8};
}

constexpr Field writable(Field field, Sizes sizes = 4, NumberSet attach = kEvery) {
  field.stores = sizes;
  field.writers = kEvery;
  field.write_attach = attach;
  return field;
}

// Linux keeps fewer bytes of these.
constexpr Field kept(std::uint8_t bytes, Field field) {
  field.kept_bytes = bytes;
  return field;
}

// An address of four words, loaded and stored in two halves as well.
constexpr Field address6(std::string_view name, std::size_t offset, NumberSet attach) {
  Field field = writable(narrow(name, offset, 16, attach), 4 | 8, attach);
  field.loads = kAnySize;
  return field;
}

constexpr NumberSet kSockLife = {abi::BPF_CGROUP_INET_SOCK_CREATE,
                                 abi::BPF_CGROUP_INET_SOCK_RELEASE};
constexpr NumberSet kPostBind4 = {abi::BPF_CGROUP_INET4_POST_BIND};
constexpr NumberSet kPostBind6 = {abi::BPF_CGROUP_INET6_POST_BIND};

constexpr auto kSock = std::to_array<Field>({
    writable(whole("bound_dev_if", offsetof(bpf_sock, bound_dev_if), 4, kSockLife), 4, kSockLife),
    head("family", offsetof(bpf_sock, family)),
    head("type", offsetof(bpf_sock, type)),
    head("protocol", offsetof(bpf_sock, protocol)),
    writable(whole("mark", offsetof(bpf_sock, mark), 4, kSockLife), 4, kSockLife),
    writable(whole("priority", offsetof(bpf_sock, priority), 4, kSockLife), 4, kSockLife),
    narrow("src_ip4", offsetof(bpf_sock, src_ip4), 4, kPostBind4),
    narrow("src_ip6", offsetof(bpf_sock, src_ip6), 16, kPostBind6),
    head("src_port", offsetof(bpf_sock, src_port), kPostBind4 | kPostBind6),
    narrow("dst_port", offsetof(bpf_sock, dst_port), 2),
    whole("dst_port", offsetof(bpf_sock, dst_port)),  // programs of old load four bytes
    narrow("dst_ip4", offsetof(bpf_sock, dst_ip4)),
    narrow("dst_ip6", offsetof(bpf_sock, dst_ip6), 16),
    head("state", offsetof(bpf_sock, state)),
    head("rx_queue_mapping", offsetof(bpf_sock, rx_queue_mapping)),
});

constexpr NumberSet kAddr4 = {abi::BPF_CGROUP_INET4_BIND,        abi::BPF_CGROUP_INET4_CONNECT,
                              abi::BPF_CGROUP_UDP4_SENDMSG,      abi::BPF_CGROUP_UDP4_RECVMSG,
                              abi::BPF_CGROUP_INET4_GETPEERNAME, abi::BPF_CGROUP_INET4_GETSOCKNAME};
constexpr NumberSet kAddr6 = {abi::BPF_CGROUP_INET6_BIND,        abi::BPF_CGROUP_INET6_CONNECT,
                              abi::BPF_CGROUP_UDP6_SENDMSG,      abi::BPF_CGROUP_UDP6_RECVMSG,
                              abi::BPF_CGROUP_INET6_GETPEERNAME, abi::BPF_CGROUP_INET6_GETSOCKNAME};
constexpr NumberSet kSend4 = {abi::BPF_CGROUP_UDP4_SENDMSG};
constexpr NumberSet kSend6 = {abi::BPF_CGROUP_UDP6_SENDMSG};

constexpr auto kSockAddr = std::to_array<Field>({
    whole("user_family", offsetof(bpf_sock_addr, user_family)),
    writable(narrow("user_ip4", offsetof(bpf_sock_addr, user_ip4), 4, kAddr4), 4, kAddr4),
    address6("user_ip6", offsetof(bpf_sock_addr, user_ip6), kAddr6),
    writable(narrow("user_port", offsetof(bpf_sock_addr, user_port))),
    whole("family", offsetof(bpf_sock_addr, family)),
    whole("type", offsetof(bpf_sock_addr, type)),
    whole("protocol", offsetof(bpf_sock_addr, protocol)),
    writable(narrow("msg_src_ip4", offsetof(bpf_sock_addr, msg_src_ip4), 4, kSend4), 4, kSend4),
    address6("msg_src_ip6", offsetof(bpf_sock_addr, msg_src_ip6), kSend6),
    wide("sk", offsetof(bpf_sock_addr, sk), Value::socket),
});

constexpr auto kSockOps = std::to_array<Field>({
    whole("op", offsetof(bpf_sock_ops, op)),
    writable(whole("reply", offsetof(bpf_sock_ops, reply))),
    whole("args", offsetof(bpf_sock_ops, args) + 4, 12),
    whole("family", offsetof(bpf_sock_ops, family)),
    whole("remote_ip4", offsetof(bpf_sock_ops, remote_ip4)),
    whole("local_ip4", offsetof(bpf_sock_ops, local_ip4)),
    whole("remote_ip6", offsetof(bpf_sock_ops, remote_ip6), 16),
    whole("local_ip6", offsetof(bpf_sock_ops, local_ip6), 16),
    whole("remote_port", offsetof(bpf_sock_ops, remote_port)),
    whole("local_port", offsetof(bpf_sock_ops, local_port)),
    whole("is_fullsock", offsetof(bpf_sock_ops, is_fullsock)),
    whole("snd_cwnd", offsetof(bpf_sock_ops, snd_cwnd)),
    whole("srtt_us", offsetof(bpf_sock_ops, srtt_us)),
    whole("bpf_sock_ops_cb_flags", offsetof(bpf_sock_ops, bpf_sock_ops_cb_flags)),
    whole("state", offsetof(bpf_sock_ops, state)),
    whole("rtt_min", offsetof(bpf_sock_ops, rtt_min)),
    whole("snd_ssthresh", offsetof(bpf_sock_ops, snd_ssthresh)),
    whole("rcv_nxt", offsetof(bpf_sock_ops, rcv_nxt)),
    whole("snd_nxt", offsetof(bpf_sock_ops, snd_nxt)),
    whole("snd_una", offsetof(bpf_sock_ops, snd_una)),
    whole("mss_cache", offsetof(bpf_sock_ops, mss_cache)),
    whole("ecn_flags", offsetof(bpf_sock_ops, ecn_flags)),
    whole("rate_delivered", offsetof(bpf_sock_ops, rate_delivered)),
    whole("rate_interval_us", offsetof(bpf_sock_ops, rate_interval_us)),
    whole("packets_out", offsetof(bpf_sock_ops, packets_out)),
    whole("retrans_out", offsetof(bpf_sock_ops, retrans_out)),
    whole("total_retrans", offsetof(bpf_sock_ops, total_retrans)),
    whole("segs_in", offsetof(bpf_sock_ops, segs_in)),
    whole("data_segs_in", offsetof(bpf_sock_ops, data_segs_in)),
    whole("segs_out", offsetof(bpf_sock_ops, segs_out)),
    whole("data_segs_out", offsetof(bpf_sock_ops, data_segs_out)),
    whole("lost_out", offsetof(bpf_sock_ops, lost_out)),
    whole("sacked_out", offsetof(bpf_sock_ops, sacked_out)),
    writable(whole("sk_txhash", offsetof(bpf_sock_ops, sk_txhash))),
    wide("bytes_received", offsetof(bpf_sock_ops, bytes_received)),
    wide("bytes_acked", offsetof(bpf_sock_ops, bytes_acked)),
    wide("sk", offsetof(bpf_sock_ops, sk), Value::socket_or_null),
    wide("skb_data", offsetof(bpf_sock_ops, skb_data), Value::packet),
    wide("skb_data_end", offsetof(bpf_sock_ops, skb_data_end), Value::packet_end),
    whole("skb_len", offsetof(bpf_sock_ops, skb_len)),
    head("skb_tcp_flags", offsetof(bpf_sock_ops, skb_tcp_flags)),
    wide("skb_hwtstamp", offsetof(bpf_sock_ops, skb_hwtstamp)),
});

constexpr auto kSkMsg = std::to_array<Field>({
    wide("data", offsetof(sk_msg_md, data), Value::packet),
    wide("data_end", offsetof(sk_msg_md, data_end), Value::packet_end),
    whole("family", offsetof(sk_msg_md, family)),
    whole("remote_ip4", offsetof(sk_msg_md, remote_ip4)),
    whole("local_ip4", offsetof(sk_msg_md, local_ip4)),
    whole("remote_ip6", offsetof(sk_msg_md, remote_ip6), 16),
    whole("local_ip6", offsetof(sk_msg_md, local_ip6), 16),
    whole("remote_port", offsetof(sk_msg_md, remote_port)),
    whole("local_port", offsetof(sk_msg_md, local_port)),
    whole("size", offsetof(sk_msg_md, size)),
    wide("sk", offsetof(sk_msg_md, sk), Value::socket),
});

// Linux keeps the protocol in two bytes and gives no less.
constexpr Field kEthProtocol = {
    .name = "eth_protocol", .offset = offsetof(sk_reuseport_md, eth_protocol), .loads = 2 | 4};

constexpr auto kSkReuseport = std::to_array<Field>({
    wide("data", offsetof(sk_reuseport_md, data), Value::packet),
    wide("data_end", offsetof(sk_reuseport_md, data_end), Value::packet_end),
    narrow("len", offsetof(sk_reuseport_md, len)),
    kept(2, kEthProtocol),
    kept(2, narrow("ip_protocol", offsetof(sk_reuseport_md, ip_protocol))),
    kept(1, narrow("bind_inany", offsetof(sk_reuseport_md, bind_inany))),
    whole("hash", offsetof(sk_reuseport_md, hash)),
    wide("sk", offsetof(sk_reuseport_md, sk), Value::socket),
    wide("migrating_sk", offsetof(sk_reuseport_md, migrating_sk), Value::socket_common_or_null),
});

constexpr auto kSkLookup = std::to_array<Field>({
    wide("sk", offsetof(abi::bpf_sk_lookup, sk), Value::socket_or_null),
    kept(2, narrow("family", offsetof(abi::bpf_sk_lookup, family))),
    kept(2, narrow("protocol", offsetof(abi::bpf_sk_lookup, protocol))),
    narrow("remote_ip4", offsetof(abi::bpf_sk_lookup, remote_ip4)),
    narrow("remote_ip6", offsetof(abi::bpf_sk_lookup, remote_ip6), 16),
    kept(2, narrow("remote_port", offsetof(abi::bpf_sk_lookup, remote_port))),
    narrow("local_ip4", offsetof(abi::bpf_sk_lookup, local_ip4)),
    narrow("local_ip6", offsetof(abi::bpf_sk_lookup, local_ip6), 16),
    kept(2, narrow("local_port", offsetof(abi::bpf_sk_lookup, local_port))),
    narrow("ingress_ifindex", offsetof(abi::bpf_sk_lookup, ingress_ifindex)),
});

constexpr NumberSet kGet = {abi::BPF_CGROUP_GETSOCKOPT};
constexpr NumberSet kSet = {abi::BPF_CGROUP_SETSOCKOPT};

constexpr auto kSockopt = std::to_array<Field>({
    wide("sk", offsetof(bpf_sockopt, sk), Value::socket),
    wide("optval", offsetof(bpf_sockopt, optval), Value::packet),
    wide("optval_end", offsetof(bpf_sockopt, optval_end), Value::packet_end),
    writable(whole("level", offsetof(bpf_sockopt, level)), 4, kSet),
    writable(whole("optname", offsetof(bpf_sockopt, optname)), 4, kSet),
    writable(whole("optlen", offsetof(bpf_sockopt, optlen))),
    writable(whole("retval", offsetof(bpf_sockopt, retval), 4, kGet), 4, kGet),
});

constexpr auto kSysctl = std::to_array<Field>({
    narrow("write", offsetof(abi::bpf_sysctl, write)),
    writable(narrow("file_pos", offsetof(abi::bpf_sysctl, file_pos))),
});

constexpr auto kDevice = std::to_array<Field>({
    narrow("access_type", offsetof(abi::bpf_cgroup_dev_ctx, access_type)),
    whole("major", offsetof(abi::bpf_cgroup_dev_ctx, major)),
    whole("minor", offsetof(abi::bpf_cgroup_dev_ctx, minor)),
});

}  // namespace

std::span<const Field> sock_fields() { return kSock; }
std::span<const Field> sock_addr_fields() { return kSockAddr; }
std::span<const Field> sock_ops_fields() { return kSockOps; }
std::span<const Field> sk_msg_fields() { return kSkMsg; }
std::span<const Field> sk_reuseport_fields() { return kSkReuseport; }
std::span<const Field> sk_lookup_fields() { return kSkLookup; }
std::span<const Field> sockopt_fields() { return kSockopt; }
std::span<const Field> sysctl_fields() { return kSysctl; }
std::span<const Field> device_fields() { return kDevice; }

}  // namespace skep::machine
