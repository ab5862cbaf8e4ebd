// SPDX-License-Identifier: Apache-2.0
// Classic programs as `tcpdump -d` writes them, but for two things: ancillary loads have their
// bpf_asm names, and "ret a" says what it returns. What is no operation is shown as the four
// numbers of `tcpdump -dd`. So every program can be printed, and assembles to the same bytes.
#pragma once

#include <span>
#include <string>

#include "isa/classic.h"

namespace skep::isa {

// libpcap leaves numbers in fields that an operation does not use, as in `tax`.
enum class ClassicStyle : std::uint8_t {
  exact,    // such instructions are shown as four numbers as well
  tcpdump,  // such numbers are not shown, and so are lost when assembled
};

// Without the index in front; `at` is where the instruction stands, for targets of jumps.
[[nodiscard]] std::string print_classic_insn(const ClassicInsn& insn, std::size_t at,
                                             ClassicStyle style = ClassicStyle::exact);

[[nodiscard]] std::string print_classic(std::span<const ClassicInsn> program,
                                        ClassicStyle style = ClassicStyle::exact);

}  // namespace skep::isa
