// SPDX-License-Identifier: Apache-2.0
// Classic BPF: what is printed assembles to the same bytes, and a filter does the same directly and
// translated, on every engine.
#include <doctest/doctest.h>

#include "engine/classic.h"
#include "isa/check.h"
#include "isa/classic_assemble.h"
#include "isa/classic_print.h"
#include "isa/classic_translate.h"
#include "isa/print.h"
#include "tests/support/classic_random.h"
#include "tests/support/rounds.h"

namespace skep::test {

namespace {

using isa::ClassicFilter;
using isa::ClassicKind;
using Loaded = std::vector<std::unique_ptr<engine::Runnable>>;

std::string repeat(std::uint64_t seed) { return text("SKEP_SEED={} SKEP_RUNS=1\n", seed); }

std::uint32_t fixed_random(void*) { return 0x8000'0001; }

// How a failure is shown: both programs, so that it can be replayed by hand.
std::string shown(const ClassicFilter& filter) {
  return "\n" + isa::print_classic(filter.program()) +
         isa::print_program(isa::translate_classic(filter), {}).value_or("not printable\n");
}

Loaded load_everywhere(const ClassicFilter& filter) {
  Loaded loaded;
  const isa::Program translated = isa::translate_classic(filter);
  for (const engine::EngineType& type : engine::engines()) {
    auto runnable = type.load(translated, engine::classic_calls());
    if (!runnable) FAIL(type.name, ": ", runnable.error().what, shown(filter));
    loaded.push_back(*std::move(runnable));
  }
  return loaded;
}

template <class Data>
void check_agreement(const ClassicFilter& filter, const Loaded& loaded, const Data& data) {
  const std::uint64_t expected = engine::run_classic(filter, data);
  const engine::Region region = engine::region_of(data);
  engine::Input input = engine::input_of(data);
  input.regions = {&region, 1};
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    const engine::Outcome outcome = loaded[i]->run(input);
    if (outcome.ok() && outcome.r0 == expected) continue;
    FAIL(engine::engines()[i].name, ": ", engine::describe(outcome, input), ", r0 ", outcome.r0,
         ", directly ", expected, shown(filter));
  }
}

engine::ClassicContext random_context(ClassicRandom& random, std::span<const std::byte> packet) {
  engine::ClassicContext context;
  context.packet.bytes = packet;
  if (random.one_in(2)) context.packet.start = random.below(20);
  context.packet.network_offset = random.below(40);
  context.fields = random.fields(context.packet.length());
  context.cpu = random.below(16);
  context.random = fixed_random;
  return context;
}

// Many filters, one behind the other in place of their last `ret`.
isa::ClassicProgram large_program(ClassicRandom& random, std::size_t insns) {
  isa::ClassicProgram program;
  while (program.size() < insns - 1) {
    const ClassicFilter part = random.filter(ClassicKind::socket, 20);
    const std::size_t room = insns - 1 - program.size();
    if (part.program().size() - 1 > room)
      program.insert(program.end(), room, {.code = 0x07});
    else
      program.insert(program.end(), part.program().begin(), part.program().end() - 1);
  }
  program.push_back({.code = 0x16});
  return program;
}

}  // namespace

TEST_CASE("every classic program is printed and assembled to the same bytes") {
  const std::uint64_t seed = seed_or(1);
  for (std::uint64_t i = 0; i < runs_or(rounds(200'000)); ++i) {
    ClassicRandom random(seed + i);
    isa::ClassicProgram program =
        random.program(random.one_in(3) ? ClassicKind::seccomp : ClassicKind::socket);
    if (random.one_in(2)) random.mutate(program);
    const std::string printed = isa::print_classic(program);
    const auto assembled = isa::assemble_classic(printed, "printed");
    if (!assembled) FAIL(repeat(seed + i), assembled.error().what, "\n", printed);
    if (*assembled != program) FAIL(repeat(seed + i), printed);
  }
}

TEST_CASE("a socket filter does the same directly and translated") {
  const std::uint64_t seed = seed_or(1);
  for (std::uint64_t i = 0; i < runs_or(rounds(100'000)); ++i) {
    ClassicRandom random(seed + i);
    CAPTURE(repeat(seed + i));
    const ClassicFilter filter = random.filter(ClassicKind::socket);
    const Loaded loaded = load_everywhere(filter);
    for (int packets = 0; packets < 4; ++packets) {
      const Bytes packet = random.packet();
      check_agreement(filter, loaded, random_context(random, packet));
    }
  }
}

TEST_CASE("a seccomp filter does the same directly and translated") {
  const std::uint64_t seed = seed_or(1);
  for (std::uint64_t i = 0; i < runs_or(rounds(100'000)); ++i) {
    ClassicRandom random(seed + i);
    CAPTURE(repeat(seed + i));
    const ClassicFilter filter = random.filter(ClassicKind::seccomp);
    const Loaded loaded = load_everywhere(filter);
    for (int calls = 0; calls < 4; ++calls) check_agreement(filter, loaded, random.seccomp_data());
  }
}

TEST_CASE("filters of the largest size translate to programs with all jumps in reach") {
  const std::uint64_t seed = seed_or(1);
  for (std::uint64_t i = 0; i < runs_or(rounds(200)); ++i) {
    ClassicRandom random(seed + i);
    CAPTURE(repeat(seed + i));
    const auto filter =
        ClassicFilter::make(large_program(random, isa::kMaxClassicInsns), ClassicKind::socket);
    REQUIRE(filter);
    const Status translated = isa::check_program(isa::translate_classic(*filter));
    CHECK_MESSAGE(translated, translated.error().what);
  }
}

}  // namespace skep::test
