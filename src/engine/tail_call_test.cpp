// SPDX-License-Identifier: Apache-2.0
// A tail call is a jump into another program (kernel: bpf_tail_call in bpf-helpers(7)): it does not
// come back, it takes no frame, and out of a subprogram it returns to that subprogram's caller.
#include <doctest/doctest.h>

#include "engine/load.h"
#include "tests/support/engine_world.h"

namespace skep::engine {

namespace {

using test::load_in_world;
using test::LoadedProgram;
using test::World;

constexpr const char* kCallSlot0 = "r2 = 0\nr3 = 0\ncall 12\n";

Outcome run(const EngineType& type, World& world, const std::vector<std::string>& sources,
            const Input& input = {}) {
  std::vector<LoadedProgram> loaded;
  loaded.reserve(sources.size());
  for (const std::string& source : sources) loaded.push_back(load_in_world(type, source));
  for (std::size_t i = 1; i < loaded.size(); ++i) world.programs.push_back(loaded[i].get());
  Outcome outcome = loaded[0]->run(world.input(input));
  CHECK(world.running == nullptr);
  if (outcome.program != loaded[0].get()) outcome.program = nullptr;  // they die here
  return outcome;
}

Outcome run(const EngineType& type, const std::vector<std::string>& sources,
            const Input& input = {}) {
  World world;
  return run(type, world, sources, input);
}

}  // namespace

TEST_CASE("tail call: the target takes over with r1 as it was, and does not come back") {
  for (const EngineType& type : engines()) {
    World world;
    const Outcome outcome =
        run(type, world, {std::string(kCallSlot0) + "r0 = 1\nexit", "r0 = r1\nr0 += 2\nexit"},
            {.r1 = 40});
    CHECK_MESSAGE(outcome.ok(), type.name);
    CHECK(outcome.r0 == 42);
    CHECK(outcome.at == 2);
    CHECK(outcome.program == nullptr);  // ended in the target
    CHECK(world.r1_of_tail_call == 40);
  }
}

TEST_CASE("tail call: goes on behind the call when there is no target") {
  for (const EngineType& type : engines()) {
    CHECK(run(type, {std::string(kCallSlot0) + "r0 = 7\nexit"}).r0 == 7);
    const Outcome outcome = run(type, {"r6 = 3\nr3 = 1\ncall 12\nr0 = r6\nexit", "exit"});
    CHECK_MESSAGE(outcome.r0 == 3, type.name);
    CHECK(outcome.program != nullptr);
  }
}

TEST_CASE("tail call: the stack of the frame is the target's") {
  for (const EngineType& type : engines()) {
    const Outcome outcome =
        run(type, {std::string("*(u64 *)(r10 - 8) = 1\nr4 = r10\n") + kCallSlot0 + "exit",
                   "r0 = 1\nif r4 == r10 goto e\nr0 = 2\ne: *(u64 *)(r10 - 512) = 5\nexit"});
    CHECK_MESSAGE(outcome.r0 == 1, type.name);
  }
}

TEST_CASE("tail call: 33 in a row by the count of the machine, on one frame") {
  for (const EngineType& type : engines()) {
    World world;
    const Outcome outcome = run(type, world,
                                {std::string(kCallSlot0) + "exit",
                                 std::string("r6 += 1\n") + kCallSlot0 + "r0 = r6\nexit"});
    CHECK(outcome.ok());
    CHECK(world.tail_calls == 33);
    CHECK_MESSAGE(outcome.r0 == 33, type.name);
  }
}

TEST_CASE("tail call: out of a subprogram, the target returns to the caller") {
  for (const EngineType& type : engines()) {
    World world;
    const std::string target = "r6 = 99\n*(u64 *)(r10 - 8) = 98\nr7 = 97\nr0 = 5\nexit";
    const Outcome outcome =
        run(type, world,
            {std::string("r6 = 1\nr7 = 2\n*(u64 *)(r10 - 8) = 4\ncall f\nr0 += r6\nr0 += r7\n"
                         "r1 = *(u64 *)(r10 - 8)\nr0 += r1\nexit\nf: r6 = 50\n") +
                 kCallSlot0 + "r0 = 1000\nexit",
             target});
    CHECK_MESSAGE(outcome.ok(), type.name);
    CHECK_MESSAGE(outcome.r0 == 5 + 1 + 2 + 4, type.name);
    CHECK(outcome.at == 8);
    CHECK(outcome.program != nullptr);
  }
}

TEST_CASE("tail call: chains and nests of subprograms find their ways back") {
  // Main calls f, f is replaced by B, B by C; C calls a subprogram that is replaced by D.
  const std::string main = "r6 = 1\ncall f\nr0 += r6\nexit\nf: r3 = 0\ncall 12\nexit";
  const std::string b = "r6 = 10\nr3 = 1\ncall 12\nexit";
  const std::string c = "r6 = 100\ncall g\nr0 += r6\nexit\ng: r6 = 7\nr3 = 2\ncall 12\nexit";
  const std::string d = "r6 = 1000\nr0 = r6\nexit";
  for (const EngineType& type : engines())
    for (int again = 0; again < 2; ++again)
      CHECK_MESSAGE(run(type, {main, b, c, d}).r0 == 1101, type.name);
}

TEST_CASE("tail call: each program has eight frames of its own") {
  // f calls itself until r1 is 0, then leaves for the next program with r1 = 6.
  const std::string deep =
      "call f\nr0 += 1\nexit\nf: r1 += -1\nif r1 == 0 goto e\ncall f\nr0 += 1\nexit\n"
      "e: r1 = 7\nr2 = 0\nr3 = 0\ncall 12\nr0 = 0\nexit";
  for (const EngineType& type : engines()) {
    World world;
    const Outcome outcome = run(type, world, {deep, deep}, {.r1 = 7});
    CHECK_MESSAGE(outcome.ok(), type.name);
    CHECK(world.tail_calls == 33);
    CHECK_MESSAGE(outcome.r0 == 34 * 7, type.name);
    const Outcome deeper = run(type, {deep, deep}, {.r1 = 8});
    CHECK_MESSAGE(deeper.ending == Ending::too_deep, type.name);
  }
}

TEST_CASE("tail call: the caller has its own eight frames again when the target has returned") {
  const std::string main =
      "r6 = r1\ncall f\nr1 = r6\nr0 = 0\ncall g\nexit\nf: r3 = 0\ncall 12\nexit\n"
      "g: r0 += 1\nr1 += -1\nif r1 == 0 goto e\ncall g\ne: exit";
  for (const EngineType& type : engines()) {
    CHECK_MESSAGE(run(type, {main, "exit"}, {.r1 = 7}).r0 == 7, type.name);
    CHECK_MESSAGE(run(type, {main, "exit"}, {.r1 = 8}).ending == Ending::too_deep, type.name);
  }
}

TEST_CASE("tail call: what nobody counts is bounded, by frames and by budget") {
  const std::string nested = "call f\nexit\nf: r3 = 0\ncall 12\nexit";
  const std::string chain = "r3 = 0\ncall 12\nexit";
  const Calls endless{.tail_call = [](std::uint64_t, std::uint64_t, std::uint64_t, void* context) {
    return static_cast<World*>(context)->programs[0];
  }};
  for (const EngineType& type : engines()) {
    World world;
    const LoadedProgram deep = load_in_world(type, nested, endless);
    world.programs = {deep.get()};
    CHECK_MESSAGE(deep->run(world.input()).ending == Ending::too_deep, type.name);
    const LoadedProgram flat = load_in_world(type, chain, endless);
    world.programs = {flat.get()};
    for (const std::uint64_t budget : {0ULL, 5ULL, 300'000ULL})
      CHECK_MESSAGE(flat->run(world.input({.budget = budget})).ending == Ending::out_of_budget,
                    type.name);
  }
}

TEST_CASE("tail call: the budget is one for all programs of a run") {
  const std::string main = "r0 = 0\ncall f\nexit\nf: r3 = 0\ncall 12\nexit";
  const std::string target = "r0 = 1\nr0 = 2\nexit";
  const EngineType& checked = *find_engine("checked");
  CHECK(run(checked, {main, target}, {.budget = 8}).executed == 8);
  CHECK(run(checked, {main, target}, {.budget = 8}).ok());
  CHECK(run(checked, {main, target}, {.budget = 7}).ending == Ending::out_of_budget);
  // A loop over such a call spends what it should also where slots are counted.
  const std::string loop = "l: call f\ngoto l\nf: r3 = 0\ncall 12\nexit";
  const Calls endless{.tail_call = [](std::uint64_t, std::uint64_t, std::uint64_t, void* context) {
    return static_cast<World*>(context)->programs[0];
  }};
  for (const EngineType& type : engines()) {
    World world;
    const LoadedProgram first = load_in_world(type, loop, endless);
    const LoadedProgram second = load_in_world(type, target, endless);
    world.programs = {second.get()};
    const Outcome outcome = first->run(world.input({.budget = 1'000'000}));
    CHECK_MESSAGE(outcome.ending == Ending::out_of_budget, type.name);
  }
}

TEST_CASE("tail call: may_goto has its turns anew in the target") {
  const std::string main = "l: may_goto e\ngoto l\ne: r3 = 0\ncall 12\nexit";
  const std::string target = "l: r0 += 1\nmay_goto e\ngoto l\ne: exit";
  const EngineType& fast = *find_engine("interpreter");
  CHECK(run(fast, {main, target}).r0 == kMayGotoTurns + 1);
}

TEST_CASE("tail call: helper 12 is nothing else, and nothing without a hook") {
  for (const EngineType& type : engines()) {
    const auto program = isa::assemble("call 12\nexit", "t", {});
    REQUIRE(program);
    CHECK(!type.load(*program, {}));
    const Calls all{.helper = [](std::uint32_t) -> HelperFunction { return test::world::leave; }};
    CHECK(!type.load(*program, all));
    const Outcome by_value = run(type, {"r6 = 12\ncallx r6\nexit", "exit"});
    CHECK_MESSAGE(by_value.ending == Ending::bad_call, type.name);
  }
}

}  // namespace skep::engine
