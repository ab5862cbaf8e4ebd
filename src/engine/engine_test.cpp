// SPDX-License-Identifier: Apache-2.0
// What all engines promise beside the results of programs: they end, they can be stopped, they say
// why they ended. What single instructions do is in tests/cases.
#include "engine/engine.h"

#include <doctest/doctest.h>

#include <thread>

#include "isa/assemble.h"

namespace skep::engine {

namespace {

using Loaded = std::unique_ptr<Runnable>;

std::uint64_t add(std::uint64_t a, std::uint64_t b, std::uint64_t, std::uint64_t, std::uint64_t,
                  void* context) {
  if (context != nullptr) ++*static_cast<int*>(context);
  return a + b;
}

constexpr Calls kCalls{
    .helper = [](std::uint32_t number) { return number == 7 ? HelperFunction{add} : nullptr; },
    .kfunc = nullptr};

Result<Loaded> load_text(const EngineType& type, std::string_view source) {
  const isa::Program program = SKEP_TRY(isa::assemble(source, "t", {}));
  return type.load(program, kCalls);
}

Outcome run(const EngineType& type, std::string_view source, const Input& input = {}) {
  const auto loaded = load_text(type, source);
  if (!loaded) FAIL(loaded.error().what);
  return (*loaded)->run(input);
}

std::string said(std::string_view source, const Input& input) {
  return describe(run(*find_engine("checked"), source, input), input);
}

}  // namespace

TEST_CASE("engine: each is found by its name") {
  CHECK(engines().size() >= 2);
  for (const EngineType& type : engines()) CHECK(find_engine(type.name) == &type);
  CHECK(find_engine("none") == nullptr);
}

TEST_CASE("engine: what cannot be loaded is refused by all") {
  for (const EngineType& type : engines()) {
    CHECK(!load_text(type, "r0 = 1"));
    CHECK(!load_text(type, ""));
    CHECK(!load_text(type, "goto +5"));
    CHECK(load_text(type, "call 6\nexit").error().what ==
          "insn 0: helper 6 is not there to be called");
    CHECK(load_text(type, "call kfunc#6\nexit").error().code == Code::unsupported);
    CHECK(load_text(type, "r1 = map[fd:3]\nexit").error().code == Code::unsupported);
  }
}

TEST_CASE("engine: endless loops of every kind run out of budget") {
  for (const EngineType& type : engines())
    for (const char* source :
         {"goto -1", "l: goto l", "l: gotol l", "l: r0 += 1\nif r0 != 0 goto l\nexit",
          "l: if w0 == 0 goto l\nexit", "l: call 7\ngoto l", "l: r1 = 5 ll\ngoto l",
          "l: call f\ngoto l\nf: exit", "r6 = subprog[f]\nl: callx r6\ngoto l\nf: exit"})
      for (const std::uint64_t budget : {0ULL, 1ULL, 1000ULL, 200'000ULL})
        CHECK_MESSAGE(run(type, source, {.budget = budget}).ending == Ending::out_of_budget,
                      type.name, ": ", source);
}

TEST_CASE("engine: the checked engine counts each instruction") {
  const EngineType& checked = *find_engine("checked");
  const char* source = "r0 = 1\nr1 = 2 ll\nexit";
  CHECK(run(checked, source, {.budget = 3}).executed == 3);
  CHECK(run(checked, source, {.budget = 3}).ok());
  const Outcome spent = run(checked, source, {.budget = 2});
  CHECK(spent.ending == Ending::out_of_budget);
  CHECK(spent.at == 3);
  CHECK(spent.executed == 2);
}

TEST_CASE("engine: another thread can stop a run") {
  for (const EngineType& type : engines()) {
    std::atomic<bool> stop = false;
    const std::jthread stopper([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      stop = true;
    });
    const Outcome outcome = run(type, "l: r0 += 1\ngoto l", {.budget = ~0ULL, .stop = &stop});
    CHECK_MESSAGE(outcome.ending == Ending::stopped, type.name);
  }
}

TEST_CASE("engine: eight frames and no more") {
  for (const EngineType& type : engines()) {
    // Each call counts r1 down and calls on until nothing is left.
    const char* source = "call f\nexit\nf: r0 += 1\nr1 += -1\nif r1 == 0 goto e\ncall f\ne: exit";
    const Outcome deep = run(type, source, {.r1 = 7});
    CHECK(deep.ok());
    CHECK(deep.r0 == 7);
    const Outcome deeper = run(type, source, {.r1 = 8});
    CHECK_MESSAGE(deeper.ending == Ending::too_deep, type.name);
    CHECK(deeper.at == 5);
  }
}

TEST_CASE("engine: callx goes to helpers and subprograms alone") {
  for (const EngineType& type : engines()) {
    int called = 0;
    CHECK(run(type, "r6 = 7\nr1 = 40\nr2 = 2\ncallx r6\nexit", {.context = &called}).r0 == 42);
    CHECK(called == 1);
    CHECK(run(type, "r6 = subprog[f]\ncallx r6\nexit\nf: r0 = 9\nexit").r0 == 9);
    const Outcome wild = run(type, "r6 = 99\ncallx r6\nexit");
    CHECK_MESSAGE(wild.ending == Ending::bad_call, type.name);
    CHECK(wild.callee == 99);
    CHECK(wild.at == 1);
  }
}

TEST_CASE("engine: a run leaves nothing behind for the next") {
  for (const EngineType& type : engines()) {
    const auto loaded = load_text(type, "r0 += 1\nexit");
    REQUIRE(loaded);
    for (int i = 0; i < 3; ++i) CHECK((*loaded)->run({}).r0 == 1);
  }
}

TEST_CASE("engine: one program runs in many threads at once") {
  for (const EngineType& type : engines()) {
    const auto loaded =
        load_text(type,
                  "*(u64 *)(r10 - 8) = r1\nr0 = 0\nl: r0 += r1\nr2 = *(u64 *)(r10 - 8)\n"
                  "if r2 != r1 goto bad\nif r0 s< 100000 goto l\nexit\nbad: r0 = -1\nexit");
    REQUIRE(loaded);
    std::atomic<int> good = 0;
    {
      std::vector<std::jthread> threads;
      for (std::uint64_t i = 1; i <= 4; ++i)
        threads.emplace_back([&, i] { good += (*loaded)->run({.r1 = i}).r0 < 100'005 ? 1 : 0; });
    }
    CHECK(good == 4);
  }
}

TEST_CASE("engine: every ending is told in one line") {
  std::array<std::byte, 16> memory{};
  const std::uint64_t begin = std::bit_cast<std::uint64_t>(memory.data());
  const std::array<Region, 2> regions = {
      Region{.name = "mem", .begin = begin, .bytes = 8},
      Region{.name = "constants", .begin = begin + 8, .bytes = 8, .writable = false}};
  const Input input{.r1 = begin, .budget = 100, .regions = regions};
  CHECK(said("r0 = 5\nexit", input) == "insn 1: exit with r0 = 0x5");
  CHECK(said("goto -1", input) == "insn 0: the budget of 100 instructions is used up");
  CHECK(said("f: call f\nexit", input) ==
        "insn 0: this call would make 9 frames; at most 8 are allowed");
  CHECK(said("callx r0\nexit", input) ==
        "insn 0: callx to 0x0, which is neither a helper nor a subprogram");
  CHECK(said("r10 = 1\nexit", input) ==
        "insn 0: write to r10, the frame pointer, which is read only");
  CHECK(said("r0 = *(u64 *)(r10 + 0)\nexit", input) ==
        "insn 0: read of 8 bytes at r10+0, outside the 512 bytes of this stack frame");
  CHECK(said("*(u8 *)(r10 - 513) = 1\nexit", input) ==
        "insn 0: write of 1 byte at r10-513, outside the 512 bytes of this stack frame");
  CHECK(said("*(u32 *)(r1 + 8) = 1\nexit", input) ==
        "insn 0: write of 4 bytes at constants+0, but constants is read only");
  CHECK(said("r0 = *(u32 *)(r1 + 14)\nexit", input) ==
        "insn 0: read of 4 bytes at constants+6, past the 8 bytes of constants");
  CHECK(said("r1 = 0\nr0 = *(u8 *)(r1 + 1)\nexit", input) ==
        "insn 1: read of 1 byte at address 0x1, a null pointer");
  CHECK(said("r1 = 0x123456789 ll\nr0 = *(u16 *)(r1 + 0)\nexit", input) ==
        "insn 2: read of 2 bytes at address 0x123456789, which belongs to nothing the program may "
        "use");
}

}  // namespace skep::engine
