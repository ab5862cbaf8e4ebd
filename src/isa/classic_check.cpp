// SPDX-License-Identifier: Apache-2.0
#include "isa/classic_check.h"

#include <algorithm>

namespace skep::isa {

namespace {

Result<const ClassicOp*> known_op(const ClassicInsn& insn, ClassicKind kind) {
  const ClassicOp* op = find_classic_op(insn.code);
  if (op == nullptr) return fail(Code::invalid, "opcode {:#x} is unknown to Linux", insn.code);
  if (kind == ClassicKind::seccomp && !op->seccomp)
    return fail(Code::invalid, "seccomp does not take {} (opcode {:#x})", op->name, insn.code);
  return op;
}

Status check_constant(const ClassicOp& op, const ClassicInsn& insn) {
  if (op.verb != ClassicVerb::alu) return {};
  if ((op.action == Action::div || op.action == Action::mod) && insn.k == 0)
    return fail(Code::invalid, "{} by the constant 0", op.name);
  if ((op.action == Action::lsh || op.action == Action::rsh) && insn.k >= 32)
    return fail(Code::invalid, "{} by {}; A has 32 bits, so the constant is at most 31", op.name,
                insn.k);
  return {};
}

Status check_packet(const ClassicInsn& insn, ClassicKind kind) {
  if (kind == ClassicKind::seccomp) {
    if (insn.k % 4 == 0 && insn.k < kSeccompBytes) return {};
    return fail(Code::invalid,
                "load of 4 bytes at {}; seccomp_data has {} bytes and is read in multiples of 4",
                insn.k, kSeccompBytes);
  }
  if (insn.k < kAncillaryBase || find_ancillary(insn) != nullptr) return {};
  return fail(Code::invalid, "[{}] is no packet byte and no known ancillary load",
              static_cast<std::int32_t>(insn.k));
}

// `left`: how many instructions follow.
Status check_jump(const ClassicOp& op, const ClassicInsn& insn, std::size_t left) {
  const std::uint32_t farthest =
      op.verb == ClassicVerb::jump ? insn.k : std::uint32_t{std::max(insn.jt, insn.jf)};
  if (farthest < left) return {};
  return fail(Code::invalid, "{} skips {} instructions, but only {} follow", op.name, farthest,
              left);
}

Status check_insn(std::span<const ClassicInsn> program, std::size_t at, ClassicKind kind) {
  const ClassicInsn& insn = program[at];
  const ClassicOp& op = *SKEP_TRY(known_op(insn, kind));
  if (op.verb == ClassicVerb::jump || op.verb == ClassicVerb::jump_if)
    return check_jump(op, insn, program.size() - at - 1);
  if (op.operand == ClassicOperand::constant) return check_constant(op, insn);
  if (op.operand == ClassicOperand::packet) return check_packet(insn, kind);
  if (op.operand == ClassicOperand::memory && insn.k >= kClassicWords)
    return fail(Code::invalid, "M[{}] does not exist; the words are M[0] to M[{}]", insn.k,
                kClassicWords - 1);
  return {};
}

// Which words of M are set on every way to an instruction. As in Linux, code behind `ret` is taken
// to be reached from there, which refuses a few programs that are safe.
class StoredWords {
 public:
  explicit StoredWords(std::size_t insns) : at_targets_(insns, kAll) {}

  Status check(const ClassicInsn& insn, std::size_t at) {
    const ClassicOp& op = *find_classic_op(insn.code);
    words_ &= at_targets_[at];
    if (op.operand == ClassicOperand::memory) return check_memory(insn, op);
    if (op.verb == ClassicVerb::jump) {
      leave_for(at + 1 + insn.k);
      words_ = kAll;
    } else if (op.verb == ClassicVerb::jump_if) {
      leave_for(at + 1 + insn.jt);
      leave_for(at + 1 + insn.jf);
      words_ = kAll;
    }
    return {};
  }

 private:
  static constexpr std::uint16_t kAll = 0xffff;

  void leave_for(std::size_t target) { at_targets_[target] &= words_; }

  Status check_memory(const ClassicInsn& insn, const ClassicOp& op) {
    const auto word = static_cast<std::uint16_t>(1U << insn.k);
    const bool reads = op.verb == ClassicVerb::load || op.verb == ClassicVerb::load_x;
    if (reads && (words_ & word) == 0)
      return fail(Code::invalid, "M[{}] is read, but not stored on every way to here; st it first",
                  insn.k);
    if (!reads) words_ |= word;
    return {};
  }

  std::uint16_t words_ = 0;
  std::vector<std::uint16_t> at_targets_;
};

Status check_size(std::size_t insns) {
  if (insns == 0) return fail(Code::invalid, "the program is empty");
  if (insns > kMaxClassicInsns)
    return fail(Code::limit, "the program has {} instructions; at most {} are allowed", insns,
                kMaxClassicInsns);
  return {};
}

}  // namespace

Status check_classic(std::span<const ClassicInsn> program, ClassicKind kind) {
  SKEP_TRY(check_size(program.size()));
  for (std::size_t at = 0; at < program.size(); ++at)
    if (Status status = check_insn(program, at, kind); !status)
      return in(text("insn {}", at), std::move(status));
  const ClassicOp& last = *find_classic_op(program.back().code);
  if (last.verb != ClassicVerb::finish)
    return fail(Code::invalid, "insn {}: the program ends with {}; it must end with ret",
                program.size() - 1, last.name);
  StoredWords words(program.size());
  for (std::size_t at = 0; at < program.size(); ++at)
    if (Status status = words.check(program[at], at); !status)
      return in(text("insn {}", at), std::move(status));
  return {};
}

Result<ClassicFilter> ClassicFilter::make(ClassicProgram program, ClassicKind kind) {
  SKEP_TRY(check_classic(program, kind));
  for (std::size_t at = 0; at < program.size(); ++at) {
    const Ancillary* ancillary = find_ancillary(program[at]);
    if (ancillary != nullptr && ancillary->source == AncillarySource::not_a_packet)
      return fail(Code::unsupported, "insn {}: {} is for the kernel alone: {}", at, ancillary->name,
                  ancillary->why_not);
  }
  return ClassicFilter(std::move(program), kind);
}

}  // namespace skep::isa
