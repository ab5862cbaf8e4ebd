// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <charconv>

#include "engine/contained.h"
#include "isa/check.h"
#include "machine/helpers.h"
#include "machine/run.h"
#include "tests/runner/run.h"

namespace skep::test {

namespace {

// What the contained process leaves behind.
struct Shared {
  engine::Outcome outcome;
  Covered covered;
};

struct Watch {
  const isa::Program* program;
  Covered* covered;
};

void note(Covered& covered, const isa::Insn& insn) {
  if (const isa::Op* row = isa::find_op(insn)) covered[static_cast<std::size_t>(row->id)] = true;
}

bool note_step(void* self, const engine::StepView& view) {
  const auto& watch = *static_cast<const Watch*>(self);
  note(*watch.covered, (*watch.program)[view.at]);
  return true;
}

// "insn 3: ..." of a program that is in order names the operation that no engine can run.
void note_refused(Covered& covered, const isa::Program& program, std::string_view error) {
  constexpr std::string_view kBefore = "insn ";
  if (!isa::check_program(program) || !error.starts_with(kBefore)) return;
  error.remove_prefix(kBefore.size());
  std::size_t at = program.size();
  (void)std::from_chars(error.data(), error.data() + error.size(), at);
  if (at < program.size()) note(covered, program[at]);
}

}  // namespace

Result<Observed> run_on_engine(const engine::EngineType& type, const Case& given,
                               const isa::Program& program, Covered& covered) {
  Observed observed;
  const auto runnable = type.load(program, machine::helper_calls());
  if (!runnable) {
    observed.error = runnable.error().what;
    note_refused(covered, program, observed.error);
    return observed;
  }
  observed.loaded = true;
  const auto memory = SKEP_TRY(engine::SharedMemory::make(given.memory.size()));
  const auto place = SKEP_TRY(engine::SharedMemory::make(sizeof(Shared)));
  auto* shared = new (place.bytes().data()) Shared{};
  std::ranges::copy(given.memory, memory.bytes().begin());
  engine::Packet packet;
  if (given.packet) packet.bytes = *given.packet;
  machine::SystemHost system;
  const machine::Host host = system.host();
  machine::Run run{.host = &host};
  Watch watch{&program, &shared->covered};
  const engine::Region region{.name = "mem",
                              .begin = std::bit_cast<std::uint64_t>(memory.bytes().data()),
                              .bytes = memory.bytes().size(),
                              .writable = !given.read_only};
  const engine::Input input{.r1 = region.begin,
                            .r2 = region.bytes,
                            .packet = given.packet ? &packet : nullptr,
                            .context = &run,
                            .budget = given.budget,
                            .regions = {&region, region.bytes == 0 ? 0U : 1U},
                            .hook = {note_step, &watch}};
  SKEP_TRY(engine::run_contained([&] { shared->outcome = (*runnable)->run(input); }));
  for (std::size_t id = 0; id < covered.size(); ++id) covered[id] |= shared->covered[id];
  observed.memory.assign(memory.bytes().begin(), memory.bytes().end());
  observed.r0 = shared->outcome.r0;
  if (!shared->outcome.ok()) observed.error = engine::describe(shared->outcome, input);
  return observed;
}

}  // namespace skep::test
