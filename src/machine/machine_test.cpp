// SPDX-License-Identifier: Apache-2.0
#include "machine/machine.h"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>

#include "tests/support/test_machine.h"

namespace skep::machine {

TEST_CASE("a map through bpf(2)") {
  TestMachine bench;
  const int fd = bench.array(8, 4);
  REQUIRE(fd >= 0);
  CHECK(bench.update(fd, std::uint32_t{2}, std::uint64_t{77}) == 0);
  std::uint64_t value = 0;
  CHECK(bench.lookup(fd, std::uint32_t{2}, value) == 0);
  CHECK(value == 77);
  CHECK(bench.lookup(fd, std::uint32_t{4}, value) == -ENOENT);
  CHECK(bench.update(fd, std::uint32_t{4}, value) == -E2BIG);
  CHECK(bench.update(fd, std::uint32_t{1}, value, abi::BPF_NOEXIST) == -EEXIST);

  auto& attr = bench.fresh();
  attr.map_fd = static_cast<std::uint32_t>(fd);
  attr.key = 8;
  CHECK(bench.run(abi::BPF_MAP_LOOKUP_ELEM) == -EFAULT);
  CHECK(bench.machine().close(fd) == 0);
  CHECK(bench.machine().close(fd) == -EBADF);
  CHECK(bench.lookup(fd, std::uint32_t{2}, value) == -EBADF);
}

TEST_CASE("a descriptor that is no map") {
  TestMachine bench;
  std::uint64_t value = 0;
  CHECK(bench.lookup(0, std::uint32_t{0}, value) == -EINVAL);
  CHECK(bench.lookup(-1, std::uint32_t{0}, value) == -EBADF);
}

TEST_CASE("the size of bpf_attr") {
  TestMachine bench;
  std::array<std::uint8_t, 5000> bytes{};
  CHECK(bench.machine().bpf(abi::BPF_MAP_CREATE, bytes.data(), 4097) == -E2BIG);
  bytes[200] = 1;
  CHECK(bench.machine().bpf(abi::BPF_MAP_CREATE, bytes.data(), 256) == -E2BIG);
  bytes[200] = 0;
  bytes[100] = 1;
  CHECK(bench.machine().bpf(abi::BPF_MAP_CREATE, bytes.data(), 168) == -EINVAL);
  CHECK(bench.machine().bpf(1000, bytes.data(), 168) == -EINVAL);
  CHECK(bench.machine().bpf(abi::BPF_MAP_CREATE, nullptr, 168) == -EFAULT);
}

TEST_CASE("ids and pins keep a map") {
  TestMachine bench;
  const int fd = bench.array(8, 4);
  CHECK(bench.update(fd, std::uint32_t{0}, std::uint64_t{5}) == 0);
  auto& next = bench.fresh();
  CHECK(bench.run(abi::BPF_MAP_GET_NEXT_ID) == 0);
  const std::uint32_t id = next.next_id;

  auto& pin = bench.fresh();
  pin.pathname = address("/sys/fs/bpf/numbers");
  pin.bpf_fd = static_cast<std::uint32_t>(fd);
  CHECK(bench.run(abi::BPF_OBJ_PIN) == 0);
  CHECK(bench.run(abi::BPF_OBJ_PIN) == -EEXIST);
  CHECK(bench.machine().close(fd) == 0);

  auto& get = bench.fresh();
  get.pathname = address("/sys/fs/bpf/numbers");
  const long again = bench.run(abi::BPF_OBJ_GET);
  REQUIRE(again >= 0);
  std::uint64_t value = 0;
  CHECK(bench.lookup(static_cast<int>(again), std::uint32_t{0}, value) == 0);
  CHECK(value == 5);
  CHECK(bench.machine().unlink("/sys/fs/bpf/numbers") == 0);
  CHECK(bench.machine().close(static_cast<int>(again)) == 0);
  auto& by_id = bench.fresh();
  by_id.map_id = id;
  CHECK(bench.run(abi::BPF_MAP_GET_FD_BY_ID) == -ENOENT);
}

TEST_CASE("a program counts in a map") {
  TestMachine bench;
  const int map = bench.array(8, 4);
  const std::string source = text(
      "r1 = 1\n*(u32 *)(r10 -4) = r1\nr2 = r10\nr2 += -4\nr1 = map[fd:{}]\ncall 1\n"
      "if r0 == 0 goto +3\nr1 = 1\nlock *(u64 *)(r0 +0) += r1\nr0 = 7\nexit\n",
      map);
  const long program = bench.load(source);
  CHECK(bench.log() == "");
  REQUIRE(program >= 0);
  std::array<std::uint8_t, 64> packet{};
  auto& attr = bench.fresh();
  attr.test.prog_fd = static_cast<std::uint32_t>(program);
  attr.test.data_in = address(packet.data());
  attr.test.data_size_in = packet.size();
  attr.test.repeat = 10;
  REQUIRE(bench.run(abi::BPF_PROG_TEST_RUN) == 0);
  CHECK(attr.test.retval == 7);
  std::uint64_t value = 0;
  CHECK(bench.lookup(map, std::uint32_t{1}, value) == 0);
  CHECK(value == 10);
}

TEST_CASE("what a program may call depends on its type") {
  TestMachine bench;
  CHECK(bench.load("call 44\nexit\n") == -EINVAL);
  CHECK(bench.log().starts_with("program of this type cannot use helper bpf_xdp_adjust_head#44"));
}

}  // namespace skep::machine
