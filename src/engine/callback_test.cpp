// SPDX-License-Identifier: Apache-2.0
// Helpers that call a subprogram while the program waits, and runs that begin at one.
#include <doctest/doctest.h>

#include "tests/support/engine_world.h"

namespace skep::engine {

namespace {

using test::load_in_world;
using test::LoadedProgram;
using test::World;

struct Ran {
  Outcome outcome;
  World world;
};

Ran run(const EngineType& type, std::string_view source, const Input& input = {}) {
  Ran ran;
  const LoadedProgram loaded = load_in_world(type, source);
  ran.outcome = loaded->run(ran.world.input(input));
  CHECK(ran.world.running == nullptr);
  return ran;
}

constexpr const char* kCountInCallersStack =
    "*(u64 *)(r10 - 8) = 0\nr6 = 3\nr7 = 4\nr8 = 5\nr9 = 6\nr1 = 1000\nr2 = subprog[f]\nr3 = r10\n"
    "r3 += -8\ncall 1\nr0 += r6\nr0 += r7\nr0 += r8\nr0 += r9\nr1 = *(u64 *)(r10 - 8)\nr0 += r1\n"
    "exit\n"
    "f: r6 = 77\nr7 = 78\nr8 = 79\nr9 = 80\n*(u64 *)(r10 - 8) = 81\nr3 = *(u64 *)(r2 + 0)\n"
    "r3 += r1\n*(u64 *)(r2 + 0) = r3\nr0 = 0\nexit";

}  // namespace

TEST_CASE("callback: runs in a frame of its own and reaches the caller's") {
  for (const EngineType& type : engines()) {
    const Ran ran = run(type, kCountInCallersStack);
    CHECK_MESSAGE(ran.outcome.ok(), type.name, ": ", describe(ran.outcome, {}));
    CHECK_MESSAGE(ran.outcome.r0 == 1000 + 3 + 4 + 5 + 6 + 999 * 500, type.name);
  }
}

TEST_CASE("callback: has its five arguments, its r0 goes to the helper") {
  for (const EngineType& type : engines())
    CHECK_MESSAGE(run(type,
                      "r1 = subprog[f]\nr2 = 10\nr3 = 200\nr4 = 3000\nr5 = 40000\ncall 2\nexit\n"
                      "f: r0 = r1\nr0 += r2\nr0 += r3\nr0 += r4\nr0 += r5\nr0 += r6\nr0 += r7\n"
                      "r0 += r8\nr0 += r9\nexit")
                          .outcome.r0 == 43215,
                  type.name);
}

TEST_CASE("callback: a helper or kfunc called by any way can call back") {
  for (const EngineType& type : engines())
    for (const char* call : {"call 2", "call kfunc#2", "r6 = 2\ncallx r6"}) {
      const std::string source =
          std::string("r1 = subprog[f]\n") + call + "\nexit\nf: r0 = 6\nexit";
      CHECK_MESSAGE(run(type, source).outcome.r0 == 6, type.name, ": ", call);
    }
}

TEST_CASE("callback: may call subprograms and helpers that call back, eight frames in all") {
  // f(depth): calls itself by helper 2 until depth is 0.
  const char* source =
      "r2 = r1\nr1 = subprog[f]\ncall 2\nexit\n"
      "f: r6 = r1\nif r1 == 0 goto e\nr2 = r1\nr2 += -1\nr1 = subprog[f]\ncall 2\nr0 += r6\nexit\n"
      "e: r0 = 0\nexit";
  for (const EngineType& type : engines()) {
    const Outcome deep = run(type, source, {.r1 = 6}).outcome;
    CHECK_MESSAGE(deep.ok(), type.name);
    CHECK(deep.r0 == 21);
    const Outcome deeper = run(type, source, {.r1 = 7}).outcome;
    CHECK_MESSAGE(deeper.ending == Ending::too_deep, type.name);
    CHECK(deeper.at == 11);
    const Outcome by_call =
        run(type,
            "r1 = subprog[f]\ncall 2\nexit\nf: call g\nexit\ng: call h\nexit\nh: call f\nexit")
            .outcome;
    CHECK_MESSAGE(by_call.ending == Ending::too_deep, type.name);
  }
}

TEST_CASE("callback: what ends it ends the run") {
  std::atomic<bool> stop = false;
  for (const EngineType& type : engines()) {
    const Outcome spent =
        run(type, "r1 = subprog[f]\ncall 2\nr0 = 1\nexit\nf: goto f", {.budget = 1000}).outcome;
    CHECK_MESSAGE(spent.ending == Ending::out_of_budget, type.name);
    const Outcome many =
        run(type, "r1 = -1\nr2 = subprog[f]\ncall 1\nexit\nf: r0 = 0\nexit", {.budget = 100'000})
            .outcome;
    CHECK_MESSAGE(many.ending == Ending::out_of_budget, type.name);
    const Outcome bad =
        run(type, "r0 = 8\nr1 = subprog[f]\ncall 3\nr0 = 1\nexit\nf: r0 = 9\ncallx r0\nexit")
            .outcome;
    CHECK_MESSAGE(bad.ending == Ending::bad_call, type.name);
    CHECK(bad.at == 7);
    CHECK(bad.callee == 9);
    CHECK(bad.r0 == 9);
    stop = true;
    CHECK(run(type, "r1 = subprog[f]\ncall 2\nexit\nf: goto f", {.stop = &stop}).outcome.ending ==
          Ending::stopped);
  }
}

TEST_CASE("callback: a wild access in one is the run's, and the judge's alone to see") {
  const EngineType& checked = *find_engine("checked");
  const Outcome outcome =
      run(checked, "r1 = subprog[f]\ncall 3\nr0 = 1\nexit\nf: r0 = *(u64 *)(r10 - 520)\nexit")
          .outcome;
  CHECK(outcome.ending == Ending::bad_access);
  CHECK(outcome.at == 5);
  // The frame of a callback that has ended belongs to nobody.
  CHECK(run(checked, "r1 = subprog[f]\ncall 2\nr0 = *(u64 *)(r0 - 8)\nexit\nf: r0 = r10\nexit")
            .outcome.ending == Ending::bad_access);
}

TEST_CASE("callback: only subprograms of the program that calls the helper") {
  for (const EngineType& type : engines())
    for (const char* wild : {"r1 = 0", "r1 = 0x5ce9000000000001 ll", "r1 = 0x5ce9000000001000 ll",
                             "r1 = 0x5ce9ffffffffffff ll", "r1 = subprog[f]\nr1 += 1", "r1 = -1"}) {
      const std::string source =
          std::string(wild) + "\nr2 = subprog[f]\nr0 = 8\ncall 3\nr0 = 1\nexit\nf: r0 = 2\nexit";
      const Outcome outcome = run(type, source).outcome;
      CHECK_MESSAGE(outcome.ending == Ending::bad_callback, type.name, ": ", wild);
      CHECK_MESSAGE(outcome.r0 == 8, type.name, ": ", wild);
      // What callx takes is found by the same rule.
      const std::string callx =
          std::string(wild) + "\nr2 = subprog[f]\ncallx r1\nr0 = 1\nexit\nf: r0 = 2\nexit";
      CHECK_MESSAGE(run(type, callx).outcome.ending == Ending::bad_call, type.name, ": ", wild);
    }
  const Outcome told = run(*find_engine("checked"), "r1 = 5\ncall 2\nexit").outcome;
  CHECK(describe(told, {}) == "insn 1: a helper was to call back 0x5, which is no subprogram");
}

TEST_CASE("callback: the run is over also for a program that takes no code address") {
  for (const EngineType& type : engines()) {
    const Outcome outcome = run(type, "r1 = 5\ncall 2\ngoto +0\nr0 = 1\nexit").outcome;
    CHECK_MESSAGE(outcome.ending == Ending::bad_callback, type.name);
    const Outcome left = run(type, "call f\nr0 = 1\nexit\nf: r1 = 5\ncall 4\nexit").outcome;
    CHECK(left.ok());
    CHECK_MESSAGE(left.r0 == 5, type.name);
  }
}

TEST_CASE("callback: leave ends the run out of any depth, with its r0") {
  for (const EngineType& type : engines()) {
    const Outcome flat = run(type, "r1 = 5\ncall kfunc#4\nr0 = 1\nexit").outcome;
    CHECK(flat.ok());
    CHECK_MESSAGE(flat.r0 == 5, type.name);
    CHECK(flat.at == 1);
    const Outcome deep = run(type,
                             "call f\nr0 = 1\nexit\nf: r1 = subprog[g]\ncall 2\nr0 = 2\nexit\n"
                             "g: r1 = 6\ncall 4\nr0 = 3\nexit")
                             .outcome;
    CHECK(deep.ok());
    CHECK_MESSAGE(deep.r0 == 6, type.name);
  }
}

TEST_CASE("callback: budget, depth and frames are as before when it is over") {
  const EngineType& checked = *find_engine("checked");
  const char* source = "r1 = 2\nr2 = subprog[f]\ncall 1\nexit\nf: r0 = 0\nexit";
  CHECK(run(checked, source, {.budget = 8}).outcome.executed == 8);
  CHECK(run(checked, source, {.budget = 7}).outcome.ending == Ending::out_of_budget);
  for (const EngineType& type : engines()) {
    // Long programs around a callback, which lies far behind: a million of its runs must not be
    // charged for the way there and back.
    std::string far = "r1 = 100000\nr2 = subprog[f]\ncall 1\ngoto e\n";
    for (int i = 0; i < 5000; ++i) far += "r3 = 0\n";
    far += "f: r0 = 0\nexit\ne: exit";
    const Outcome outcome = run(type, far, {.budget = 220'000}).outcome;
    CHECK_MESSAGE(outcome.ok(), type.name, ": ", describe(outcome, {}));
  }
}

TEST_CASE("callback: can leave by a tail call, and return to the helper from there") {
  for (const EngineType& type : engines()) {
    World world;
    const LoadedProgram main =
        load_in_world(type,
                      "r6 = 1\nr1 = 3\nr2 = subprog[f]\ncall 1\nr0 += r6\ncall 5\nr0 = r6\nexit\n"
                      "f: r3 = 0\ncall 12\nr0 = 1\nexit");
    const LoadedProgram target =
        load_in_world(type, "r6 = 5\nr1 = subprog[g]\ncall 2\ncall 5\nexit\ng: r0 = 0\nexit");
    world.programs = {target.get()};
    const Outcome outcome = main->run(world.input());
    CHECK_MESSAGE(outcome.ok(), type.name, ": ", describe(outcome, {}));
    CHECK(outcome.r0 == 1);
    CHECK(world.tail_calls == 3);
    CHECK_MESSAGE(world.seen == main.get(), type.name);
  }
}

TEST_CASE("callback: belongs to the program that calls the helper, also after a tail call") {
  for (const EngineType& type : engines()) {
    World world;
    const LoadedProgram main =
        load_in_world(type,
                      "r0 = 0\ncall f\nr6 = r0\nr1 = subprog[g]\ncall 2\nr0 += r6\nexit\n"
                      "f: r3 = 0\ncall 12\nexit\ng: r0 = 1\nexit");
    const LoadedProgram target =
        load_in_world(type, "call 5\nr1 = subprog[g]\ncall 2\nexit\nr0 = 0\ng: r0 = 40\nexit");
    world.programs = {target.get()};
    const Outcome outcome = main->run(world.input());
    CHECK_MESSAGE(outcome.ok(), type.name, ": ", describe(outcome, {}));
    CHECK(outcome.r0 == 41);
    CHECK_MESSAGE(world.seen == target.get(), type.name);
  }
}

TEST_CASE("callback: a run can begin at a subprogram") {
  for (const EngineType& type : engines()) {
    const LoadedProgram loaded = load_in_world(
        type, "r0 = subprog[f]\nexit\nf: r0 = r1\nr0 += r5\ncall g\nexit\ng: r0 += 100\nexit");
    const std::uint64_t address = loaded->run({}).r0;
    const Outcome outcome = loaded->run_subprogram(address, {1, 2, 3, 4, 5}, {.budget = 6});
    CHECK_MESSAGE(outcome.ok(), type.name);
    CHECK(outcome.r0 == 106);
    CHECK(outcome.at == 6);
    CHECK(loaded->run_subprogram(address, {}, {.budget = 0}).ending == Ending::out_of_budget);
    CHECK(loaded->run_subprogram(address, {}, {.budget = 0}).at == 3);
    const Outcome wild = loaded->run_subprogram(address + 1, {}, {});
    CHECK_MESSAGE(wild.ending == Ending::bad_callback, type.name);
    CHECK(wild.callee == address + 1);
  }
}

}  // namespace skep::engine
