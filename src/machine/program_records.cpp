// SPDX-License-Identifier: Apache-2.0
#include "machine/program_records.h"

#include <algorithm>
#include <cerrno>

#include "abi/info.h"
#include "abi/limits.h"
#include "btf/program_info.h"
#include "machine/user_memory.h"

namespace skep::machine {

namespace {

constexpr std::uint8_t kCall = 0x85;
constexpr std::uint8_t kFunctionOfOurs = 1;     // source register of a call
constexpr std::uint8_t kAddressOfFunction = 4;  // source register of a 64-bit immediate
constexpr std::int32_t kTailCall = 12;

// The records as far as they can be read: what lies behind a bad address is missed by the reader
// only when all before it is right.
btf::RecordTable fetch(Bytes& bytes, std::uint64_t user, std::uint32_t record_bytes,
                       std::uint32_t count, std::uint64_t at_most) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(count, at_most));
  bytes.resize(wanted * record_bytes);
  if (copy_from_user(bytes.data(), user, bytes.size()) != 0) {
    std::size_t at = 0;
    while (at < bytes.size() && copy_from_user(bytes.data() + at, user + at, record_bytes) == 0)
      at += record_bytes;
    bytes.resize(at);
  }
  return {.bytes = bytes, .record_bytes = record_bytes, .count = count};
}

std::vector<btf::Subprogram> subprograms_of(const isa::Program& insns) {
  std::vector<btf::Subprogram> all;
  for (const std::uint32_t start : function_starts(insns)) all.push_back({.start = start});
  std::size_t in = 0;
  for (std::uint32_t i = 0; i < insns.size(); ++i) {
    while (in + 1 < all.size() && i >= all[in + 1].start) ++in;
    const isa::Insn& insn = insns[i];
    const unsigned mode = insn.code & 0xe7U;  // any size of BPF_LD with BPF_ABS or BPF_IND
    if (mode == 0x20 || mode == 0x40) all[in].loads_packet = true;
    if (insn.code == kCall && insn.src == 0 && insn.imm == kTailCall)
      all[in].makes_tail_call = true;
  }
  return all;
}

template <class Record>
Bytes bytes_of(const std::vector<Record>& records) {
  const auto bytes = std::as_bytes(std::span(records));
  return {bytes.begin(), bytes.end()};
}

long refused(const Error& error, LoadLog& log) {
  log.add(error.what);
  return error.sys != 0 ? -error.sys : -EINVAL;
}

long read_functions(const abi::bpf_attr& attr, const btf::Btf& types,
                    std::span<const btf::Subprogram> subprograms, ProgramSpec& spec, LoadLog& log) {
  if (attr.func_info_cnt != 0) {
    const auto sound = btf::check_record_bytes(attr.func_info_rec_size, sizeof(abi::bpf_func_info));
    if (!sound) return refused(sound.error(), log);
    if (attr.func_info_cnt > abi::BPF_COMPLEXITY_LIMIT_INSNS * 256ULL) return -ENOMEM;
  }
  Bytes bytes;
  const auto table = fetch(bytes, attr.func_info, attr.func_info_rec_size, attr.func_info_cnt,
                           abi::BPF_COMPLEXITY_LIMIT_INSNS);
  const auto functions = btf::read_func_info(types, table);
  if (!functions) return refused(functions.error(), log);
  const auto fits = btf::check_func_info(types, *functions, subprograms);
  if (!fits) return refused(fits.error(), log);
  spec.func_info = bytes_of(*functions);
  return 0;
}

long read_lines(const abi::bpf_attr& attr, const btf::Btf& types,
                std::span<const btf::Subprogram> subprograms, ProgramSpec& spec, LoadLog& log) {
  if (attr.line_info_cnt == 0) return 0;
  const auto sound = btf::check_record_bytes(attr.line_info_rec_size, sizeof(abi::bpf_line_info));
  if (attr.line_info_cnt <= INT32_MAX / sizeof(abi::bpf_line_info) && !sound)
    return refused(sound.error(), log);
  Bytes bytes;
  // Each is behind the one in front of it: there cannot be more than instructions.
  const auto table = fetch(bytes, attr.line_info, sound ? attr.line_info_rec_size : 0,
                           attr.line_info_cnt, spec.insns.size() + 1);
  std::vector<std::uint8_t> opcodes;
  for (const isa::Insn& insn : spec.insns) opcodes.push_back(insn.code);
  const auto lines = btf::read_line_info(types, table, opcodes, subprograms);
  if (!lines) return refused(lines.error(), log);
  spec.line_info = bytes_of(*lines);
  return 0;
}

}  // namespace

std::vector<std::uint32_t> function_starts(const isa::Program& insns) {
  std::vector<std::uint32_t> starts = {0};
  for (std::size_t i = 0; i < insns.size(); ++i) {
    const isa::Insn& insn = insns[i];
    const bool calls = insn.code == kCall && insn.src == kFunctionOfOurs;
    const bool names = isa::is_imm64(insn) && insn.src == kAddressOfFunction;
    const std::int64_t to = static_cast<std::int64_t>(i) + 1 + insn.imm;
    if ((calls || names) && to > 0 && to < static_cast<std::int64_t>(insns.size()))
      starts.push_back(static_cast<std::uint32_t>(to));
    if (isa::is_imm64(insn)) ++i;
  }
  std::ranges::sort(starts);
  const auto repeated = std::ranges::unique(starts);
  starts.erase(repeated.begin(), repeated.end());
  return starts;
}

long read_records(const abi::bpf_attr& attr, const btf::Btf& types, ProgramSpec& spec,
                  LoadLog& log) {
  const auto subprograms = subprograms_of(spec.insns);
  const long status = read_functions(attr, types, subprograms, spec, log);
  return status != 0 ? status : read_lines(attr, types, subprograms, spec, log);
}

}  // namespace skep::machine
