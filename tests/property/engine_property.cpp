// SPDX-License-Identifier: Apache-2.0
// All engines show the same of a million random programs: ending, place, r0 and memory. A failure
// prints the smallest program that still fails, and SKEP_SEED to repeat it.
#include <doctest/doctest.h>

#include "tests/property/engine_agreement.h"
#include "tests/support/rounds.h"

namespace skep::test {

namespace {

constexpr std::uint64_t kBudget = 1 << 22;

using Loaded = std::unique_ptr<engine::Runnable>;

Loaded load(const engine::EngineType& type, const isa::Program& program) {
  auto loaded = type.load(program, test_calls());
  if (!loaded) FAIL(type.name, ": ", loaded.error().what, shown(program));
  return *std::move(loaded);
}

std::span<const engine::EngineType> fast_engines() {
  return engine::engines().first(engine::engines().size() - 1);
}

bool is_unfair_or_agreed(const isa::Program& program, Ground& ground) {
  const auto checked = load(*engine::find_engine("checked"), program);
  const auto judgement = judge(program, *checked, ground, kBudget);
  if (!judgement) return true;
  for (const engine::EngineType& type : fast_engines()) {
    const auto loaded = load(type, program);
    if (!(see(ground.run(*loaded, ground.input(kBudget)), ground) == judgement->seen)) return false;
  }
  return true;
}

std::string difference(const isa::Program& program, Ground& ground) {
  std::string out;
  for (const engine::EngineType& type : engine::engines()) {
    const engine::Input input = ground.input(kBudget);
    const engine::Outcome outcome = ground.run(*load(type, program), input);
    append_text(out, "{}: {}, r0 {:#x}\n", type.name, engine::describe(outcome, input), outcome.r0);
    append_text(out, "memory {}\n", print_hex(ground.memory, 8));
  }
  return out;
}

void report(std::uint64_t seed, const isa::Program& program, Ground& ground) {
  const isa::Program small =
      shrink(program, [&](const isa::Program& p) { return !is_unfair_or_agreed(p, ground); });
  FAIL("engines differ: SKEP_SEED=", seed, " SKEP_RUNS=1\n", shown(small), "memory before ",
       print_hex(ground.before, 8), "\n", difference(small, ground));
}

}  // namespace

TEST_CASE("engines agree about random programs") {
  const std::uint64_t seed = seed_or(1);
  const std::uint64_t runs = runs_or(rounds(1'000'000));
  const auto& checked = *engine::find_engine("checked");
  Ground ground(seed);
  isa::Program program;
  std::uint64_t too_long = 0;
  std::uint64_t executed = 0;
  for (std::uint64_t i = 0; i < runs; ++i) {
    Random random(seed + i);
    random_executable(random, program);
    ground.refill(seed + i);
    const engine::Input input = ground.input(kBudget);
    const engine::Outcome outcome = ground.run(*load(checked, program), input);
    const Seen expected = see(outcome, ground);
    executed += outcome.executed.value_or(0);
    if (outcome.ending == engine::Ending::out_of_budget) {
      ++too_long;
      continue;
    }
    if (!outcome.ok() && outcome.ending != engine::Ending::too_deep)
      FAIL("not executable: SKEP_SEED=", seed + i, " ", engine::describe(outcome, input),
           shown(program));
    for (const engine::EngineType& type : fast_engines()) {
      const auto loaded = load(type, program);
      if (see(ground.run(*loaded, input), ground) == expected) continue;
      report(seed + i, program, ground);
    }
  }
  MESSAGE(runs, " programs, ", executed, " instructions, ", too_long, " too long");
  CHECK(too_long * 1000 <= runs);
}

TEST_CASE("random programs execute every operation that can run without resolving") {
  std::array<bool, isa::kOps.size()> seen{};
  isa::Program program;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    Random random(seed);
    random_executable(random, program);
    for (std::size_t at = 0; at < program.size(); ++at) {
      seen[static_cast<std::size_t>(isa::find_op(program[at])->id)] = true;
      if (isa::is_imm64(program[at])) ++at;
    }
  }
  for (const isa::Op& row : isa::kOps) {
    const bool resolved_first = row.shape == isa::Shape::imm64 &&
                                row.action != isa::Action::value &&
                                row.action != isa::Action::code_address;
    CHECK_MESSAGE(seen[static_cast<std::size_t>(row.id)] != resolved_first, row.name);
  }
}

TEST_CASE("shrinking keeps what fails and little else") {
  Random random(7);
  isa::Program program;
  random_executable(random, program);
  const auto has_exit_and_move = [](const isa::Program& p) {
    return p.front().code == isa::op(isa::OpId::mov64_reg).code && p.back().code == 0x95;
  };
  const isa::Program small = shrink(program, has_exit_and_move);
  CHECK(small.size() == 2);
}

}  // namespace skep::test
