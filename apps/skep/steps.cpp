// SPDX-License-Identifier: Apache-2.0
#include "apps/skep/steps.h"

#include <algorithm>
#include <cstdio>

#include "apps/skep/input.h"
#include "isa/check.h"
#include "isa/print.h"

namespace skep::cli {

engine::StepHook StepPrinter::hook() {
  return {.before =
              [](void* self, const engine::StepView& view) {
                return static_cast<StepPrinter*>(self)->step(view);
              },
          .self = this};
}

bool StepPrinter::step(const engine::StepView& view) {
  std::string effect;
  for (std::size_t reg = 0; reg < isa::kRegisters; ++reg)
    if (view.registers[reg] != before_[reg])
      append_text(effect, " r{}={:#x}", reg, view.registers[reg]);
  if (pending_.empty())
    std::fprintf(stderr, "%s\n", text("{:>44};{}", "", effect).c_str());
  else
    flush(effect);
  std::ranges::copy(view.registers, before_.begin());
  const isa::Op* row = isa::find_op(program_[view.at]);
  const std::string insn = isa::print_insn(program_, view.at, *row, {.names = helper_names()});
  pending_ = text("{:>4}: {:{}}{}", view.at, "", 2 * view.frame, insn);
  return true;
}

void StepPrinter::flush(std::string_view effect) {
  const std::string line = effect.empty() ? pending_ : text("{:<44};{}", pending_, effect);
  std::fprintf(stderr, "%s\n", line.c_str());
}

void StepPrinter::finish(const engine::Outcome& outcome) {
  if (pending_.empty()) return;
  flush(outcome.ok() && outcome.r0 != before_[0] ? text(" r0={:#x}", outcome.r0) : "");
}

}  // namespace skep::cli
