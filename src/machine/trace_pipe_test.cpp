// SPDX-License-Identifier: Apache-2.0
#include "machine/trace_pipe.h"

#include <doctest/doctest.h>

#include <thread>

// NOLINTBEGIN(bugprone-unchecked-optional-access): REQUIRE has looked before

namespace skep::machine {

TEST_CASE("trace pipe: lines come out in order, the oldest are lost") {
  TracePipe pipe(4 * (sizeof(TraceLine) + 10));
  for (int i = 0; i < 6; ++i) pipe.write({.thread = i, .text = "0123456789"});
  CHECK(pipe.take_lost() == 2);
  CHECK(pipe.take_lost() == 0);
  for (int i = 2; i < 6; ++i) {
    const auto line = pipe.read();
    REQUIRE(line);
    CHECK(line->thread == i);
  }
  CHECK_FALSE(pipe.read());
  pipe.write({.text = std::string(5000, 'x')});
  CHECK(pipe.take_lost() == 1);
  CHECK_FALSE(pipe.read());
}

TEST_CASE("trace pipe: a reader waits for a line") {
  TracePipe pipe;
  std::thread writer([&] { pipe.write({.text = "late"}); });
  const auto line = pipe.read(std::chrono::seconds(10));
  writer.join();
  REQUIRE(line);
  CHECK(line->text == "late");
}

TEST_CASE("trace pipe: a line as Linux shows it") {
  const TraceLine line{.time_ns = 12'345'678'901,
                       .cpu = 3,
                       .thread = 77,
                       .command = {'b', 'a', 's', 'h'},
                       .text = "hello\n"};
  CHECK(trace_pipe_text(line) ==
        "            bash-77      [003] .....    12.345678: bpf_trace_printk: hello\n");
}

}  // namespace skep::machine

// NOLINTEND(bugprone-unchecked-optional-access)
