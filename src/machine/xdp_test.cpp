// SPDX-License-Identifier: Apache-2.0
#include "machine/xdp.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "machine/xdp_test_run.h"

namespace skep::machine {

namespace {

int refusal(const Bytes& data, const abi::xdp_md& given) {
  const auto run = XdpTestRun::prepare(
      abi::BPF_XDP, {.data = data, .context = std::as_bytes(std::span(&given, 1))});
  return run ? 0 : run.error().sys;
}

}  // namespace

TEST_CASE("the head moves between the frame's place and the last 14 bytes") {
  XdpBuffer packet(Bytes(64), 0);
  CHECK(packet.adjust_head(-217) == -EINVAL);
  CHECK(packet.adjust_head(-216) == 0);
  CHECK(packet.length() == 280);
  CHECK(packet.adjust_head(267) == -EINVAL);
  CHECK(packet.adjust_head(266) == 0);
  CHECK(packet.length() == 14);
  CHECK(packet.adjust_head(INT32_MIN) == -EINVAL);
}

TEST_CASE("metadata moves with the head") {
  XdpBuffer packet(Bytes(64), 0);
  CHECK(packet.adjust_meta(-3) == -EACCES);
  CHECK(packet.adjust_meta(4) == -EINVAL);
  CHECK(packet.adjust_meta(-8) == 0);
  CHECK(packet.metadata_bytes() == 8);
  Bytes marked(64);
  std::fill_n(marked.begin(), 8, std::byte{0x55});
  XdpBuffer other(marked, 8);
  CHECK(other.adjust_head(4) == 0);
  CHECK(other.metadata_bytes() == 8);
  CHECK(other.everything()[7] == std::byte{0x55});
  CHECK(other.everything()[8] == std::byte{0});
}

TEST_CASE("the tail stays in the page and is cleared as it grows") {
  XdpBuffer packet(Bytes(64, std::byte{1}), 0);
  CHECK(packet.adjust_tail(-51) == -EINVAL);
  CHECK(packet.adjust_tail(-50) == 0);
  CHECK(packet.adjust_tail(50) == 0);
  CHECK(packet.linear()[14] == std::byte{0});
  CHECK(packet.adjust_tail(static_cast<std::int32_t>(kXdpMaxLinear) - 63) == -EINVAL);
  CHECK(packet.adjust_tail(INT32_MAX) == -EINVAL);
}

TEST_CASE("bytes are reached across the border to the fragments") {
  XdpBuffer packet(Bytes(20), 0, Bytes(20));
  std::array<std::byte, 4> bytes{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  CHECK(packet.store_bytes(18, bytes) == 0);
  std::array<std::byte, 6> read{};
  CHECK(packet.load_bytes(17, read) == 0);
  CHECK(std::ranges::equal(std::span(read).subspan(1, 4), bytes));
  CHECK(packet.load_bytes(35, read) == -EINVAL);
  CHECK(packet.load_bytes(0x10000, read) == -EFAULT);
  CHECK(packet.adjust_tail(4077) == -EINVAL);
  CHECK(packet.adjust_tail(4076) == 0);
  CHECK(packet.adjust_tail(-4098) == 0);
  CHECK(packet.length() == 18);
}

TEST_CASE("a test run's context lays out metadata, packet and fragments") {
  const Bytes data(100);
  CHECK(refusal(data, {.data = 8, .data_end = 100}) == 0);
  CHECK(refusal(data, {.data = 6, .data_end = 100}) == EINVAL);
  CHECK(refusal(data, {.data = 88, .data_end = 100}) == EINVAL);
  CHECK(refusal(data, {.data_end = 101}) == EINVAL);
  CHECK(refusal(data, {.data = 8, .data_end = 4}) == EINVAL);
  CHECK(refusal(data, {.data_meta = 4}) == EINVAL);
  CHECK(refusal(data, {.data_end = 100, .ingress_ifindex = 2}) == ENODEV);
  CHECK(refusal(data, {.data_end = 100, .ingress_ifindex = 1, .rx_queue_index = 1}) == EINVAL);
  CHECK(refusal(data, {.data_end = 100, .egress_ifindex = 1}) == EINVAL);
  CHECK(refusal(Bytes(13), {}) == EINVAL);
  CHECK(refusal(Bytes(100'000), {}) == ENOMEM);
}

TEST_CASE("a map redirects where it has a key, else the flags decide") {
  XdpBuffer packet(Bytes(64), 0);
  CHECK(xdp_redirect_map(packet, {.has_key = true}, 5, 2) == 4);
  CHECK(packet.redirect.ifindex == 5);
  CHECK(xdp_redirect_map(packet, {}, 5, 2) == 2);
  CHECK(xdp_redirect_map(packet, {}, 5, 8) == 0);
  CHECK(xdp_redirect_map(packet, {.holds_devices = true}, 5, 8) == 4);
}

}  // namespace skep::machine
