// SPDX-License-Identifier: Apache-2.0
// A program around one instruction that Linux would accept if the instruction is all right: scalars
// in r0 to r5 and r9, the packet in r6, filled stack, room to jump, a subprogram.
#pragma once

#include <cstdint>
#include <vector>

#include "isa/ops.h"

namespace skep::test {

class Surroundings {
 public:
  // `row` with operands that suit it. `map` is the fd of an array map, for the rows that want one.
  Surroundings(const isa::Op& row, int map);

  [[nodiscard]] const isa::Program& program() const { return program_; }
  [[nodiscard]] isa::Insn& insn() { return program_[at_]; }
  [[nodiscard]] isa::Insn& second() { return program_[at_ + 1]; }
  [[nodiscard]] std::size_t at() const { return at_; }
  // Where functions begin, for load_program.
  [[nodiscard]] std::vector<std::uint32_t> functions() const;

 private:
  isa::Program program_;
  std::size_t at_ = 0;
};

}  // namespace skep::test
