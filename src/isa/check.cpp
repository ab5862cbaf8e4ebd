// SPDX-License-Identifier: Apache-2.0
#include "isa/check.h"

namespace skep::isa {

namespace {

constexpr std::int32_t kCastToKernel = 0x00001;
constexpr std::int32_t kCastToUser = 0x10000;

const char* field_name(Selector selector) {
  switch (selector) {
    case Selector::src:
      return "source";
    case Selector::offset:
      return "offset";
    default:
      return "immediate";
  }
}

std::int32_t field_value(Selector selector, const Insn& insn) {
  switch (selector) {
    case Selector::src:
      return insn.src;
    case Selector::offset:
      return insn.offset;
    default:
      return insn.imm;
  }
}

// Why no row fits: the opcode, or the field that selects among the rows of this opcode.
std::unexpected<Error> unknown(const Insn& insn) {
  std::string choices;
  Selector selector = Selector::none;
  for (const Op& row : kOps) {
    if (row.code != insn.code) continue;
    selector = row.selector;
    append_text(choices, "{}{:#x}", choices.empty() ? "" : ", ", row.selected);
  }
  if (selector == Selector::none)
    return fail(Code::invalid, "opcode {:#04x} is not an instruction", insn.code);
  return fail(Code::invalid, "opcode {:#04x} has no meaning with {} {:#x}; it has with {}",
              insn.code, field_name(selector), field_value(selector, insn), choices);
}

std::unexpected<Error> reserved(const Op& row, std::string_view field, std::int64_t value) {
  return fail(Code::invalid, "{} ({:#04x}) does not use its {}, which must be 0 but is {:#x}",
              row.name, row.code, field, value);
}

Status check_registers(const Insn& insn) {
  for (const unsigned reg : {unsigned{insn.dst}, unsigned{insn.src}})
    if (reg >= kRegisters)
      return fail(Code::invalid, "r{} does not exist; registers are r0 to r{}", reg,
                  kRegisters - 1);
  return {};
}

Status check_reserved(const Op& row, const Insn& insn) {
  const Fields used = fields_of(row.shape);
  if (!used.dst && insn.dst != 0) return reserved(row, "destination register", insn.dst);
  if (!used.src && row.selector != Selector::src && insn.src != 0)
    return reserved(row, "source register", insn.src);
  if (!used.offset && row.selector != Selector::offset && insn.offset != 0)
    return reserved(row, "offset", insn.offset);
  if (!used.imm && row.selector != Selector::imm && insn.imm != 0)
    return reserved(row, "immediate", insn.imm);
  return {};
}

bool has_high_half(Action kind) {
  return kind == Action::value || kind == Action::map_value || kind == Action::map_index_value ||
         kind == Action::variable;
}

Status check_second_slot(const Op& row, std::span<const Insn> program, std::size_t at) {
  if (at + 1 >= program.size())
    return fail(Code::invalid, "the second slot of the 64-bit immediate is missing");
  const Insn& high = program[at + 1];
  if (high.code != 0 || high.dst != 0 || high.src != 0 || high.offset != 0)
    return fail(Code::invalid,
                "the second slot of the 64-bit immediate must be zero but for its immediate");
  if (!has_high_half(row.action) && high.imm != 0)
    return fail(Code::invalid, "{} does not use the immediate of its second slot, which is {:#x}",
                row.name, high.imm);
  return {};
}

Status check_target(std::span<const Insn> program, std::int64_t target) {
  if (target < 0 || target >= static_cast<std::int64_t>(program.size()))
    return fail(Code::invalid, "target {} lies outside the program of {} instructions", target,
                program.size());
  if (!starts_insn(program, target))
    return fail(Code::invalid, "target {} is the second slot of a 64-bit immediate", target);
  return {};
}

Result<const Op*> check_insn_and_target(std::span<const Insn> program, std::size_t at) {
  const Op* row = SKEP_TRY(check_insn(program, at));
  if (const auto target = target_of(*row, program[at], at))
    SKEP_TRY(check_target(program, *target));
  return row;
}

Status check_end(const Op& last) {
  if (last.shape == Shape::exit || last.shape == Shape::jump || last.shape == Shape::jump_long)
    return {};
  return fail(Code::invalid, "the program ends with {}, so it can run past its end; end with exit",
              last.name);
}

}  // namespace

Result<const Op*> check_insn(std::span<const Insn> program, std::size_t at) {
  const Insn& insn = program[at];
  const Op* row = find_op(insn);
  if (row == nullptr) return unknown(insn);
  SKEP_TRY(check_registers(insn));
  SKEP_TRY(check_reserved(*row, insn));
  if (row->shape == Shape::imm64) SKEP_TRY(check_second_slot(*row, program, at));
  if (row->shape == Shape::space_cast && insn.imm != kCastToKernel && insn.imm != kCastToUser)
    return fail(Code::invalid,
                "addr_space_cast from {} to {} is unknown; it goes from 1 to 0 or from 0 to 1",
                insn.imm & 0xffff, static_cast<std::uint32_t>(insn.imm) >> 16);
  return row;
}

bool starts_insn(std::span<const Insn> program, std::int64_t index) {
  if (index < 0 || index >= static_cast<std::int64_t>(program.size())) return false;
  const auto at = static_cast<std::size_t>(index);
  // A second slot has opcode 0, which is no instruction of its own.
  return at == 0 || program[at].code != 0 || !is_imm64(program[at - 1]);
}

std::optional<std::int64_t> target_of(const Op& row, const Insn& insn, std::size_t at) {
  const auto next = static_cast<std::int64_t>(at) + 1;
  switch (row.shape) {
    case Shape::jump:
    case Shape::may_jump:
    case Shape::jump_imm:
    case Shape::jump_reg:
      return next + insn.offset;
    case Shape::jump_long:
    case Shape::call_local:
      return next + insn.imm;
    case Shape::imm64:
      if (row.action == Action::code_address) return next + insn.imm;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

Status check_program(std::span<const Insn> program) {
  if (program.empty()) return fail(Code::invalid, "the program is empty");
  if (program.size() > kMaxInsns)
    return fail(Code::limit, "the program has {} instructions; at most {} are allowed",
                program.size(), kMaxInsns);
  const Op* row = nullptr;
  for (std::size_t at = 0; at < program.size(); ++at) {
    Result<const Op*> checked = check_insn_and_target(program, at);
    if (!checked) return std::unexpected(in(text("insn {}", at), std::move(checked)).error());
    row = *checked;
    if (row->shape == Shape::imm64) ++at;
  }
  return in(text("insn {}", program.size() - 1), check_end(*row));
}

}  // namespace skep::isa
