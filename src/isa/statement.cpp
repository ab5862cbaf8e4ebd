// SPDX-License-Identifier: Apache-2.0
#include "isa/statement.h"

#include "base/position.h"

#include "isa/operand.h"

namespace skep::isa {

namespace {

class StatementParser {
 public:
  StatementParser(Lexer& lexer, const HelperNames& names)
      : lexer_(lexer), read_(lexer), names_(names) {}

  Result<Statement> parse();

 private:
  Status target(Statement& statement);

  Result<Statement> assignment();
  Result<Statement> alu(const Register& dst, Action action);
  Result<Statement> value(const Register& dst);
  Result<Statement> constant(const Register& dst);
  Result<Statement> negation(const Register& dst);
  Result<Statement> sign_extension(const Register& dst);
  Result<Statement> load(const Register& dst);
  Result<Statement> packet(unsigned bits);
  Result<Statement> endian(const Register& dst, Action action, unsigned bits);
  Result<Statement> function(const Register& dst);
  Result<Statement> fetch(const Register& dst, Action action);
  Result<Statement> exchange(const Register& dst, bool compare, unsigned bits);
  Result<Statement> load_acquire(const Register& dst);
  Result<Statement> store_release();
  Result<Statement> space_cast(const Register& dst);
  Result<Statement> map(const Register& dst);
  Result<Statement> variable(const Register& dst);
  Result<Statement> code_address(const Register& dst);
  Result<Statement> store();
  Result<Statement> lock();
  Result<Statement> branch();
  Result<Statement> jump(Shape shape);
  Result<Statement> call();
  Result<Statement> call_kfunc();
  Result<Statement> call_helper();

  Statement make(Shape shape, Action action, unsigned bits) const {
    const Op* row = find_op(shape, action, bits);
    SKEP_ASSERT(row != nullptr);
    return {.row = row, .insn = blank(*row)};
  }

  Lexer& lexer_;
  OperandReader read_;
  const HelperNames& names_;
};

// "+3", "pc+3" or a label.
Status StatementParser::target(Statement& statement) {
  const bool relative = SKEP_TRY(lexer_.accept("pc"));
  if (!relative && lexer_.peek().kind == Token::Kind::word) {
    statement.label = lexer_.peek().text;
    statement.label_at = lexer_.peek().at;
    return lexer_.advance();
  }
  if (!lexer_.at("+") && !lexer_.at("-")) return lexer_.expected("a label, +N or -N");
  if (fields_of(statement.row->shape).offset)
    statement.insn.offset = SKEP_TRY(read_.offset16("this distance"));
  else
    statement.insn.imm = SKEP_TRY(read_.imm32(false));
  return {};
}

Result<Statement> StatementParser::parse() {
  if (as_register(lexer_.peek())) return assignment();
  if (lexer_.at("*")) return store();
  if (SKEP_TRY(lexer_.accept("if"))) return branch();
  if (SKEP_TRY(lexer_.accept("goto"))) return jump(Shape::jump);
  if (SKEP_TRY(lexer_.accept("gotol"))) return jump(Shape::jump_long);
  if (SKEP_TRY(lexer_.accept("may_goto"))) return jump(Shape::may_jump);
  if (SKEP_TRY(lexer_.accept("call"))) return call();
  if (SKEP_TRY(lexer_.accept("callx"))) {
    Statement found = make(Shape::call_reg, Action::call, 64);
    found.insn.dst = SKEP_TRY(read_.reg_of(64, "to call")).number;
    return found;
  }
  if (SKEP_TRY(lexer_.accept("exit"))) return make(Shape::exit, Action::leave, 64);
  if (SKEP_TRY(lexer_.accept("lock"))) return lock();
  if (SKEP_TRY(lexer_.accept("store_release"))) return store_release();
  return lexer_.expected("an instruction");
}

Result<Statement> StatementParser::assignment() {
  const Register dst = SKEP_TRY(read_.reg());
  const Action action = SKEP_TRY(read_.alu_sign());
  return action == Action::mov ? value(dst) : alu(dst, action);
}

Result<Statement> StatementParser::alu(const Register& dst, Action action) {
  const bool constant = read_.at_number();
  Statement found = make(constant ? Shape::alu_imm : Shape::alu_reg, action, dst.bits);
  found.insn.dst = dst.number;
  if (constant)
    found.insn.imm = SKEP_TRY(read_.imm32(dst.bits == 32));
  else if (as_register(lexer_.peek()))
    found.insn.src = SKEP_TRY(read_.reg_of(dst.bits, "as wide as the destination")).number;
  else
    return lexer_.expected("a register or a number");
  return found;
}

Result<Statement> StatementParser::value(const Register& dst) {
  if (lexer_.at("-")) {
    const Token second = SKEP_TRY(lexer_.peek_second());
    if (as_register(second)) return negation(dst);
  }
  if (read_.at_number()) return constant(dst);
  if (as_register(lexer_.peek())) return alu(dst, Action::mov);
  if (lexer_.at("(")) return sign_extension(dst);
  if (lexer_.at("*")) return load(dst);
  if (lexer_.peek().kind == Token::Kind::word) return function(dst);
  return lexer_.expected("a value");
}

Result<Statement> StatementParser::constant(const Register& dst) {
  Lexer ahead = lexer_;
  const Number read = SKEP_TRY(OperandReader(ahead).number());
  const bool wide = lexer_.said_imm64() || ahead.at("ll");
  if (!wide) {
    if (dst.bits == 64 && !read.fits_32_bits())
      return lexer_.error_at(read.at, "a number of more than 32 bits needs \"ll\" behind it");
    return alu(dst, Action::mov);
  }
  if (dst.bits != 64)
    return lexer_.error_at(dst.at,
                           text("a 64-bit immediate needs r{}, found w{}", dst.number, dst.number));
  lexer_ = ahead;
  (void)SKEP_TRY(lexer_.accept("ll"));
  Statement found = make(Shape::imm64, Action::value, 64);
  found.insn.dst = dst.number;
  found.insn.imm = static_cast<std::int32_t>(read.bits());
  found.high = static_cast<std::int32_t>(read.bits() >> 32);
  return found;
}

Result<Statement> StatementParser::negation(const Register& dst) {
  SKEP_TRY(lexer_.expect("-"));
  const Register source = SKEP_TRY(read_.reg());
  if (source.number != dst.number || source.bits != dst.bits)
    return lexer_.error_at(source.at, "negation works in place: expected the register on the left");
  Statement found = make(Shape::negate, Action::neg, dst.bits);
  found.insn.dst = dst.number;
  return found;
}

// (s8)r1
Result<Statement> StatementParser::sign_extension(const Register& dst) {
  SKEP_TRY(lexer_.expect("("));
  const Token type = lexer_.peek();
  const auto action = action_of(kExtensions, type.text);
  if (!action || find_op(Shape::alu_reg, *action, dst.bits) == nullptr)
    return lexer_.expected(dst.bits == 64 ? "s8, s16 or s32" : "s8 or s16");
  SKEP_TRY(lexer_.advance());
  SKEP_TRY(lexer_.expect(")"));
  Statement found = make(Shape::alu_reg, *action, dst.bits);
  found.insn.dst = dst.number;
  found.insn.src = SKEP_TRY(read_.reg_of(dst.bits, "as wide as the destination")).number;
  return found;
}

Result<Statement> StatementParser::load(const Register& dst) {
  SKEP_TRY(lexer_.expect("*"));
  Place from{};
  SKEP_TRY(read_.type(from));
  if (lexer_.at("skb")) {
    if (dst.number != 0 || from.is_signed || from.bits == 64)
      return lexer_.error_at(dst.at, "packet access loads u8, u16 or u32 into r0");
    return packet(from.bits);
  }
  SKEP_TRY(lexer_.expect("("));
  SKEP_TRY(read_.base_and_offset(from));
  SKEP_TRY(lexer_.expect(")"));
  if (dst.bits == 32 && (from.is_signed || from.bits == 64))
    return lexer_.error_at(
        dst.at, text("this load fills 64 bits: expected r{}, found w{}", dst.number, dst.number));
  Statement found = make(from.is_signed ? Shape::load_sx : Shape::load, Action::move, from.bits);
  found.insn.dst = dst.number;
  found.insn.src = from.base.number;
  found.insn.offset = from.offset;
  return found;
}

// skb[14], skb[r1], skb[r1 + 14]
Result<Statement> StatementParser::packet(unsigned bits) {
  SKEP_TRY(lexer_.expect("skb"));
  SKEP_TRY(lexer_.expect("["));
  const bool indirect = as_register(lexer_.peek()).has_value();
  Statement found = make(indirect ? Shape::packet_ind : Shape::packet_abs, Action::move, bits);
  if (indirect) found.insn.src = SKEP_TRY(read_.reg_of(64, "as offset")).number;
  // Behind a register, the kernel writes "+ -5".
  if (indirect && lexer_.at("+")) SKEP_TRY(lexer_.advance());
  if (!indirect || !lexer_.at("]")) found.insn.imm = SKEP_TRY(read_.imm32(true));
  SKEP_TRY(lexer_.expect("]"));
  return found;
}

Result<Statement> StatementParser::endian(const Register& dst, Action action, unsigned bits) {
  const Register source = SKEP_TRY(read_.reg());
  if (source.number != dst.number || source.bits != dst.bits)
    return lexer_.error_at(source.at,
                           "byte order changes in place: expected the register on the left");
  Statement found = make(Shape::endian, action, bits);
  found.insn.dst = dst.number;
  return found;
}

// be16 r1, atomic_fetch_add(...), map[fd:3] and so on: whatever begins with a word.
Result<Statement> StatementParser::function(const Register& dst) {
  for (const Word& word : kEndianWords)
    for (const unsigned bits : {16U, 32U, 64U})
      if (SKEP_TRY(lexer_.accept(text("{}{}", word.text, bits))))
        return endian(dst, word.action, bits);
  for (const Word& word : kFetchWords)
    for (const std::string_view width : {"", "64"})
      if (SKEP_TRY(lexer_.accept(text("atomic{}_fetch_{}", width, word.text))))
        return fetch(dst, word.action);
  for (const std::string_view width : {"", "64"})
    for (const bool compare : {false, true})
      if (SKEP_TRY(lexer_.accept(text("atomic{}_{}", width, compare ? "cmpxchg" : "xchg"))))
        return exchange(dst, compare, 0);
  for (const bool compare : {false, true}) {
    if (SKEP_TRY(lexer_.accept(compare ? "cmpxchg_64" : "xchg_64")))
      return exchange(dst, compare, 64);
    if (SKEP_TRY(lexer_.accept(compare ? "cmpxchg32_32" : "xchg32_32")))
      return exchange(dst, compare, 32);
  }
  if (SKEP_TRY(lexer_.accept("load_acquire"))) return load_acquire(dst);
  if (dst.bits != 64) return lexer_.expected("a value of 32 bits");
  if (SKEP_TRY(lexer_.accept("addr_space_cast"))) return space_cast(dst);
  if (SKEP_TRY(lexer_.accept("map"))) return map(dst);
  if (SKEP_TRY(lexer_.accept("var"))) return variable(dst);
  if (SKEP_TRY(lexer_.accept("subprog"))) return code_address(dst);
  return lexer_.expected("a value");
}

// ((u64 *)(r1 + 0), r2); the result lands in the register that was added.
Result<Statement> StatementParser::fetch(const Register& dst, Action action) {
  SKEP_TRY(lexer_.expect("("));
  const Place at = SKEP_TRY(read_.place());
  if (at.is_signed || at.bits < 32)
    return lexer_.error_at(at.base.at, "atomics work on u32 or u64");
  SKEP_TRY(lexer_.expect(","));
  const Register operand = SKEP_TRY(read_.reg());
  SKEP_TRY(lexer_.expect(")"));
  if (operand.number != dst.number)
    return lexer_.error_at(operand.at,
                           text("the old value replaces the operand: expected r{}", dst.number));
  Statement found = make(Shape::atomic_fetch, action, at.bits);
  found.insn.dst = at.base.number;
  found.insn.src = operand.number;
  found.insn.offset = at.offset;
  return found;
}

// atomic_xchg((u32 *)(r1 + 0), r2), xchg_64(r1 + 0, r2), cmpxchg_64(r1 + 0, r0, r2). With
// `bits` the place has no type of its own.
Result<Statement> StatementParser::exchange(const Register& dst, bool compare, unsigned bits) {
  SKEP_TRY(lexer_.expect("("));
  Place at{};
  if (bits == 0) {
    at = SKEP_TRY(read_.place());
  } else {
    SKEP_TRY(read_.base_and_offset(at));
    at.bits = bits;
  }
  if (at.is_signed || at.bits < 32)
    return lexer_.error_at(at.base.at, "atomics work on u32 or u64");
  SKEP_TRY(lexer_.expect(","));
  if (compare) {
    const Register old = SKEP_TRY(read_.reg());
    if (old.number != 0 || dst.number != 0)
      return lexer_.error_at(
          old.at, "compare and exchange compares with r0 and leaves the old value there");
    SKEP_TRY(lexer_.expect(","));
  }
  const Register operand = SKEP_TRY(read_.reg());
  SKEP_TRY(lexer_.expect(")"));
  if (!compare && operand.number != dst.number)
    return lexer_.error_at(operand.at,
                           text("the old value replaces the operand: expected r{}", dst.number));
  Statement found = make(compare ? Shape::compare_exchange : Shape::exchange,
                         compare ? Action::cmpxchg : Action::xchg, at.bits);
  found.insn.dst = at.base.number;
  found.insn.src = operand.number;
  found.insn.offset = at.offset;
  return found;
}

Result<Statement> StatementParser::load_acquire(const Register& dst) {
  SKEP_TRY(lexer_.expect("("));
  const Place from = SKEP_TRY(read_.place());
  SKEP_TRY(lexer_.expect(")"));
  if (from.is_signed) return lexer_.error_at(from.base.at, "load_acquire works on u8 to u64");
  Statement found = make(Shape::load_acquire, Action::move, from.bits);
  found.insn.dst = dst.number;
  found.insn.src = from.base.number;
  found.insn.offset = from.offset;
  return found;
}

Result<Statement> StatementParser::store_release() {
  SKEP_TRY(lexer_.expect("("));
  const Place to = SKEP_TRY(read_.place());
  SKEP_TRY(lexer_.expect(","));
  const Register source = SKEP_TRY(read_.reg());
  SKEP_TRY(lexer_.expect(")"));
  if (to.is_signed) return lexer_.error_at(to.base.at, "store_release works on u8 to u64");
  Statement found = make(Shape::store_release, Action::move, to.bits);
  found.insn.dst = to.base.number;
  found.insn.src = source.number;
  found.insn.offset = to.offset;
  return found;
}

// (r1, 0, 1): to space 0 from space 1.
Result<Statement> StatementParser::space_cast(const Register& dst) {
  Statement found = make(Shape::space_cast, Action::cast, 64);
  found.insn.dst = dst.number;
  SKEP_TRY(lexer_.expect("("));
  found.insn.src = SKEP_TRY(read_.reg_of(64, "to cast")).number;
  SKEP_TRY(lexer_.expect(","));
  const Number to = SKEP_TRY(read_.number());
  SKEP_TRY(lexer_.expect(","));
  const Number from = SKEP_TRY(read_.number());
  SKEP_TRY(lexer_.expect(")"));
  if (to.bits() > 1 || from.bits() > 1 || to.bits() == from.bits())
    return lexer_.error_at(to.at, "a cast goes to space 0 from 1, or to space 1 from 0");
  found.insn.imm = static_cast<std::int32_t>(to.bits() << 16 | from.bits());
  return found;
}

// map[fd:3], map[idx:3], with [0]+16 behind it for the address inside the first value.
Result<Statement> StatementParser::map(const Register& dst) {
  SKEP_TRY(lexer_.expect("["));
  const unsigned kind = SKEP_TRY(read_.one_of({"fd", "id", "idx"}, "fd, id or idx"));
  SKEP_TRY(lexer_.expect(":"));
  const std::int32_t which = SKEP_TRY(read_.imm32(false));
  SKEP_TRY(lexer_.expect("]"));
  const bool in_value = SKEP_TRY(lexer_.accept("["));
  const bool by_index = kind == 2;
  Statement found =
      in_value ? make(Shape::imm64, by_index ? Action::map_index_value : Action::map_value, 64)
               : make(Shape::imm64, by_index ? Action::map_index : Action::map_fd, 64);
  if (in_value) {
    const Number element = SKEP_TRY(read_.number());
    if (element.bits() != 0)
      return lexer_.error_at(element.at, "only [0], the first value, has an address");
    SKEP_TRY(lexer_.expect("]"));
    if (lexer_.at("+")) found.high = SKEP_TRY(read_.imm32(true));
  }
  found.insn.dst = dst.number;
  found.insn.imm = which;
  return found;
}

// var[id:7] or var[id:7,fd:3]
Result<Statement> StatementParser::variable(const Register& dst) {
  Statement found = make(Shape::imm64, Action::variable, 64);
  found.insn.dst = dst.number;
  SKEP_TRY(lexer_.expect("["));
  SKEP_TRY(lexer_.expect("id"));
  SKEP_TRY(lexer_.expect(":"));
  found.insn.imm = SKEP_TRY(read_.imm32(false));
  if (SKEP_TRY(lexer_.accept(","))) {
    SKEP_TRY(lexer_.expect("fd"));
    SKEP_TRY(lexer_.expect(":"));
    found.high = SKEP_TRY(read_.imm32(false));
  }
  SKEP_TRY(lexer_.expect("]"));
  return found;
}

// subprog[+5] or subprog[label]
Result<Statement> StatementParser::code_address(const Register& dst) {
  Statement found = make(Shape::imm64, Action::code_address, 64);
  found.insn.dst = dst.number;
  SKEP_TRY(lexer_.expect("["));
  SKEP_TRY(target(found));
  SKEP_TRY(lexer_.expect("]"));
  return found;
}

// *(u32 *)(r1 + 8) = r2, or = 5
Result<Statement> StatementParser::store() {
  SKEP_TRY(lexer_.expect("*"));
  const Place to = SKEP_TRY(read_.place());
  if (to.is_signed) return lexer_.error_at(to.base.at, "stores have no sign; write u8 to u64");
  SKEP_TRY(lexer_.expect("="));
  const bool constant = read_.at_number();
  Statement found = make(constant ? Shape::store_imm : Shape::store_reg, Action::move, to.bits);
  found.insn.dst = to.base.number;
  found.insn.offset = to.offset;
  if (constant) {
    found.insn.imm = SKEP_TRY(read_.imm32(to.bits <= 32));
    return found;
  }
  const auto source = as_register(lexer_.peek());
  if (!source) return lexer_.expected("a register or a number");
  found.insn.src = to.bits == 64 ? SKEP_TRY(read_.reg_of(64, "for 64 bits")).number
                                 : SKEP_TRY(read_.reg()).number;
  return found;
}

// *(u64 *)(r1 + 0) += r2
Result<Statement> StatementParser::lock() {
  SKEP_TRY(lexer_.expect("*"));
  const Place at = SKEP_TRY(read_.place());
  const Token sign = lexer_.peek();
  const Action action = SKEP_TRY(read_.alu_sign());
  if (find_op(Shape::atomic, action, 64) == nullptr)
    return lexer_.error_at(sign.at, "expected += |= &= or ^= in an atomic operation");
  if (at.is_signed || at.bits < 32)
    return lexer_.error_at(at.base.at, "atomics work on u32 or u64");
  Statement found = make(Shape::atomic, action, at.bits);
  found.insn.dst = at.base.number;
  found.insn.offset = at.offset;
  found.insn.src = SKEP_TRY(read_.reg()).number;
  return found;
}

// r1 == 5 goto out
Result<Statement> StatementParser::branch() {
  const Register left = SKEP_TRY(read_.reg());
  const Action action = SKEP_TRY(read_.jump_sign());
  const bool constant = read_.at_number();
  Statement found = make(constant ? Shape::jump_imm : Shape::jump_reg, action, left.bits);
  found.insn.dst = left.number;
  if (constant)
    found.insn.imm = SKEP_TRY(read_.imm32(true));
  else if (as_register(lexer_.peek()))
    found.insn.src = SKEP_TRY(read_.reg_of(left.bits, "as wide as the left side")).number;
  else
    return lexer_.expected("a register or a number");
  SKEP_TRY(lexer_.expect("goto"));
  SKEP_TRY(target(found));
  return found;
}

Result<Statement> StatementParser::jump(Shape shape) {
  Statement found = make(shape, Action::always, 64);
  SKEP_TRY(target(found));
  return found;
}

// call pc+3, call label, call bpf_name, call bpf_name#5, call 5, call kfunc#12, call kfunc[1]#12
Result<Statement> StatementParser::call() {
  const Token callee = lexer_.peek();
  if (callee.kind == Token::Kind::number || lexer_.at("-")) {
    Statement found = make(Shape::call_helper, Action::call, 64);
    found.insn.imm = SKEP_TRY(read_.imm32(true));
    return found;
  }
  if (lexer_.at("kfunc")) return call_kfunc();
  if (callee.kind == Token::Kind::word && callee.text != "pc") {
    const Token second = SKEP_TRY(lexer_.peek_second());
    const bool named = names_.number_of != nullptr && names_.number_of(callee.text).has_value();
    if (second.text == "#" || named) return call_helper();
    if (callee.text.starts_with("bpf_"))
      return lexer_.error_at(callee.at, text("helper {} is not known", printable(callee.text)));
  }
  Statement found = make(Shape::call_local, Action::call, 64);
  SKEP_TRY(target(found));
  return found;
}

Result<Statement> StatementParser::call_kfunc() {
  SKEP_TRY(lexer_.expect("kfunc"));
  Statement found = make(Shape::call_kfunc, Action::call, 64);
  if (SKEP_TRY(lexer_.accept("["))) {
    found.insn.offset = SKEP_TRY(read_.offset16("this index"));
    SKEP_TRY(lexer_.expect("]"));
  }
  SKEP_TRY(lexer_.expect("#"));
  found.insn.imm = SKEP_TRY(read_.imm32(false));
  return found;
}

// A number behind the name must be the helper's own.
Result<Statement> StatementParser::call_helper() {
  const Token name = lexer_.peek();
  SKEP_TRY(lexer_.advance());
  const auto known = names_.number_of != nullptr ? names_.number_of(name.text) : std::nullopt;
  const std::uint32_t number = known.value_or(0);
  Statement found = make(Shape::call_helper, Action::call, 64);
  found.insn.imm = static_cast<std::int32_t>(number);
  if (!SKEP_TRY(lexer_.accept("#"))) return found;
  found.insn.imm = SKEP_TRY(read_.imm32(true));
  if (number != 0 && number != static_cast<std::uint32_t>(found.insn.imm))
    return lexer_.error_at(name.at, text("helper {} has number {}, not {}", printable(name.text),
                                         number, found.insn.imm));
  return found;
}

}  // namespace

Result<Statement> parse_statement(Lexer& lexer, const HelperNames& names) {
  return StatementParser(lexer, names).parse();
}

}  // namespace skep::isa
