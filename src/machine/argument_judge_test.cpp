// SPDX-License-Identifier: Apache-2.0
// Programs that no verifier accepted, on the checked engine: what they hand to helpers.
#include "machine/argument_judge.h"

#include <doctest/doctest.h>

#include <cerrno>

#include "machine/map_object.h"
#include "tests/support/test_machine.h"

namespace skep::machine {

namespace {

constexpr const char* kKeyOnStack = "r1 = 0\n*(u32 *)(r10 -4) = r1\nr2 = r10\nr2 += -4\n";

// What a test run of a raw tracepoint program answers.
long run_of(TestMachine& bench, const std::string& source) {
  const long program = bench.load(source, abi::BPF_PROG_TYPE_RAW_TRACEPOINT);
  CAPTURE(source);
  CHECK(bench.log() == "");
  REQUIRE(program >= 0);
  auto& attr = bench.fresh();
  attr.test.prog_fd = static_cast<std::uint32_t>(program);
  return bench.run(abi::BPF_PROG_TEST_RUN);
}

}  // namespace

TEST_CASE("arguments as they should be") {
  TestMachine bench;
  const int map = bench.array(8, 1);
  CHECK(run_of(bench, text("{}r1 = map[fd:{}]\ncall 1\nr0 = 0\nexit\n", kKeyOnStack, map)) == 0);
  CHECK(run_of(bench, "r1 = r10\nr1 += -16\nr2 = 16\ncall 16\nr0 = 0\nexit\n") == 0);
}

TEST_CASE("a map that is none") {
  TestMachine bench;
  CHECK(run_of(bench, text("{}r1 = 4096\ncall 1\nr0 = 0\nexit\n", kKeyOnStack)) == -EFAULT);
  CHECK(run_of(bench, text("{}r1 = r10\ncall 1\nr0 = 0\nexit\n", kKeyOnStack)) == -EFAULT);
}

TEST_CASE("a map that another program names") {
  TestMachine bench;
  const int map = bench.array(8, 1);
  const auto* secret = &bench.machine().map_object(1)->map();
  CHECK(run_of(bench, text("{}r1 = {} ll\ncall 1\nr0 = 0\nexit\n", kKeyOnStack,
                           reinterpret_cast<std::uint64_t>(secret))) == -EFAULT);
  CHECK(bench.machine().close(map) == 0);
}

TEST_CASE("keys and values out of memory") {
  TestMachine bench;
  const int map = bench.array(8, 1);
  for (const char* key : {"r2 = 0\n", "r2 = r10\n", "r2 = r10\nr2 += -2\n", "r2 = 64\n"}) {
    CAPTURE(key);
    CHECK(run_of(bench, text("{}r1 = map[fd:{}]\ncall 1\nr0 = 0\nexit\n", key, map)) == -EFAULT);
  }
  CHECK(run_of(bench, text("{}r3 = r10\nr3 += -4\nr4 = 0\nr1 = map[fd:{}]\ncall 2\nr0 = 0\nexit\n",
                           kKeyOnStack, map)) == -EFAULT);
}

TEST_CASE("buffers that are shorter than said") {
  TestMachine bench;
  CHECK(run_of(bench, "r1 = r10\nr1 += -8\nr2 = 16\ncall 16\nr0 = 0\nexit\n") == -EFAULT);
  CHECK(run_of(bench, "r1 = r10\nr1 += -8\nr2 = -1\ncall 16\nr0 = 0\nexit\n") == -EFAULT);
}

TEST_CASE("a dynptr that no helper made") {
  TestMachine bench;
  CHECK(run_of(bench,
               "*(u64 *)(r10 -16) = 4096\n*(u64 *)(r10 -8) = 64\nr1 = r10\nr1 += -32\nr2 = 8\n"
               "r3 = r10\nr3 += -16\nr4 = 0\nr5 = 0\ncall 201\nr0 = 0\nexit\n") == -EFAULT);
}

TEST_CASE("a value pointer stays inside the memory of maps") {
  TestMachine bench;
  const int map = bench.array(8, 1);
  CHECK(run_of(bench, text("{}r1 = map[fd:{}]\ncall 1\nr1 = 1 ll\nr1 <<= 40\nr0 += r1\n"
                           "r1 = *(u64 *)(r0 +0)\nr0 = 0\nexit\n",
                           kKeyOnStack, map)) == -EFAULT);
}

namespace {

long run_over_packet(TestMachine& bench, const std::string& source) {
  const long program = bench.load(source, abi::BPF_PROG_TYPE_SCHED_CLS);
  CHECK(bench.log() == "");
  REQUIRE(program >= 0);
  const std::array<std::byte, 64> packet{};
  auto& attr = bench.fresh();
  attr.test.prog_fd = static_cast<std::uint32_t>(program);
  attr.test.data_in = address(packet.data());
  attr.test.data_size_in = packet.size();
  return bench.run(abi::BPF_PROG_TEST_RUN);
}

// Grows the packet far beyond the room it has, so that it moves.
constexpr const char* kGrow =
    "r6 = r1\nr7 = *(u32 *)(r1 +76)\nr2 = 8000\nr3 = 0\ncall 38\nif r0 != 0 goto +2\n";

}  // namespace

TEST_CASE("a packet that moved is where it is now, and nowhere else") {
  TestMachine bench;
  CHECK(run_over_packet(
            bench, text("{}r7 = *(u32 *)(r6 +76)\n*(u8 *)(r7 +7999) = 1\nr0 = 0\nexit\n", kGrow)) ==
        0);
  CHECK(run_over_packet(bench, text("{}*(u8 *)(r7 +0) = 1\n*(u8 *)(r7 +1) = 1\nr0 = 0\nexit\n",
                                    kGrow)) == -EFAULT);
}

TEST_CASE("an array of programs takes one kind") {
  TestMachine bench;
  auto& attr = bench.fresh();
  attr.map_type = abi::BPF_MAP_TYPE_PROG_ARRAY;
  attr.key_size = 4;
  attr.value_size = 4;
  attr.max_entries = 2;
  const auto array = static_cast<int>(bench.run(abi::BPF_MAP_CREATE));
  REQUIRE(array >= 0);
  const auto tc =
      static_cast<std::uint32_t>(bench.load("r0 = 5\nexit\n", abi::BPF_PROG_TYPE_RAW_TRACEPOINT));
  const auto xdp = static_cast<std::uint32_t>(bench.load("r0 = 2\nexit\n", abi::BPF_PROG_TYPE_XDP));
  CHECK(bench.update(array, std::uint32_t{0}, xdp) == 0);
  CHECK(bench.update(array, std::uint32_t{1}, tc) == -EINVAL);
  // The slot holds a program of another kind than the one that calls: it goes on as with none.
  const std::string source = text("r2 = map[fd:{}]\nr3 = 0\ncall 12\nr0 = 9\nexit\n", array);
  const long caller = bench.load(source, abi::BPF_PROG_TYPE_RAW_TRACEPOINT);
  REQUIRE(caller >= 0);
  auto& run = bench.fresh();
  run.test.prog_fd = static_cast<std::uint32_t>(caller);
  CHECK(bench.run(abi::BPF_PROG_TEST_RUN) == 0);
  CHECK(run.test.retval == 9);
}

}  // namespace skep::machine
