// SPDX-License-Identifier: Apache-2.0
// Shows each instruction of a run on standard error, with the registers that it changed.
#pragma once

#include <array>
#include <string>

#include "engine/engine.h"

namespace skep::cli {

class StepPrinter {
 public:
  explicit StepPrinter(std::span<const isa::Insn> program) : program_(program) {}

  // Refers to this object.
  [[nodiscard]] engine::StepHook hook();
  // Shows the last instruction, whose effect no later step could tell.
  void finish(const engine::Outcome& outcome);

 private:
  bool step(const engine::StepView& view);
  void flush(std::string_view effect);

  std::span<const isa::Insn> program_;
  std::string pending_;
  std::array<std::uint64_t, isa::kRegisters> before_{};
};

}  // namespace skep::cli
