// SPDX-License-Identifier: Apache-2.0
#include "machine/skb.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "machine/checksum.h"
#include "machine/skb_bytes.h"
#include "machine/skb_marks.h"
#include "machine/skb_shape.h"
#include "machine/skb_test_run.h"

namespace skep::machine {

namespace {

// Ethernet and an IPv4 header, then `payload` bytes.
Bytes frame(std::size_t payload = 6) {
  Bytes bytes(34 + payload);
  bytes[12] = std::byte{0x08};
  bytes[14] = std::byte{0x45};
  return bytes;
}

SkbTestRun prepare(const Bytes& bytes, abi::bpf_prog_type type = abi::BPF_PROG_TYPE_SCHED_CLS) {
  auto run = SkbTestRun::prepare(*find_program_type(type), {.data = bytes, .wants_context = true});
  if (!run) FAIL(run.error().what);
  return *std::move(run);
}

int refusal(const TestInput& input) {
  const auto run = SkbTestRun::prepare(*find_program_type(abi::BPF_PROG_TYPE_SCHED_CLS), input);
  return run ? 0 : run.error().sys;
}

}  // namespace

TEST_CASE("a test run wants 14 to 3712 bytes, and whole network headers") {
  CHECK(refusal({.data = Bytes(13)}) == EINVAL);
  CHECK(refusal({.data = Bytes(14)}) == 0);
  CHECK(refusal({.data = Bytes(3712)}) == 0);
  CHECK(refusal({.data = Bytes(3713)}) == EINVAL);
  const Bytes whole = frame();
  CHECK(refusal({.data = std::span(whole).first(33)}) == EINVAL);
  CHECK(refusal({.data = frame(), .flags = 1}) == EINVAL);
  CHECK(refusal({.data = frame(), .cpu = 1}) == EINVAL);
}

TEST_CASE("a context may set some fields alone, and may be longer if that is zero") {
  const Bytes data = frame();
  Bytes context(200);
  CHECK(refusal({.data = data, .context = context}) == 0);
  context[199] = std::byte{1};
  CHECK(refusal({.data = data, .context = context}) == E2BIG);
  CHECK(refusal({.data = data, .context = Bytes(4097)}) == E2BIG);
  abi::__sk_buff given{};
  given.mark = 7;
  const auto bytes = std::as_bytes(std::span(&given, 1));
  CHECK(refusal({.data = data, .context = bytes}) == 0);
  given.hash = 1;
  CHECK(refusal({.data = data, .context = bytes}) == EINVAL);
  given = {.ifindex = 2};
  CHECK(refusal({.data = data, .context = bytes}) == ENODEV);
  given = {.wire_len = 39};
  CHECK(refusal({.data = data, .context = bytes}) == EINVAL);
}

TEST_CASE("programs below the link layer begin at the network header and lose the other") {
  SkbTestRun run = prepare(frame(), abi::BPF_PROG_TYPE_CGROUP_SKB);
  CHECK(run.skb().length() == 26);
  CHECK(run.skb().mac_offset() == -14);
  CHECK(run.skb().packet().start == 14);
  const auto output = run.finish();
  REQUIRE(output);
  CHECK(output->data.size() == 40);
  CHECK(output->data[12] == std::byte{0});
}

TEST_CASE("what is read outside the packet becomes zero") {
  SkbTestRun run = prepare(frame());
  std::array<std::byte, 4> to{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  CHECK(skb_load_bytes(run.skb(), 37, to) == -EFAULT);
  CHECK(to == std::array<std::byte, 4>{});
  CHECK(skb_load_bytes(run.skb(), 0xffffffff, to) == -EFAULT);
  CHECK(skb_load_bytes_relative(run.skb(), 0, to, 1) == 0);
  CHECK(to[0] == std::byte{0x45});
  CHECK(skb_load_bytes_relative(run.skb(), 0, to, 2) == -EFAULT);
}

TEST_CASE("a second tag moves the first into the packet, and back") {
  SkbTestRun run = prepare(frame());
  Skb& skb = run.skb();
  const Bytes before(skb.bytes().begin(), skb.bytes().end());
  CHECK(skb_vlan_push(skb, kProtocolVlan, 5) == 0);
  CHECK(skb.length() == 40);
  CHECK(skb_vlan_push(skb, kProtocolOuterVlan, 6) == 0);
  CHECK(skb.length() == 44);
  CHECK(skb.seen().protocol == kProtocolVlan);
  CHECK(skb.bytes()[15] == std::byte{5});
  CHECK(skb_vlan_pop(skb) == 0);
  CHECK(skb.seen().vlan_tci == 5);
  CHECK(skb_vlan_pop(skb) == 0);
  CHECK(skb_vlan_pop(skb) == 0);
  CHECK(std::ranges::equal(skb.bytes(), before));
}

TEST_CASE("room grows and shrinks behind the network header within its limits") {
  SkbTestRun run = prepare(frame());
  Skb& skb = run.skb();
  CHECK(skb_adjust_room(skb, 0x1000, 0, 0) == -EFAULT);
  CHECK(skb_adjust_room(skb, INT32_MIN, 0, 0) == -EFAULT);
  CHECK(skb_adjust_room(skb, 8, 0, 1ULL << 40) == -EINVAL);
  CHECK(skb_adjust_room(skb, 8, 2, 0) == -524);
  CHECK(skb_adjust_room(skb, -7, 0, 0) == -524);
  CHECK(skb_adjust_room(skb, 8, 0, 0) == 0);
  CHECK(skb.length() == 48);
  CHECK(skb.bytes()[14] == std::byte{0x45});
  CHECK(skb_adjust_room(skb, -8, 0, 0) == 0);
  CHECK(skb.context().data_end - skb.context().data == 40);
}

TEST_CASE("a packet grows by what its limit allows, and its memory stays bounded") {
  SkbTestRun run = prepare(frame());
  Skb& skb = run.skb();
  CHECK(skb_change_tail(skb, kMaxSkbBytes + 1, 0) == -EINVAL);
  CHECK(skb_change_tail(skb, 13, 0) == -EINVAL);
  CHECK(skb_change_tail(skb, kMaxSkbBytes, 0) == 0);
  CHECK(skb_change_head(skb, 1, 0) == -EINVAL);
  skb.seen().gso_size = 100;  // segments lift the limit
  CHECK(skb_change_head(skb, 0x7fffffff, 0) == -ENOMEM);
  CHECK(skb_change_head(skb, 0x80000000, 0) == -EINVAL);
}

TEST_CASE("sums follow changes") {
  const std::array<std::uint32_t, 2> from{0x01020304, 0xffffffff};
  const std::array<std::uint32_t, 2> to{0x11223344, 0};
  const auto bytes_of = [](const auto& words) { return std::as_bytes(std::span(words)); };
  const auto before = fold_sum(sum_bytes(bytes_of(from)));
  const auto after = fold_sum(sum_bytes(bytes_of(to)));
  const auto diff = static_cast<std::uint32_t>(csum_diff(bytes_of(from), bytes_of(to), 0));
  CHECK(checksum_after_diff(before, diff) == after);
  CHECK(csum_diff(bytes_of(from).first(3), {}, 0) == -EINVAL);
  CHECK(csum_diff({}, {}, 0x12345) == 0x2346);
}

TEST_CASE("a checksum that does not follow ends a run that asks for it") {
  const Bytes data = frame();
  auto run = SkbTestRun::prepare(*find_program_type(abi::BPF_PROG_TYPE_SCHED_CLS),
                                 {.data = data, .flags = 4});
  REQUIRE(run);
  const std::array<std::byte, 1> one{std::byte{1}};
  CHECK(skb_store_bytes(run->skb(), 35, one, 1) == 0);
  CHECK(run->finish().has_value());
  CHECK(skb_store_bytes(run->skb(), 36, one, 0) == 0);
  const auto output = run->finish();
  REQUIRE(!output);
  CHECK(output.error().sys == EBADMSG);
}

TEST_CASE("clones and redirects are wishes") {
  SkbTestRun run = prepare(frame());
  std::vector<SentClone> sent;
  CHECK(clone_redirect(run.skb(), {}, 1, 0, sent) == 0);
  CHECK(clone_redirect(run.skb(), {}, 2, 0, sent) == -EINVAL);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].bytes.size() == 40);
  for (int i = 0; i < 1000; ++i) (void)clone_redirect(run.skb(), {}, 1, 0, sent);
  CHECK(sent.size() == 64);
  CHECK(skb_redirect(run.skb(), 3, 1) == 7);
  CHECK(run.skb().redirect.ifindex == 3);
  CHECK(skb_redirect(run.skb(), 3, 2) == 2);
}

TEST_CASE("how much fits is copied, and the rest told") {
  CHECK(copy_size(10, 0).bytes == 10);
  CHECK(copy_size(10, 4).bytes == 4);
  CHECK(copy_size(10, 4).sys == ENOSPC);
}

}  // namespace skep::machine
