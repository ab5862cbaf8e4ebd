// SPDX-License-Identifier: Apache-2.0
#include "isa/classic_print.h"

namespace skep::isa {

namespace {

std::string operand_text(const ClassicOp& op, const ClassicInsn& insn, std::size_t at) {
  const auto k = static_cast<std::int32_t>(insn.k);
  switch (op.operand) {
    case ClassicOperand::none:
      return "";
    case ClassicOperand::constant:
      return op.hex ? text("#{:#x}", insn.k) : text("#{}", k);
    case ClassicOperand::a:
      return "a";
    case ClassicOperand::x:
      return "x";
    case ClassicOperand::packet:
      if (const Ancillary* ancillary = find_ancillary(insn)) return std::string(ancillary->name);
      return text("[{}]", k);
    case ClassicOperand::packet_x:
      return text("[x + {}]", k);
    case ClassicOperand::memory:
      return text("M[{}]", k);
    case ClassicOperand::length:
      return "#pktlen";
    case ClassicOperand::header:
      return text("4*([{}]&0xf)", k);
    case ClassicOperand::target:
      return text("{}", static_cast<std::int32_t>(static_cast<std::uint32_t>(at) + 1 + insn.k));
  }
  return "";
}

bool uses_all_it_has(const ClassicOp& op, const ClassicInsn& insn) {
  const bool jumps = op.verb == ClassicVerb::jump_if;
  return (jumps || (insn.jt == 0 && insn.jf == 0)) && (uses_k(op) || insn.k == 0);
}

}  // namespace

std::string print_classic_insn(const ClassicInsn& insn, std::size_t at, ClassicStyle style) {
  const ClassicOp* op = find_classic_op(insn.code);
  if (op == nullptr || (style == ClassicStyle::exact && !uses_all_it_has(*op, insn)))
    return text("{{ {:#x}, {}, {}, {:#010x} }},", insn.code, insn.jt, insn.jf, insn.k);
  const std::string operand = operand_text(*op, insn, at);
  if (op->verb != ClassicVerb::jump_if) return text("{:<8} {}", op->name, operand);
  return text("{:<8} {:<16} jt {}\tjf {}", op->name, operand, at + 1 + insn.jt, at + 1 + insn.jf);
}

std::string print_classic(std::span<const ClassicInsn> program, ClassicStyle style) {
  std::string out;
  for (std::size_t at = 0; at < program.size(); ++at)
    append_text(out, "({:03}) {}\n", at, print_classic_insn(program[at], at, style));
  return out;
}

}  // namespace skep::isa
