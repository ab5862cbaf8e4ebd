// SPDX-License-Identifier: Apache-2.0
#include "isa/print.h"

#include <algorithm>

#include "isa/check.h"
#include "isa/words.h"

namespace skep::isa {

namespace {

// -0x5, or +0x5 when a sign is always wanted.
std::string signed_hex(std::int64_t value, const char* plus = "") {
  const auto bits = static_cast<std::uint64_t>(value);
  return value < 0 ? text("-{:#x}", 0 - bits) : text("{}{:#x}", plus, bits);
}

class InsnPrinter {
 public:
  InsnPrinter(std::span<const Insn> program, std::size_t at, const Op& row, const PrintStyle& style)
      : program_(program), at_(at), insn_(program[at]), row_(row), style_(style) {}

  std::string print() const;

 private:
  bool llvm() const { return style_.dialect == Dialect::llvm; }
  std::string target() const;
  std::string constant(std::int64_t value) const {
    return llvm() ? signed_hex(value) : text("{}", value);
  }
  std::string compared() const;
  std::string place(unsigned reg) const;
  std::string typed_place(unsigned reg) const;
  // The register as the dialect names it for memory of this width.
  std::string data(unsigned reg) const {
    return text("{}{}", llvm() && row_.bits <= 32 ? 'w' : 'r', reg);
  }
  std::string wide(unsigned reg) const { return text("{}{}", row_.bits == 32 ? 'w' : 'r', reg); }
  std::string alu() const;
  std::string jump_if() const;
  std::string call() const;
  std::string memory() const;
  std::string atomic() const;
  std::string exchange() const;
  std::string immediate64() const;
  std::string packet() const;

  std::span<const Insn> program_;
  std::size_t at_;
  const Insn& insn_;
  const Op& row_;
  const PrintStyle& style_;
};

std::string InsnPrinter::target() const {
  const std::int64_t goal = target_of(row_, insn_, at_).value_or(0);
  const std::int64_t distance = goal - static_cast<std::int64_t>(at_) - 1;
  if (style_.labels && starts_insn(program_, goal)) return text("L{}", goal);
  const bool call = row_.shape == Shape::call_local;
  return llvm() ? text("{}{}", call ? "pc" : "", signed_hex(distance, "+"))
                : text("pc{:+}", distance);
}

// The kernel shows what is compared with as 32 raw bits.
std::string InsnPrinter::compared() const {
  return llvm() ? signed_hex(insn_.imm) : text("{:#x}", static_cast<std::uint32_t>(insn_.imm));
}

std::string InsnPrinter::place(unsigned reg) const {
  if (!llvm()) return text("r{} {:+}", reg, insn_.offset);
  return text("r{} {} {:#x}", reg, insn_.offset < 0 ? '-' : '+', std::abs(int{insn_.offset}));
}

std::string InsnPrinter::typed_place(unsigned reg) const {
  const char sign = row_.shape == Shape::load_sx ? 's' : 'u';
  return text("({}{} *)({})", sign, row_.bits, place(reg));
}

std::string InsnPrinter::alu() const {
  const std::string left = wide(insn_.dst);
  if (row_.shape == Shape::negate) return text("{} = -{}", left, left);
  if (row_.shape == Shape::alu_imm)
    return text("{} {} {}", left, word_of(kAluSigns, row_.action), constant(insn_.imm));
  if (const std::string_view type = word_of(kExtensions, row_.action); !type.empty())
    return text("{} = ({}){}", left, type, wide(insn_.src));
  return text("{} {} {}", left, word_of(kAluSigns, row_.action), wide(insn_.src));
}

std::string InsnPrinter::jump_if() const {
  return text("if {} {} {} goto {}", wide(insn_.dst), word_of(kJumpSigns, row_.action),
              row_.shape == Shape::jump_imm ? compared() : wide(insn_.src), target());
}

std::string InsnPrinter::call() const {
  switch (row_.shape) {
    case Shape::call_local:
      return "call " + target();
    case Shape::call_reg:
      return text("callx r{}", insn_.dst);
    case Shape::call_kfunc:
      return insn_.offset == 0 ? text("call kfunc#{}", insn_.imm)
                               : text("call kfunc[{}]#{}", insn_.offset, insn_.imm);
    default:
      break;
  }
  if (llvm()) return "call " + signed_hex(insn_.imm);
  const auto number = static_cast<std::uint32_t>(insn_.imm);
  const std::string_view name = style_.names.name_of ? style_.names.name_of(number) : "";
  return text("call {}#{}", name.empty() ? "unknown" : name, insn_.imm);
}

std::string InsnPrinter::memory() const {
  switch (row_.shape) {
    case Shape::load:
      return text("{} = *{}", data(insn_.dst), typed_place(insn_.src));
    case Shape::load_sx:
      return text("r{} = *{}", insn_.dst, typed_place(insn_.src));
    case Shape::store_imm:
      return text("*{} = {}", typed_place(insn_.dst), constant(insn_.imm));
    case Shape::store_reg:
      return text("*{} = {}", typed_place(insn_.dst), data(insn_.src));
    case Shape::load_acquire:
      return text("{} = load_acquire({})", data(insn_.dst), typed_place(insn_.src));
    default:
      return text("store_release({}, {})", typed_place(insn_.dst), data(insn_.src));
  }
}

std::string InsnPrinter::atomic() const {
  if (row_.shape == Shape::atomic)
    return text("lock *{} {} {}", typed_place(insn_.dst), word_of(kAluSigns, row_.action),
                data(insn_.src));
  const char* width = !llvm() && row_.bits == 64 ? "64" : "";
  return text("{} = atomic{}_fetch_{}({}, {})", data(insn_.src), width,
              word_of(kFetchWords, row_.action), typed_place(insn_.dst), data(insn_.src));
}

std::string InsnPrinter::exchange() const {
  const bool compare = row_.shape == Shape::compare_exchange;
  const std::string result = data(compare ? 0 : insn_.src);
  const std::string arguments = text("{}{}", compare ? result + ", " : "", data(insn_.src));
  const char* word = compare ? "cmpxchg" : "xchg";
  if (llvm())
    return text("{} = {}{}({}, {})", result, word, row_.bits == 64 ? "_64" : "32_32",
                place(insn_.dst), arguments);
  return text("{} = atomic{}_{}({}, {})", result, row_.bits == 64 ? "64" : "", word,
              typed_place(insn_.dst), arguments);
}

std::string InsnPrinter::immediate64() const {
  const std::int32_t high = at_ + 1 < program_.size() ? program_[at_ + 1].imm : 0;
  switch (row_.action) {
    case Action::map_fd:
      return text("r{} = map[fd:{}]", insn_.dst, insn_.imm);
    case Action::map_value:
      return text("r{} = map[fd:{}][0]+{}", insn_.dst, insn_.imm, static_cast<std::uint32_t>(high));
    case Action::map_index:
      return text("r{} = map[idx:{}]", insn_.dst, insn_.imm);
    case Action::map_index_value:
      return text("r{} = map[idx:{}][0]+{}", insn_.dst, insn_.imm,
                  static_cast<std::uint32_t>(high));
    case Action::variable:
      return high == 0 ? text("r{} = var[id:{}]", insn_.dst, insn_.imm)
                       : text("r{} = var[id:{},fd:{}]", insn_.dst, insn_.imm, high);
    case Action::code_address: {
      const std::string goal = target();
      return text("r{} = subprog[{}]", insn_.dst, goal.starts_with("pc") ? goal.substr(2) : goal);
    }
    default:
      break;
  }
  const std::uint64_t value = imm64(insn_, Insn{.imm = high});
  // With the opcode in front, the kernel's form is not mistaken for a 32-bit immediate.
  const char* suffix = style_.opcodes && !llvm() ? "" : " ll";
  return llvm()
             ? text("r{} = {}{}", insn_.dst, signed_hex(static_cast<std::int64_t>(value)), suffix)
             : text("r{} = {:#x}{}", insn_.dst, value, suffix);
}

std::string InsnPrinter::packet() const {
  if (row_.shape == Shape::packet_abs)
    return text("r0 = *(u{} *)skb[{}]", row_.bits, constant(insn_.imm));
  if (llvm() && insn_.imm == 0) return text("r0 = *(u{} *)skb[r{}]", row_.bits, insn_.src);
  return text("r0 = *(u{} *)skb[r{} + {}]", row_.bits, insn_.src, constant(insn_.imm));
}

std::string InsnPrinter::print() const {
  switch (row_.shape) {
    case Shape::alu_imm:
    case Shape::alu_reg:
    case Shape::negate:
      return alu();
    case Shape::space_cast:
      return text("r{} = addr_space_cast(r{}, {}, {})", insn_.dst, insn_.src,
                  constant(static_cast<std::uint32_t>(insn_.imm) >> 16),
                  constant(insn_.imm & 0xffff));
    case Shape::endian:
      return text("r{} = {}{} r{}", insn_.dst, word_of(kEndianWords, row_.action), row_.bits,
                  insn_.dst);
    case Shape::jump:
      return "goto " + target();
    case Shape::jump_long:
      return "gotol " + target();
    case Shape::may_jump:
      return "may_goto " + target();
    case Shape::jump_imm:
    case Shape::jump_reg:
      return jump_if();
    case Shape::call_helper:
    case Shape::call_local:
    case Shape::call_kfunc:
    case Shape::call_reg:
      return call();
    case Shape::exit:
      return "exit";
    case Shape::load:
    case Shape::load_sx:
    case Shape::store_imm:
    case Shape::store_reg:
    case Shape::load_acquire:
    case Shape::store_release:
      return memory();
    case Shape::atomic:
    case Shape::atomic_fetch:
      return atomic();
    case Shape::exchange:
    case Shape::compare_exchange:
      return exchange();
    case Shape::imm64:
      return immediate64();
    case Shape::packet_abs:
    case Shape::packet_ind:
      return packet();
  }
  return "?";
}

std::string prefix(std::span<const Insn> program, std::size_t at, std::size_t slots,
                   const PrintStyle& style) {
  std::string out;
  if (style.index) append_text(out, "{:>4}: ", at);
  if (style.bytes) append_text(out, "{:<47} ", print_hex(encode(program.subspan(at, slots))));
  if (style.opcodes) append_text(out, "({:02x}) ", program[at].code);
  return out;
}

struct Line {
  std::size_t at;
  const Op* row;
};

}  // namespace

std::string print_insn(std::span<const Insn> program, std::size_t at, const Op& row,
                       const PrintStyle& style) {
  return InsnPrinter(program, at, row, style).print();
}

Result<std::string> print_program(std::span<const Insn> program, const PrintStyle& style) {
  std::vector<Line> lines;
  std::vector<bool> labelled(program.size());
  for (std::size_t at = 0; at < program.size(); ++at) {
    const Op* row = SKEP_TRY(in(text("insn {}", at), check_insn(program, at)));
    lines.push_back({at, row});
    const std::int64_t target = target_of(*row, program[at], at).value_or(-1);
    if (style.labels && starts_insn(program, target))
      labelled[static_cast<std::size_t>(target)] = true;
    if (row->shape == Shape::imm64) ++at;
  }
  std::string out;
  for (const auto& [at, row] : lines) {
    if (labelled[at]) append_text(out, "L{}:\n", at);
    out += prefix(program, at, row->shape == Shape::imm64 ? 2 : 1, style);
    out += print_insn(program, at, *row, style);
    out += '\n';
  }
  return out;
}

}  // namespace skep::isa
