// SPDX-License-Identifier: Apache-2.0
#include "btf/program_info.h"

#include <algorithm>
#include <limits>

#include "btf/refuse.h"

namespace skep::btf {

using namespace abi;

namespace {

constexpr std::uint32_t kMaxRecordBytes = 252;

// One record; what is behind the known fields must be zero.
template <class Record>
Result<Record> record_at(const RecordTable& table, std::uint32_t at, std::string_view what) {
  const std::uint64_t from = std::uint64_t{at} * table.record_bytes;
  if (from > table.bytes.size() || table.bytes.size() - from < table.record_bytes)
    return refuse(EFAULT, "{}[{}] lies outside of the {} bytes given", what, at,
                  table.bytes.size());
  const auto bytes = table.bytes.subspan(from, table.record_bytes);
  const auto rest = bytes.subspan(sizeof(Record));
  if (std::ranges::any_of(rest, [](std::byte b) { return b != std::byte{0}; }))
    return refuse(E2BIG, "{}[{}] says something beyond the {} known bytes", what, at,
                  sizeof(Record));
  return load<Record>(bytes.data());
}

Status check_function(const Btf& btf, const bpf_func_info& record, std::uint32_t at,
                      std::uint32_t last_offset) {
  if (at == 0 && record.insn_off != 0)
    return refuse(EINVAL, "func_info[0] is at {}, must be at 0", record.insn_off);
  if (at > 0 && record.insn_off <= last_offset)
    return refuse(EINVAL, "func_info[{}] is at {}, not after {}", at, record.insn_off, last_offset);
  if (btf.type(TypeId{record.type_id}).kind != BTF_KIND_FUNC)
    return refuse(EINVAL, "func_info[{}] has {}, not a function", at,
                  btf.describe(TypeId{record.type_id}));
  return {};
}

bool returns_integer(const Btf& btf, const bpf_func_info& function) {
  const Type proto = btf.type(btf.type(TypeId{function.type_id}).target());
  const Type returned = btf.type(btf.skip_modifiers(proto.target()));
  return is_enum(returned.kind) || (returned.kind == BTF_KIND_INT && returned.size() <= 8);
}

Status check_place(const Btf& btf, const bpf_line_info& line, std::uint32_t at,
                   std::span<const std::uint8_t> opcodes) {
  if (opcodes[line.insn_off] == 0)
    return refuse(EINVAL, "line_info[{}] is at {}, the second half of an instruction", at,
                  line.insn_off);
  if (line.line_off >= btf.string_bytes() || line.file_name_off >= btf.string_bytes())
    return refuse(EINVAL,
                  "line_info[{}] has its line at {} and its file at {} of {} bytes of strings", at,
                  line.line_off, line.file_name_off, btf.string_bytes());
  return {};
}

}  // namespace

Status check_record_bytes(std::uint32_t record_bytes, std::uint32_t known) {
  if (record_bytes < known || record_bytes > kMaxRecordBytes ||
      record_bytes % sizeof(std::uint32_t) != 0)
    return refuse(EINVAL, "records of {} bytes, must be {} to {} and a multiple of 4", record_bytes,
                  known, kMaxRecordBytes);
  return {};
}

Result<std::vector<bpf_func_info>> read_func_info(const Btf& btf, const RecordTable& table) {
  std::vector<bpf_func_info> functions;
  if (table.count == 0) return functions;
  SKEP_TRY(in("func_info", check_record_bytes(table.record_bytes, sizeof(bpf_func_info))));
  std::uint32_t last_offset = 0;
  for (std::uint32_t at = 0; at < table.count; ++at) {
    const auto record = SKEP_TRY(record_at<bpf_func_info>(table, at, "func_info"));
    SKEP_TRY(check_function(btf, record, at, last_offset));
    last_offset = record.insn_off;
    functions.push_back(record);
  }
  return functions;
}

Status check_func_info(const Btf& btf, std::span<const bpf_func_info> functions,
                       std::span<const Subprogram> subprograms) {
  if (functions.empty()) {
    // Without types nobody knows what a subprogram returns.
    for (std::size_t at = 1; at < subprograms.size(); ++at)
      if (subprograms[at].loads_packet || subprograms[at].makes_tail_call)
        return refuse(EINVAL, "subprogram {} may end early, which needs BTF", at);
    return {};
  }
  if (functions.size() != subprograms.size())
    return refuse(EINVAL, "{} records of func_info for {} subprograms", functions.size(),
                  subprograms.size());
  for (std::size_t at = 0; at < functions.size(); ++at) {
    const Subprogram& subprogram = subprograms[at];
    if (functions[at].insn_off != subprogram.start)
      return refuse(EINVAL, "func_info[{}] is at {}, the subprogram at {}", at,
                    functions[at].insn_off, subprogram.start);
    if (at > 0 && (subprogram.loads_packet || subprogram.makes_tail_call) &&
        !returns_integer(btf, functions[at]))
      return refuse(EINVAL, "subprogram {} may end early and must return an integer", at);
  }
  return {};
}

Result<std::vector<bpf_line_info>> read_line_info(const Btf& btf, const RecordTable& table,
                                                  std::span<const std::uint8_t> opcodes,
                                                  std::span<const Subprogram> subprograms) {
  std::vector<bpf_line_info> lines;
  if (table.count == 0) return lines;
  if (table.count > std::numeric_limits<std::int32_t>::max() / sizeof(bpf_line_info))
    return refuse(EINVAL, "{} records of line_info", table.count);
  SKEP_TRY(in("line_info", check_record_bytes(table.record_bytes, sizeof(bpf_line_info))));
  std::size_t next = 0;  // subprogram that has no line yet
  for (std::uint32_t at = 0; at < table.count; ++at) {
    const auto line = SKEP_TRY(record_at<bpf_line_info>(table, at, "line_info"));
    if (line.insn_off >= opcodes.size() || (at > 0 && line.insn_off <= lines.back().insn_off))
      return refuse(EINVAL, "line_info[{}] is at {} of {}, or not after the one in front of it", at,
                    line.insn_off, opcodes.size());
    SKEP_TRY(check_place(btf, line, at, opcodes));
    if (next < subprograms.size() && line.insn_off >= subprograms[next].start) {
      if (line.insn_off > subprograms[next].start)
        return refuse(EINVAL, "no line_info where subprogram {} starts", next);
      ++next;
    }
    lines.push_back(line);
  }
  if (next < subprograms.size()) return refuse(EINVAL, "no line_info from subprogram {} on", next);
  return lines;
}

}  // namespace skep::btf
