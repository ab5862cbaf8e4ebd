// SPDX-License-Identifier: Apache-2.0
#include "machine/insert.h"

#include <cerrno>

#include "isa/check.h"

namespace skep::machine {

namespace {

// Whether the distance stands in the immediate: calls, code addresses, long jumps.
bool distance_in_immediate(const isa::Insn& insn) {
  constexpr std::uint8_t kCall = 0x85;
  constexpr std::uint8_t kLongJump = 0x06;
  return insn.code == kCall || insn.code == kLongJump || isa::is_imm64(insn);
}

}  // namespace

Result<isa::Program> replace_insns(const isa::Program& program, const Insertions& changes) {
  if (changes.empty()) return program;
  isa::Program out;
  std::vector<std::size_t> moved(program.size() + 1);  // where each instruction begins now
  std::vector<std::size_t> from;                       // of each new slot that still is the old one
  auto change = changes.begin();
  for (std::size_t at = 0; at < program.size(); ++at) {
    moved[at] = out.size();
    if (change != changes.end() && change->first == at) {
      out.insert(out.end(), change->second.begin(), change->second.end());
      from.resize(out.size(), SIZE_MAX);
      ++change;
    } else {
      out.push_back(program[at]);
      from.push_back(at);
    }
  }
  moved[program.size()] = out.size();
  for (std::size_t at = 0; at < out.size(); ++at) {
    const std::size_t old = from[at];
    if (old == SIZE_MAX || !isa::starts_insn(program, static_cast<std::int64_t>(old))) continue;
    const auto row = isa::check_insn(program, old);
    const auto target = row ? isa::target_of(**row, program[old], old) : std::nullopt;
    if (!target) continue;
    const auto distance = static_cast<std::int64_t>(moved[static_cast<std::size_t>(*target)]) -
                          static_cast<std::int64_t>(at) - 1;
    if (distance_in_immediate(out[at])) {
      out[at].imm = static_cast<std::int32_t>(distance);
    } else if (distance < INT16_MIN || distance > INT16_MAX) {
      return std::unexpected(
          Error{.code = Code::limit,
                .sys = ERANGE,
                .what = text("insn {}: the jump becomes {} long", old, distance)});
    } else {
      out[at].offset = static_cast<std::int16_t>(distance);
    }
  }
  return out;
}

}  // namespace skep::machine
