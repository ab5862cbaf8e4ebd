// SPDX-License-Identifier: Apache-2.0
// Two machines over one Region: what one process makes, the other uses.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "machine/fire.h"
#include "tests/support/test_machine.h"

namespace skep::machine {

namespace {

std::unique_ptr<Machine> beside(Machine& machine) {
  Fd fd(fcntl(machine.region().fd(), F_DUPFD_CLOEXEC, 0));
  auto region = maps::Region::attach(std::move(fd));
  REQUIRE(region.has_value());
  auto made = Machine::over(std::move(*region));
  REQUIRE(made.has_value());
  return std::move(*made);
}

std::unique_ptr<Machine> shared_machine() {
  auto region = maps::Region::create_shared({.limit_bytes = 16U << 20, .cpus = 2});
  REQUIRE(region.has_value());
  auto made = Machine::over(std::move(*region));
  REQUIRE(made.has_value());
  return std::move(*made);
}

unsigned blocks(Machine& machine) { return machine.region().use().blocks; }

}  // namespace

TEST_CASE("a map by id in another machine") {
  TestMachine one(shared_machine());
  TestMachine two(beside(one.machine()));
  const int map = one.array(8, 4);
  CHECK(one.update(map, std::uint32_t{1}, std::uint64_t{42}) == 0);
  auto& attr = two.fresh();
  CHECK(two.run(abi::BPF_MAP_GET_NEXT_ID) == 0);
  const std::uint32_t id = attr.next_id;
  auto& by_id = two.fresh();
  by_id.map_id = id;
  const auto there = static_cast<int>(two.run(abi::BPF_MAP_GET_FD_BY_ID));
  REQUIRE(there >= 0);
  std::uint64_t value = 0;
  CHECK(two.lookup(there, std::uint32_t{1}, value) == 0);
  CHECK(value == 42);
  // It lives as long as either has it open.
  CHECK(one.machine().close(map) == 0);
  CHECK(two.update(there, std::uint32_t{1}, std::uint64_t{43}) == 0);
  CHECK(two.machine().close(there) == 0);
  auto& gone = two.fresh();
  gone.map_id = id;
  CHECK(two.run(abi::BPF_MAP_GET_FD_BY_ID) == -ENOENT);
}

TEST_CASE("one machine attaches, the other fires") {
  TestMachine one(shared_machine());
  TestMachine two(beside(one.machine()));
  HookSite site(two.machine(), "raw_tracepoint/demo");
  CHECK(site.fire(std::array<std::uint64_t, 1>{1}).programs == 0);
  const long program = one.load("r0 = *(u64 *)(r1 +0)\nexit\n", abi::BPF_PROG_TYPE_RAW_TRACEPOINT);
  REQUIRE(program >= 0);
  auto& attr = one.fresh();
  attr.raw_tracepoint.name = address("demo");
  attr.raw_tracepoint.prog_fd = static_cast<std::uint32_t>(program);
  const auto link = static_cast<int>(one.run(abi::BPF_RAW_TRACEPOINT_OPEN));
  REQUIRE(link >= 0);
  const Fired fired = site.fire(std::array<std::uint64_t, 1>{77});
  CHECK(fired.programs == 1);
  CHECK(fired.result == 77);
  CHECK(one.machine().close(link) == 0);
  CHECK(site.fire(std::array<std::uint64_t, 1>{1}).programs == 0);
}

TEST_CASE("what a killed process had open is given back") {
  TestMachine one(shared_machine());
  const unsigned before = blocks(one.machine());
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    TestMachine two(beside(one.machine()));
    const int map = two.array(8, 4);
    const long program = two.load("r0 = 0\nexit\n", abi::BPF_PROG_TYPE_RAW_TRACEPOINT);
    auto& attr = two.fresh();
    attr.raw_tracepoint.name = address("demo");
    attr.raw_tracepoint.prog_fd = static_cast<std::uint32_t>(program);
    const bool made = map >= 0 && two.run(abi::BPF_RAW_TRACEPOINT_OPEN) >= 0;
    if (made) (void)kill(getpid(), SIGKILL);
    _exit(1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(blocks(one.machine()) > before);
  one.machine().objects().reap();
  CHECK(blocks(one.machine()) == before);
  CHECK(one.run(abi::BPF_MAP_GET_NEXT_ID) == -ENOENT);
}

}  // namespace skep::machine
