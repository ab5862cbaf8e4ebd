// SPDX-License-Identifier: Apache-2.0
// The func_info and line_info that a program is loaded with: records of any size that begin with
// the known fields, checked against the BTF and the program. errno as of BPF_PROG_LOAD. Offsets
// count 8-byte slots.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "btf/btf.h"

namespace skep::btf {

// As bpf_attr has them; the bytes are those of `count` records.
struct RecordTable {
  std::span<const std::byte> bytes;
  std::uint32_t record_bytes = 0;
  std::uint32_t count = 0;
};

// The size of a record is checked before the records can be copied; `known` is the size that is
// known here. EINVAL.
[[nodiscard]] Status check_record_bytes(std::uint32_t record_bytes, std::uint32_t known);

// Before the program's subprograms are known: order and types.
[[nodiscard]] Result<std::vector<abi::bpf_func_info>> read_func_info(const Btf& btf,
                                                                     const RecordTable& table);

struct Subprogram {
  std::uint32_t start = 0;
  bool loads_packet = false;  // with the classic LD_ABS or LD_IND
  bool makes_tail_call = false;
};

// One record for each subprogram, where it starts. A subprogram that may end in the middle returns
// an integer.
[[nodiscard]] Status check_func_info(const Btf& btf, std::span<const abi::bpf_func_info> functions,
                                     std::span<const Subprogram> subprograms);

// `opcodes` has one byte for each slot of the program, 0 for the second slot of a 64-bit immediate.
[[nodiscard]] Result<std::vector<abi::bpf_line_info>> read_line_info(
    const Btf& btf, const RecordTable& table, std::span<const std::uint8_t> opcodes,
    std::span<const Subprogram> subprograms);

}  // namespace skep::btf
