// SPDX-License-Identifier: Apache-2.0
// Text to a classic program. Reads what print_classic and `tcpdump -d` and `-dd` write, and the
// assembly of bpf_asm: `ldh [12]`, `jne #0x800, drop`, `drop: ret #0`. A number as target of a jump
// is the index of an instruction. Comments: ; and // and /* */, and # where no operand can stand.
#pragma once

#include <string_view>

#include "isa/classic.h"

namespace skep::isa {

// The first mistake is reported as "name:line:column: expected ..., found ...".
[[nodiscard]] Result<ClassicProgram> assemble_classic(std::string_view source,
                                                      std::string_view name);

}  // namespace skep::isa
