// SPDX-License-Identifier: Apache-2.0
// Text in the C-like dialect to a program: what the kernel, bpftool and llvm-objdump print, with
// labels, comments and helper names. What print writes, this reads back to the same bytes.
// docs/assembly.md is the manual.
#pragma once

#include <string_view>

#include "isa/insn.h"
#include "isa/names.h"

namespace skep::isa {

// The first mistake is reported as "name:line:column: expected ..., found ...".
[[nodiscard]] Result<Program> assemble(std::string_view source, std::string_view name,
                                       const HelperNames& names);

}  // namespace skep::isa
