// SPDX-License-Identifier: Apache-2.0
#include "machine/program_types.h"

#include <doctest/doctest.h>

#include <vector>

#include "abi/context_packet.h"
#include "machine/context_convert.h"
#include "machine/context_packet.h"

namespace skep::machine {

namespace {

const ProgramType& type_of(abi::bpf_prog_type number) { return *find_program_type(number); }

isa::Insn converted(const ProgramType& type, const isa::Insn& insn) {
  std::vector<isa::Insn> out;
  convert_access(type, insn, out);
  return out.size() == 1 ? out.front() : isa::Insn{};
}

}  // namespace

TEST_CASE("every type has a row, and no other number") {
  CHECK(find_program_type(0) == nullptr);
  CHECK(find_program_type(abi::__MAX_BPF_PROG_TYPE) == nullptr);
  for (std::uint32_t number = 1; number < abi::__MAX_BPF_PROG_TYPE; ++number)
    CHECK(find_program_type(number)->number == number);
}

TEST_CASE("an access is allowed by type, size, place and direction") {
  const ProgramType& filter = type_of(abi::BPF_PROG_TYPE_SOCKET_FILTER);
  const ProgramType& cls = type_of(abi::BPF_PROG_TYPE_SCHED_CLS);
  constexpr std::uint32_t kMark = offsetof(abi::__sk_buff, mark);
  constexpr std::uint32_t kData = offsetof(abi::__sk_buff, data);
  CHECK(check_access(filter, {.offset = kMark, .bytes = 4}) != nullptr);
  CHECK(check_access(filter, {.offset = kMark + 2, .bytes = 2}) != nullptr);
  CHECK(check_access(filter, {.offset = kMark, .bytes = 4, .write = true}) == nullptr);
  CHECK(check_access(cls, {.offset = kMark, .bytes = 4, .write = true}) != nullptr);
  CHECK(check_access(filter, {.offset = kData, .bytes = 4}) == nullptr);
  REQUIRE(check_access(cls, {.offset = kData, .bytes = 4}) != nullptr);
  CHECK(check_access(cls, {.offset = kData, .bytes = 4})->value == Value::packet);
  CHECK(check_access(cls, {.offset = kData, .bytes = 2}) == nullptr);
  CHECK(check_access(cls, {.offset = kData, .bytes = 4, .sign_extend = true}) == nullptr);
}

TEST_CASE("nonsense is refused") {
  for (const ProgramType& type : program_types())
    for (const std::uint32_t bytes : {0U, 3U, 16U, 0xffffffffU}) {
      CHECK(check_access(type, {.offset = 0, .bytes = bytes}) == nullptr);
      CHECK(check_access(type, {.offset = -8, .bytes = 8}) == nullptr);
      CHECK(check_access(type, {.offset = INT64_MAX & ~7, .bytes = 8}) == nullptr);
    }
}

TEST_CASE("attach types are resolved, and return ranges follow them") {
  const ProgramType& sock = type_of(abi::BPF_PROG_TYPE_CGROUP_SOCK);
  CHECK(resolve_attach_type(sock, 0) == abi::BPF_CGROUP_INET_SOCK_CREATE);
  CHECK(!resolve_attach_type(sock, abi::BPF_CGROUP_INET_EGRESS));
  CHECK(!resolve_attach_type(sock, 0xffffffff));
  CHECK(resolve_attach_type(type_of(abi::BPF_PROG_TYPE_XDP), 0xffffffff) == 0xffffffff);
  const ProgramType& skb = type_of(abi::BPF_PROG_TYPE_CGROUP_SKB);
  CHECK(return_range(skb, abi::BPF_CGROUP_INET_EGRESS)->max == 3);
  CHECK(return_range(skb, abi::BPF_CGROUP_INET_INGRESS)->max == 1);
  CHECK(return_range(type_of(abi::BPF_PROG_TYPE_XDP), 0) == nullptr);
}

TEST_CASE("a 32-bit packet pointer becomes the 64-bit one behind the context") {
  const isa::Insn load{.code = 0x61, .dst = 3, .src = 7, .offset = offsetof(abi::xdp_md, data_end)};
  CHECK(converted(type_of(abi::BPF_PROG_TYPE_XDP), load) ==
        isa::Insn{.code = 0x79, .dst = 3, .src = 7, .offset = offsetof(XdpContext, data_end)});
}

TEST_CASE("fields that are kept in fewer bytes are read and written in these") {
  const ProgramType& cls = type_of(abi::BPF_PROG_TYPE_SCHED_CLS);
  constexpr std::int16_t kProtocol = offsetof(abi::__sk_buff, protocol);
  const isa::Insn upper{.code = 0x69, .dst = 2, .src = 6, .offset = kProtocol + 2};
  CHECK(converted(cls, upper).offset == kProtocol);
  const isa::Insn byte{.code = 0x71, .dst = 2, .src = 6, .offset = kProtocol + 2};
  CHECK(converted(cls, byte) == byte);
  const isa::Insn store{
      .code = 0x63, .dst = 6, .src = 2, .offset = offsetof(abi::__sk_buff, tc_index)};
  CHECK(converted(cls, store).code == 0x6b);
  std::vector<isa::Insn> out;
  convert_access(cls, {.code = 0x63, .dst = 6, .src = 2, .offset = 12}, out);
  CHECK(out.size() == 2);
}

}  // namespace skep::machine
