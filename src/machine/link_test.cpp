// SPDX-License-Identifier: Apache-2.0
// Links, attachments without one, and hooks that fire.
#include <doctest/doctest.h>

#include <array>
#include <cerrno>

#include "abi/attach_types.h"
#include "abi/info.h"
#include "abi/link_types.h"
#include "machine/fire.h"
#include "tests/support/test_machine.h"

namespace skep::machine {

namespace {

// A raw tracepoint program that adds its first argument to element 0 of the map.
std::string counting_program(int map) {
  return text(
      "r6 = *(u64 *)(r1 +0)\nr1 = 0\n*(u32 *)(r10 -4) = r1\nr2 = r10\nr2 += -4\n"
      "r1 = map[fd:{}]\ncall 1\nif r0 == 0 goto +1\nlock *(u64 *)(r0 +0) += r6\nr0 = 0\nexit\n",
      map);
}

int open_raw_tracepoint(TestMachine& bench, long program, const char* name,
                        std::uint64_t cookie = 0) {
  auto& attr = bench.fresh();
  attr.raw_tracepoint.name = address(name);
  attr.raw_tracepoint.prog_fd = static_cast<std::uint32_t>(program);
  attr.raw_tracepoint.cookie = cookie;
  return static_cast<int>(bench.run(abi::BPF_RAW_TRACEPOINT_OPEN));
}

std::uint64_t first_of(TestMachine& bench, int map) {
  std::uint64_t value = 0;
  CHECK(bench.lookup(map, std::uint32_t{0}, value) == 0);
  return value;
}

long attach_tcx(TestMachine& bench, long program, std::uint32_t flags, long relative = 0,
                std::uint64_t revision = 0) {
  auto& attr = bench.fresh();
  attr.link_create.prog_fd = static_cast<std::uint32_t>(program);
  attr.link_create.target_ifindex = 1;
  attr.link_create.attach_type = abi::BPF_TCX_INGRESS;
  attr.link_create.flags = flags;
  attr.link_create.tcx.relative_fd = static_cast<std::uint32_t>(relative);
  attr.link_create.tcx.expected_revision = revision;
  return bench.run(abi::BPF_LINK_CREATE);
}

std::uint32_t program_id(TestMachine& bench, long fd) {
  abi::bpf_prog_info info{};
  auto& attr = bench.fresh();
  attr.info.bpf_fd = static_cast<std::uint32_t>(fd);
  attr.info.info_len = sizeof(info);
  attr.info.info = address(&info);
  CHECK(bench.run(abi::BPF_OBJ_GET_INFO_BY_FD) == 0);
  return info.id;
}

std::vector<std::uint32_t> attached(TestMachine& bench, std::uint32_t attach_type,
                                    std::uint32_t target) {
  std::array<std::uint32_t, 8> ids{};
  auto& attr = bench.fresh();
  attr.query.target_fd = target;
  attr.query.attach_type = attach_type;
  attr.query.prog_ids = address(ids.data());
  attr.query.count = ids.size();
  CHECK(bench.run(abi::BPF_PROG_QUERY) == 0);
  return {ids.begin(), ids.begin() + attr.query.count};
}

constexpr const char* kPass = "r0 = 0\nexit\n";

}  // namespace

TEST_CASE("a raw tracepoint fires the programs of its links") {
  TestMachine bench;
  const int map = bench.array(8, 1);
  const long program = bench.load(counting_program(map), abi::BPF_PROG_TYPE_RAW_TRACEPOINT);
  CHECK(bench.log() == "");
  REQUIRE(program >= 0);
  HookSite site(bench.machine(), "raw_tracepoint/demo");
  const std::array<std::uint64_t, 2> arguments = {5, 6};
  CHECK(site.fire(arguments).programs == 0);

  const int first = open_raw_tracepoint(bench, program, "demo");
  const int second = open_raw_tracepoint(bench, program, "demo");
  const int other = open_raw_tracepoint(bench, program, "other");
  REQUIRE(first >= 0);
  REQUIRE(other >= 0);
  CHECK(site.fire(arguments).programs == 2);
  CHECK(first_of(bench, map) == 10);
  CHECK(bench.machine().close(second) == 0);
  CHECK(site.fire(arguments).programs == 1);
  CHECK(first_of(bench, map) == 15);
  CHECK(bench.machine().close(first) == 0);
  CHECK(site.fire(arguments).programs == 0);
}

TEST_CASE("the cookie of a link reaches its program") {
  TestMachine bench;
  const long program = bench.load("call 174\nexit\n", abi::BPF_PROG_TYPE_RAW_TRACEPOINT);
  REQUIRE(program >= 0);
  REQUIRE(open_raw_tracepoint(bench, program, "demo", 1234) >= 0);
  HookSite site(bench.machine(), "raw_tracepoint/demo");
  CHECK(site.fire(std::array<std::uint64_t, 1>{}).result == 1234);
}

TEST_CASE("info of a link") {
  TestMachine bench;
  const long program = bench.load(kPass, abi::BPF_PROG_TYPE_RAW_TRACEPOINT);
  const int link = open_raw_tracepoint(bench, program, "demo", 7);
  std::array<char, 8> name{};
  abi::bpf_link_info info{};
  info.raw_tracepoint.tp_name = address(name.data());
  info.raw_tracepoint.tp_name_len = name.size();
  auto& attr = bench.fresh();
  attr.info.bpf_fd = static_cast<std::uint32_t>(link);
  attr.info.info_len = sizeof(info);
  attr.info.info = address(&info);
  REQUIRE(bench.run(abi::BPF_OBJ_GET_INFO_BY_FD) == 0);
  CHECK(info.type == abi::BPF_LINK_TYPE_RAW_TRACEPOINT);
  CHECK(info.prog_id == program_id(bench, program));
  CHECK(info.raw_tracepoint.cookie == 7);
  CHECK(std::string_view(name.data()) == "demo");
}

TEST_CASE("the order at a tcx hook") {
  TestMachine bench;
  std::array<long, 4> programs{};
  std::array<std::uint32_t, 4> ids{};
  for (std::size_t i = 0; i < programs.size(); ++i) {
    programs[i] = bench.load(kPass, abi::BPF_PROG_TYPE_SCHED_CLS);
    REQUIRE(programs[i] >= 0);
    ids[i] = program_id(bench, programs[i]);
  }
  CHECK(attach_tcx(bench, programs[0], 0) >= 0);
  CHECK(attach_tcx(bench, programs[1], 0) >= 0);
  CHECK(attach_tcx(bench, programs[2], abi::BPF_F_BEFORE) >= 0);
  CHECK(attach_tcx(bench, programs[3], abi::BPF_F_AFTER, programs[0]) >= 0);
  CHECK(attached(bench, abi::BPF_TCX_INGRESS, 1) == std::vector{ids[2], ids[0], ids[3], ids[1]});
  CHECK(attach_tcx(bench, programs[0], abi::BPF_F_BEFORE | abi::BPF_F_AFTER) == -EEXIST);
  CHECK(attach_tcx(bench, programs[0], 0, 0, 99) == -ESTALE);
}

TEST_CASE("an interface has one xdp program") {
  TestMachine bench;
  const long program = bench.load("r0 = 2\nexit\n", abi::BPF_PROG_TYPE_XDP);
  REQUIRE(program >= 0);
  auto& attr = bench.fresh();
  attr.link_create.prog_fd = static_cast<std::uint32_t>(program);
  attr.link_create.target_ifindex = 3;
  attr.link_create.attach_type = abi::BPF_XDP;
  const long link = bench.run(abi::BPF_LINK_CREATE);
  REQUIRE(link >= 0);
  CHECK(bench.run(abi::BPF_LINK_CREATE) == -EBUSY);
  auto& detach = bench.fresh();
  detach.link_detach.link_fd = static_cast<std::uint32_t>(link);
  CHECK(bench.run(abi::BPF_LINK_DETACH) == 0);
  // The place is free again.
  auto& again = bench.fresh();
  again.link_create.prog_fd = static_cast<std::uint32_t>(program);
  again.link_create.target_ifindex = 3;
  again.link_create.attach_type = abi::BPF_XDP;
  CHECK(bench.run(abi::BPF_LINK_CREATE) >= 0);
}

TEST_CASE("a link takes another program") {
  TestMachine bench;
  const long one = bench.load("r0 = 1\nexit\n", abi::BPF_PROG_TYPE_SCHED_CLS);
  const long two = bench.load("r0 = 2\nexit\n", abi::BPF_PROG_TYPE_SCHED_CLS);
  const long link = attach_tcx(bench, one, 0);
  REQUIRE(link >= 0);
  auto& attr = bench.fresh();
  attr.link_update.link_fd = static_cast<std::uint32_t>(link);
  attr.link_update.new_prog_fd = static_cast<std::uint32_t>(two);
  attr.link_update.flags = abi::BPF_F_REPLACE;
  attr.link_update.old_prog_fd = static_cast<std::uint32_t>(two);
  CHECK(bench.run(abi::BPF_LINK_UPDATE) == -EPERM);
  attr.link_update.old_prog_fd = static_cast<std::uint32_t>(one);
  CHECK(bench.run(abi::BPF_LINK_UPDATE) == 0);
  CHECK(attached(bench, abi::BPF_TCX_INGRESS, 1) == std::vector{program_id(bench, two)});
}

TEST_CASE("programs of one type do not go to hooks of another") {
  TestMachine bench;
  const long program = bench.load(kPass, abi::BPF_PROG_TYPE_SOCKET_FILTER);
  CHECK(attach_tcx(bench, program, 0) == -EINVAL);
  CHECK(open_raw_tracepoint(bench, program, "demo") == -EINVAL);
}

}  // namespace skep::machine
