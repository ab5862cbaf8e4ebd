// SPDX-License-Identifier: Apache-2.0
#include "engine/classic.h"

#include <doctest/doctest.h>

#include "isa/classic_assemble.h"

namespace skep::engine {

namespace {

isa::ClassicFilter filter_of(std::string_view source,
                             isa::ClassicKind kind = isa::ClassicKind::socket) {
  auto program = isa::assemble_classic(source, "f");
  REQUIRE_MESSAGE(program, program.error().what);
  auto filter = isa::ClassicFilter::make(*std::move(program), kind);
  REQUIRE_MESSAGE(filter, filter.error().what);
  return *std::move(filter);
}

// An Ethernet frame with an IPv4 header of 24 bytes and a UDP port behind it.
Bytes udp_frame() {
  return parse_hex(
             "00 11 22 33 44 55 66 77 88 99 aa bb 08 00  46 00 00 2c 00 00 00 00 40 11 00 00 "
             "0a 00 00 01 0a 00 00 02 01 01 01 00  00 35 12 34")
      .value();
}

std::uint32_t result(std::string_view source) {
  const Bytes frame = udp_frame();
  return run_classic(filter_of(source), context_of(frame));
}

}  // namespace

TEST_CASE("a filter sees the bytes of the frame in network order") {
  CHECK(result("ldh [12]\nret a") == 0x0800);
  CHECK(result("ld [26]\nret a") == 0x0a00'0001);
  CHECK(result("ldx 4*([14]&0xf)\nldh [x + 14]\nret a") == 53);
  CHECK(result("ld #len\nret a") == 42);
  CHECK(result("ld proto\nret a") == 0x0800);
}

TEST_CASE("offsets below zero count from the network and link-layer headers") {
  CHECK(result("ldb [-1048567]\nret a") == 17);    // SKF_NET_OFF + 9
  CHECK(result("ldb [-2097146]\nret a") == 0x66);  // SKF_LL_OFF + 6
  CHECK(result("ldx #-1048576\nldb [x + 8]\nret a") == 0x40);
}

TEST_CASE("a load outside the frame and a division by zero end the filter with 0") {
  CHECK(result("ldb [41]\nret #7") == 7);
  CHECK(result("ldb [42]\nret #7") == 0);
  CHECK(result("ldh [41]\nret #7") == 0);
  CHECK(result("ldx 4*([42]&0xf)\nret #7") == 0);
  CHECK(result("ldb [-2097153]\nret #7") == 0);
  CHECK(result("ldx #0\ndiv x\nret #7") == 0);
  CHECK(result("ldx #0\nmod x\nret #7") == 0);
}

TEST_CASE("arithmetic has 32 bits, and shifts by X use the low five") {
  CHECK(result("ld #0xffffffff\nadd #2\nret a") == 1);
  CHECK(result("ld #1\nneg\nret a") == 0xffff'ffff);
  CHECK(result("ldx #33\nld #1\nlsh x\nret a") == 2);
  CHECK(result("ld #0x80000000\ndiv #-1\nret a") == 0);
  CHECK(result("ld #5\nldx #3\nld xor_x\nret a") == 6);
  CHECK(result("ld #5\nst M[15]\nld #0\nldx M[15]\ntxa\nret a") == 5);
}

TEST_CASE("a seccomp filter reads words of its data") {
  const auto filter = filter_of("ld [16]\nldx #len\nadd x\nret a", isa::ClassicKind::seccomp);
  CHECK(run_classic(filter, SeccompData{.arguments = {36}}) == 100);
}

TEST_CASE("packet loads know where the frame ends, whatever the offset") {
  const Bytes frame = udp_frame();
  Packet packet{.bytes = frame};
  CHECK(load_packet(packet, 40, 2) == 0x1234);
  CHECK(!load_packet(packet, 41, 2));
  CHECK(!load_packet(packet, 0x7fff'ffff, 4));
  CHECK(!load_packet(packet, -1, 1));
  CHECK(!load_packet(packet, kLinkBase - 1, 1));
  packet.start = 14;
  CHECK(packet.length() == 28);
  CHECK(load_packet(packet, 0, 1) == 0x46);
  CHECK(load_packet(packet, kNetworkBase, 1) == 0x46);
  CHECK(load_packet(packet, kLinkBase + 12, 2) == 0x0800);
}

}  // namespace skep::engine
