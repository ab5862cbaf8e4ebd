// SPDX-License-Identifier: Apache-2.0
// What BPF_PROG_LOAD says of a program beside its instructions: where its functions begin, what
// types they have and which lines they come from. Results are 0 or the errno of the command.
#pragma once

#include <vector>

#include "abi/bpf_attr.h"
#include "btf/btf.h"
#include "machine/load_log.h"
#include "machine/program.h"

namespace skep::machine {

// Slots where functions begin, ascending, main's 0 first. Targets outside of the program are left
// out: whoever checks calls tells of them.
[[nodiscard]] std::vector<std::uint32_t> function_starts(const isa::Program& insns);

// Reads the records into `spec`, checked against its instructions and `types`.
[[nodiscard]] long read_records(const abi::bpf_attr& attr, const btf::Btf& types, ProgramSpec& spec,
                                LoadLog& log);

}  // namespace skep::machine
