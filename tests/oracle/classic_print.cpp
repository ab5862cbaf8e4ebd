// SPDX-License-Identifier: Apache-2.0
// tcpdump and libpcap as judges of print_classic: the same text for what tcpdump makes of filter
// expressions, and for every single instruction.
#include <dlfcn.h>
#include <doctest/doctest.h>

#include <array>
#include <string>

#include "isa/classic_assemble.h"
#include "isa/classic_print.h"
#include "tests/oracle/llvm_tools.h"
#include "tests/support/classic_random.h"
#include "tests/support/rounds.h"
#include "tests/support/skip.h"

namespace skep {

namespace {

constexpr auto kExpressions = std::to_array<std::string_view>({
    "",
    "ip",
    "ip6",
    "arp",
    "tcp",
    "udp",
    "sctp",
    "icmp",
    "icmp6",
    "igmp",
    "tcp port 80",
    "udp port 53",
    "port 80 or port 443",
    "not port 22",
    "tcp portrange 1000-2000",
    "portrange 1-65535",
    "src port 67 and dst port 68",
    "host 192.168.1.1",
    "src host 10.0.0.1 and dst host 10.0.0.2",
    "host 2001:db8::1",
    "net 10.0.0.0/8",
    "src net 192.168.0.0/16 or dst net 172.16.0.0/12",
    "net 2001:db8::/32",
    "ether host 00:11:22:33:44:55",
    "ether src 01:02:03:04:05:06 or ether dst 0a:0b:0c:0d:0e:0f",
    "ether proto 0x88cc",
    "ether broadcast",
    "ether multicast",
    "ip broadcast or ip multicast",
    "ip6 multicast",
    "vlan",
    "vlan 100",
    "vlan 100 and tcp port 80",
    "vlan 100 and vlan 200",
    "mpls",
    "mpls 1000 and ip",
    "pppoed",
    "pppoes and ip",
    "geneve",
    "less 100",
    "greater 1000",
    "len > 64 and len <= 1500",
    "ip proto 47",
    "ip protochain 6",
    "ip6 protochain 17",
    "ip[0] & 0xf != 5",
    "ip[6:2] & 0x1fff = 0",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "tcp[13] = 2",
    "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
    "ip[2:2] - ((ip[0] & 0xf) << 2) - ((tcp[12] & 0xf0) >> 2) != 0",
    "udp[8:4] * 3 + 7 > 1000",
    "udp[4:2] / 8 = 10",
    "udp[4:2] % 16 = 3",
    "ether[0] ^ 0x55 = 0xaa",
    "ether[0] | 1 = ether[6] | 1",
    "icmp[icmptype] = icmp-echo or icmp[icmptype] = icmp-echoreply",
    "icmp6[icmp6type] = icmp6-neighborsolicit",
    "ip[8] < 5",
    "ip6[7] >= 64",
    "tcp[2:2] > tcp[0:2]",
    "link[0] & 1 = 0",
    "ip and (tcp or udp) and not (host 1.2.3.4 and port 5)",
    "(tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0))",
    "gateway snup",
    "iso",
    "stp",
    "rarp",
    "atalk",
    "llc",
    "isis",
    "-ip[0] = 1",
});

Result<std::string> run_tcpdump(std::string_view options, std::string_view expression) {
  return test::output_of(text("tcpdump -y EN10MB {} '{}'", options, expression));
}

// libpcap's own printer of one instruction.
using BpfImage = char* (*)(const isa::ClassicInsn* insn, int index);

BpfImage find_bpf_image() {
  void* library = dlopen("libpcap.so.0.8", RTLD_NOW);
  if (library == nullptr) library = dlopen("libpcap.so.1", RTLD_NOW);
  return library == nullptr ? nullptr : reinterpret_cast<BpfImage>(dlsym(library, "bpf_image"));
}

// Where we mean to differ: names of ancillary loads, what is no operation, `ret a`,
// and the one load that libpcap does not know.
bool meant_to_differ(const isa::ClassicInsn& insn, const std::string& printed) {
  return find_ancillary(insn) != nullptr || printed.find('{') != printed.npos ||
         insn.code == 0x16 || insn.code == 0x81;
}

}  // namespace

TEST_CASE("tcpdump -d prints its filters in the same way") {
  if (!run_tcpdump("-d", "ip")) return test::skip("no tcpdump here");
  int compared = 0;
  for (const std::string_view expression : kExpressions) {
    CAPTURE(expression);
    const auto numbers = run_tcpdump("-ddd", expression);
    if (!numbers) continue;  // another libpcap's expression
    const auto program = isa::decode_classic_decimal(*numbers, "-ddd");
    REQUIRE(program);
    CHECK(isa::encode_classic_decimal(*program) == *numbers);
    CHECK(isa::print_classic(*program, isa::ClassicStyle::tcpdump) ==
          run_tcpdump("-d", expression).value());
    CHECK(isa::assemble_classic(isa::print_classic(*program), "exact").value() == *program);
    const std::string braces = run_tcpdump("-dd", expression).value();
    CHECK(isa::assemble_classic(braces, "-dd").value() == *program);
    ++compared;
  }
  CHECK(compared > 50);
}

TEST_CASE("libpcap prints every instruction in the same way") {
  const BpfImage image = find_bpf_image();
  if (image == nullptr) return test::skip("no libpcap here");
  const std::uint64_t seed = test::seed_or(1);
  for (std::uint64_t i = 0; i < test::runs_or(test::rounds(200'000)); ++i) {
    test::ClassicRandom random(seed + i);
    const isa::ClassicProgram program = random.program(isa::ClassicKind::socket, 20);
    for (std::size_t at = 0; at < program.size(); ++at) {
      const std::string printed =
          text("({:03}) ", at) +
          isa::print_classic_insn(program[at], at, isa::ClassicStyle::tcpdump);
      if (meant_to_differ(program[at], printed)) continue;
      if (printed != image(&program[at], static_cast<int>(at)))
        FAIL(printed, " is for libpcap ", image(&program[at], static_cast<int>(at)));
    }
  }
}

}  // namespace skep
