// SPDX-License-Identifier: Apache-2.0
// All engines show the same of random programs that call each other: local calls, callbacks by
// helpers and kfuncs, tail calls out of all of these, and runs that end in the middle. A function
// notes its registers and its stack in a running sum, so that one wrong return shows.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/engine_world.h"
#include "tests/support/random_program.h"
#include "tests/support/rounds.h"

namespace skep::test {

namespace {

constexpr std::uint64_t kBudget = 20'000;
// Fast engines count slots, and look where the program jumps.
constexpr std::uint64_t kFastBudget = kBudget * 64;
constexpr std::uint32_t kPrograms = 4;

struct Trace : World {
  std::uint64_t sum = 0;
};

std::uint64_t note(std::uint64_t value, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                   void* context) {
  auto& trace = static_cast<Trace&>(world::of(context));
  std::uint64_t index = 0;
  while (trace.programs[index] != &trace.running->program()) ++index;
  trace.sum = (trace.sum ^ value ^ index << 40) * 0x9e37'79b9'7f4a'7c15 + (trace.sum >> 29);
  return trace.sum >> 60;
}

constexpr engine::Calls kTraceCalls{.helper =
                                        [](std::uint32_t number) {
                                          return number == 6 ? engine::HelperFunction{note}
                                                             : world::helper(number);
                                        },
                                    .kfunc = world::kfunc,
                                    .tail_call = world::tail_call};

class Writer {
 public:
  explicit Writer(Random& random) : random_(random) {}

  std::string program() {
    functions_ = 1 + random_.below(4);
    for (std::uint32_t self = 0; self < functions_; ++self) function(self);
    return std::move(out_);
  }

 private:
  void function(std::uint32_t self) {
    append_text(out_, "f{}: r6 = {}\nr7 = {}\n*(u64 *)(r10 - 8) = {}\n", self, random_.imm(),
                random_.imm(), random_.imm());
    for (std::uint32_t left = 1 + random_.below(6); left > 0; --left) item(self);
    append_text(out_, "r0 = r6\nr0 &= {}\nexit\n", random_.one_in(2) ? 1 : -1);
  }

  void item(std::uint32_t self) {
    // Down, so that it ends; seldom back up, which mostly ends too deep.
    const bool up = random_.one_in(30);
    if (!up && self + 1 == functions_) return item_without_callee();
    const std::uint32_t first = up ? 0 : self + 1;
    const std::uint32_t callee = first + random_.below(functions_ - first);
    switch (random_.below(6)) {
      case 0:
        return call_local(self, callee);
      case 1:
      case 2:
        append_text(out_, "r1 = {}\nr2 = subprog[f{}]\nr3 = r7\ncall {}1\n", random_.below(4),
                    callee, random_.one_in(2) ? "" : "kfunc#");
        return note_all();
      case 3:
        append_text(out_, "r1 = subprog[f{}]\nr2 = r6\nr3 = 1\nr4 = 2\nr5 = 3\n", callee);
        out_ += random_.one_in(3) ? "r8 = 2\ncallx r8\n" : "call 2\n";
        return note_all();
      default:
        return item_without_callee();
    }
  }

  void item_without_callee() {
    switch (random_.below(6)) {
      case 0:
        return append_text(out_, "r6 = {}\n", random_.imm());
      case 1:
        return append_text(out_, "*(u64 *)(r10 - 8) = {}\n", random_.imm());
      case 2:
        append_text(out_, "r1 = {}\ncall 6\n", random_.imm());
        return append_text(out_, "if r0 > 7 goto n{0}\nr6 += 1\nn{0}:\n", ++labels_);
      case 3:
      case 4:
        append_text(out_, "r2 = 0\nr3 = {}\ncall 12\nr0 = 3\n", random_.below(kPrograms + 1));
        return note_all();
      default:
        if (random_.one_in(20)) append_text(out_, "r1 = {}\ncall kfunc#4\n", random_.imm());
        return note_all();
    }
  }

  // A program that lets itself be called from its first instruction on would never end.
  void call_local(std::uint32_t self, std::uint32_t callee) {
    if (callee == 0 && self == 0) return note_all();
    append_text(out_, "call f{}\n", callee);
    note_all();
  }

  void note_all() {
    out_ += "r1 = r0\nr1 += r6\nr1 ^= r7\nr2 = *(u64 *)(r10 - 8)\nr1 -= r2\ncall 6\n";
  }

  Random& random_;
  std::string out_;
  std::uint32_t functions_ = 1;
  unsigned labels_ = 0;
};

struct Seen {
  engine::Ending ending{};
  std::uint64_t r0 = 0;
  std::size_t at = 0;
  std::size_t program = 0;
  std::uint64_t sum = 0;
  unsigned tail_calls = 0;
  bool operator==(const Seen&) const = default;
};

Seen run(const engine::EngineType& type, const std::vector<std::string>& sources,
         std::uint64_t budget) {
  std::vector<LoadedProgram> loaded;
  loaded.reserve(sources.size());
  Trace trace;
  for (const std::string& source : sources) {
    loaded.push_back(load_in_world(type, source, kTraceCalls));
    trace.programs.push_back(loaded.back().get());
  }
  const engine::Outcome outcome = loaded[0]->run(trace.input({.budget = budget}));
  const auto found = std::ranges::find(trace.programs, outcome.program);
  return {.ending = outcome.ending,
          .r0 = outcome.r0,
          .at = outcome.at,
          .program = static_cast<std::size_t>(found - trace.programs.begin()),
          .sum = trace.sum,
          .tail_calls = trace.tail_calls};
}

std::string shown(const Seen& seen) {
  return text("ending {}, r0 {:#x}, at {} of program {}, sum {:#x}, {} tail calls",
              static_cast<int>(seen.ending), seen.r0, seen.at, seen.program, seen.sum,
              seen.tail_calls);
}

}  // namespace

TEST_CASE("engines agree about random programs that call each other") {
  const std::uint64_t seed = seed_or(1);
  const std::uint64_t runs = runs_or(rounds(20'000));
  std::array<std::uint64_t, 16> endings{};
  std::uint64_t tail_calls = 0;
  for (std::uint64_t i = 0; i < runs; ++i) {
    Random random(seed + i);
    std::vector<std::string> sources;
    sources.reserve(kPrograms);
    for (std::uint32_t n = 0; n < kPrograms; ++n) sources.push_back(Writer(random).program());
    const Seen expected = run(*engine::find_engine("checked"), sources, kBudget);
    ++endings[static_cast<std::size_t>(expected.ending)];
    tail_calls += expected.tail_calls;
    if (expected.ending == engine::Ending::out_of_budget) continue;
    for (const engine::EngineType& type : engine::engines()) {
      const Seen seen = run(type, sources, kFastBudget);
      if (seen == expected) continue;
      std::string all;
      for (const std::string& source : sources) all += "\n" + source;
      FAIL("engines differ: SKEP_SEED=", seed + i, " SKEP_RUNS=1\n", type.name, ": ", shown(seen),
           "\nchecked: ", shown(expected), all);
    }
  }
  const auto count = [&](engine::Ending ending) {
    return endings[static_cast<std::size_t>(ending)];
  };
  MESSAGE(runs, " runs: ", count(engine::Ending::exited), " exited, ",
          count(engine::Ending::too_deep), " too deep, ", count(engine::Ending::out_of_budget),
          " too long, ", tail_calls, " tail calls");
  CHECK(count(engine::Ending::exited) * 2 > runs);
  CHECK(tail_calls > runs);
}

}  // namespace skep::test
