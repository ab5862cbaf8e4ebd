// SPDX-License-Identifier: Apache-2.0
// What a program must be before it may run: well-formed instructions, maps and helpers that exist
// and that its type may use. What it does with memory is not proved here: the checked engine judges
// that while it runs.
#pragma once

#include "machine/load_log.h"
#include "machine/program.h"

namespace skep::machine {

// Descriptors of maps in `spec.insns` become ids, each map with a reference. 0, or the errno of
// BPF_PROG_LOAD with its reason in the log; then no reference is left.
[[nodiscard]] long accept_program(Machine& machine, std::span<const int> fd_array,
                                  ProgramSpec& spec, LoadLog& log);

}  // namespace skep::machine
