// SPDX-License-Identifier: Apache-2.0
#include "machine/interval.h"

#include <doctest/doctest.h>

#include "tests/support/test_machine.h"

namespace skep::machine {

TEST_CASE("an interval fires what is attached to it") {
  TestMachine bench;
  const int map = bench.array(8, 1);
  const long program = bench.load(
      text("r6 = *(u64 *)(r1 +0)\nr1 = 0\n*(u32 *)(r10 -4) = r1\nr2 = r10\nr2 += -4\n"
           "r1 = map[fd:{}]\ncall 1\nif r0 == 0 goto +1\n*(u64 *)(r0 +0) = r6\nr0 = 0\nexit\n",
           map),
      abi::BPF_PROG_TYPE_RAW_TRACEPOINT);
  REQUIRE(program >= 0);
  auto& attr = bench.fresh();
  attr.raw_tracepoint.name = address("interval/fast");
  attr.raw_tracepoint.prog_fd = static_cast<std::uint32_t>(program);
  REQUIRE(bench.run(abi::BPF_RAW_TRACEPOINT_OPEN) >= 0);
  const Interval interval(bench.machine(), "fast", std::chrono::milliseconds(1));
  std::uint64_t count = 0;
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (count < 3 && std::chrono::steady_clock::now() < patience) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    REQUIRE(bench.lookup(map, std::uint32_t{0}, count) == 0);
  }
  CHECK(count >= 3);
}

}  // namespace skep::machine
