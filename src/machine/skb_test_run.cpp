// SPDX-License-Identifier: Apache-2.0
#include "machine/skb_test_run.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "abi/bpf_attr.h"
#include "machine/checksum.h"

namespace skep::machine {

namespace {

using Seen = abi::__sk_buff;

constexpr std::uint32_t kEthernetBytes = engine::kEthernetHeaderBytes;
constexpr std::size_t kMaxBytes = 4096 - 64 - 320;  // a page without the room around the packet
constexpr std::size_t kMaxContext = 4096;
constexpr std::uint32_t kMaxWireBytes = 65536;
constexpr std::uint32_t kMaxSegments = 65535;
constexpr std::uint32_t kIpv4Family = 2;
constexpr std::uint32_t kIpv6Family = 10;

// The fields of a context that a caller may set.
struct Span {
  std::size_t begin;
  std::size_t end;
};
constexpr Span kSettable[] = {
    {offsetof(Seen, mark), offsetof(Seen, queue_mapping)},
    {offsetof(Seen, priority), offsetof(Seen, tc_index)},
    {offsetof(Seen, cb), offsetof(Seen, hash)},
    {offsetof(Seen, tstamp), offsetof(Seen, sk)},
    {offsetof(Seen, gso_size), offsetof(Seen, tstamp_type)},
    {offsetof(Seen, hwtstamp), sizeof(Seen)},
};

bool sets_only_settable(std::span<const std::byte> context) {
  std::size_t from = 0;
  const auto is_zero = [&](std::size_t begin, std::size_t end) {
    return std::ranges::all_of(context.subspan(begin, end - begin),
                               [](std::byte byte) { return byte == std::byte{0}; });
  };
  for (const Span& span : kSettable) {
    if (!is_zero(from, span.begin)) return false;
    from = span.end;
  }
  return is_zero(from, context.size());
}

// What the link layer tells of a frame.
constexpr std::uint32_t kToHost = 0;
constexpr std::uint32_t kBroadcast = 1;
constexpr std::uint32_t kMulticast = 2;
constexpr std::uint32_t kOtherHost = 3;

std::uint32_t kind_of(std::span<const std::byte> to, const Device& device) {
  if (std::ranges::equal(to, device.address)) return kToHost;
  if ((to.front() & std::byte{1}) == std::byte{0}) return kOtherHost;
  return std::ranges::equal(to, device.broadcast) ? kBroadcast : kMulticast;
}

// The socket of a test run has the packet's addresses and no ports.
Status read_network_header(Skb& skb) {
  Seen& seen = skb.seen();
  const std::byte* from = skb.bytes().data();
  if (seen.protocol == kProtocolIpv4) {
    if (skb.length() < kIpv4Bytes) return refuse_run(EINVAL, "no room for the IPv4 header");
    seen.family = kIpv4Family;
    std::memcpy(&seen.local_ip4, from + 12, 4);
    std::memcpy(&seen.remote_ip4, from + 16, 4);
  } else if (seen.protocol == kProtocolIpv6) {
    if (skb.length() < kIpv6Bytes) return refuse_run(EINVAL, "no room for the IPv6 header");
    seen.family = kIpv6Family;
    std::memcpy(seen.local_ip6, from + 8, 16);
    std::memcpy(seen.remote_ip6, from + 24, 16);
  }
  return {};
}

// Takes the Ethernet header off: the network header comes first then.
Status receive(Skb& skb, const Device& device) {
  Seen& seen = skb.seen();
  const std::span<const std::byte> frame = skb.bytes();
  seen.pkt_type = kind_of(frame.first(device.address.size()), device);
  const auto type = load<std::uint16_t>(frame.data() + 12);
  const auto next = skb.part(kEthernetBytes, 2);
  seen.protocol =
      protocol_of(type, next ? std::optional(load<std::uint16_t>(next->data())) : std::nullopt);
  seen.ifindex = device.ifindex;
  skb.pull(kEthernetBytes);
  skb.set_network_offset(0);
  return read_network_header(skb);
}

Status apply(Skb& skb, const Seen& given) {
  Seen& seen = skb.seen();
  seen.mark = given.mark;
  seen.priority = given.priority;
  seen.ingress_ifindex = given.ingress_ifindex;
  seen.tstamp = given.tstamp;
  std::ranges::copy(given.cb, seen.cb);
  if (given.wire_len != 0 && (given.wire_len < skb.length() || given.wire_len > kMaxWireBytes))
    return refuse_run(EINVAL, "wire_len is shorter than the packet or above 65536");
  seen.wire_len = given.wire_len != 0 ? given.wire_len : skb.length();
  if (given.gso_segs > kMaxSegments) return refuse_run(EINVAL, "gso_segs is above 65535");
  seen.gso_segs = given.gso_segs;
  seen.gso_size = static_cast<std::uint16_t>(given.gso_size);
  seen.hwtstamp = given.hwtstamp;
  return {};
}

std::uint32_t network_sum(Skb& skb) {
  const auto bytes = skb.bytes();
  const auto from = static_cast<std::size_t>(
      std::clamp<std::int64_t>(skb.network_offset(), 0, std::int64_t{skb.length()}));
  return sum_bytes(bytes.subspan(from));
}

}  // namespace

std::unexpected<Error> refuse_run(int sys, const char* why) {
  return std::unexpected(Error{.code = Code::invalid, .sys = sys, .what = why});
}

CopySize copy_size(std::size_t bytes, std::uint32_t room) {
  if (room == 0 || bytes <= room) return {.bytes = bytes};
  return {.bytes = room, .sys = ENOSPC};
}

Result<std::optional<Bytes>> read_test_context(const TestInput& input, std::size_t bytes) {
  if (input.context.empty() && !input.wants_context) return std::optional<Bytes>();
  if (input.context.size() > kMaxContext) return refuse_run(E2BIG, "ctx_in is above 4096 bytes");
  Bytes context(input.context.begin(), input.context.end());
  for (std::size_t i = bytes; i < context.size(); ++i)
    if (context[i] != std::byte{0})
      return refuse_run(E2BIG, "ctx_in has more than this kind of context");
  context.resize(bytes);
  return std::optional<Bytes>(std::move(context));
}

Result<SkbTestRun> SkbTestRun::prepare(const ProgramType& type, const TestInput& input) {
  const bool checks_sum = (input.flags & abi::BPF_F_TEST_SKB_CHECKSUM_COMPLETE) != 0;
  if ((input.flags & ~abi::BPF_F_TEST_SKB_CHECKSUM_COMPLETE) != 0 || input.cpu != 0 ||
      input.batch_size != 0)
    return refuse_run(EINVAL, "a packet's test run knows one flag, no cpu and no batch");
  if (input.data.size() < kEthernetBytes || input.data.size() > kMaxBytes)
    return refuse_run(EINVAL, "data_in must have 14 to 3712 bytes");
  const auto context = SKEP_TRY(read_test_context(input, sizeof(Seen)));
  std::optional<Seen> given;
  if (context) {
    if (!sets_only_settable(*context))
      return refuse_run(EINVAL, "ctx_in sets fields that a test run cannot set");
    given = load<Seen>(context->data());
  }
  const bool elsewhere = given && given->ifindex > 1;
  const auto device = elsewhere ? input.devices.by_index(given->ifindex) : Device{};
  if (!device) return refuse_run(ENODEV, "no such ifindex");

  const bool sees_ethernet =
      type.number == abi::BPF_PROG_TYPE_SCHED_CLS || type.number == abi::BPF_PROG_TYPE_SCHED_ACT;
  SkbTestRun run(Skb(input.data), sees_ethernet, checks_sum);
  Skb& skb = run.skb_;
  SKEP_TRY(receive(skb, *device));
  if (sees_ethernet && !skb.push(kEthernetBytes)) return refuse_run(ENOMEM, "no memory");
  run.context_ = given;
  if (given) SKEP_TRY(apply(skb, *given));
  if (checks_sum) skb.checksum = {.state = SkbChecksum::State::complete, .sum = network_sum(skb)};
  skb.refresh();
  return run;
}

Result<TestOutput> SkbTestRun::finish() {
  if (!sees_ethernet_) {
    if (!skb_.push(kEthernetBytes)) return refuse_run(ENOMEM, "no memory");
    std::ranges::fill(skb_.bytes().first(kEthernetBytes), std::byte{0});
  }
  if (checks_sum_ && fold_sum(skb_.checksum.sum) != fold_sum(network_sum(skb_)))
    return refuse_run(EBADMSG, "the packet's checksum does not follow its bytes");
  TestOutput output;
  output.data.assign(skb_.bytes().begin(), skb_.bytes().end());
  if (!context_) return output;
  Seen& told = *context_;
  const Seen& seen = skb_.seen();
  told.mark = seen.mark;
  told.priority = seen.priority;
  told.ingress_ifindex = seen.ingress_ifindex;
  told.ifindex = seen.ifindex;
  told.tstamp = seen.tstamp;
  std::ranges::copy(seen.cb, told.cb);
  told.wire_len = seen.wire_len;
  told.gso_segs = seen.gso_segs;
  told.hwtstamp = seen.hwtstamp;
  output.context.resize(sizeof(told));
  std::memcpy(output.context.data(), &told, sizeof(told));
  return output;
}

}  // namespace skep::machine
