// SPDX-License-Identifier: Apache-2.0
// Programs as text in the C-like dialect: as the kernel's verifier and `bpftool prog dump xlated`
// write it, or as `llvm-objdump -d` does. What is printed assembles to the same bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "isa/names.h"
#include "isa/ops.h"

namespace skep::isa {

enum class Dialect : std::uint8_t { kernel, llvm };

struct PrintStyle {
  Dialect dialect = Dialect::kernel;
  HelperNames names;
  bool labels = false;   // "goto L3" and "L3:" instead of distances
  bool index = true;     // "12: " in front
  bool opcodes = false;  // "(b7) " in front, as the kernel does
  bool bytes = false;    // the bytes in front, as llvm-objdump does
};

// One instruction with nothing in front; `row` is what check_insn gave for program[at].
[[nodiscard]] std::string print_insn(std::span<const Insn> program, std::size_t at, const Op& row,
                                     const PrintStyle& style);

// All of it, a line an instruction. Fails where an instruction is none, with its index; jumps may
// go anywhere.
[[nodiscard]] Result<std::string> print_program(std::span<const Insn> program,
                                                const PrintStyle& style);

}  // namespace skep::isa
