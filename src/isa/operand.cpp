// SPDX-License-Identifier: Apache-2.0
#include "isa/operand.h"

#include <limits>

namespace skep::isa {

namespace {

constexpr std::int64_t kImmMin = std::numeric_limits<std::int32_t>::min();
constexpr std::int64_t kImmMax = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kRawMax = std::numeric_limits<std::uint32_t>::max();

}  // namespace

std::optional<Register> as_register(const Token& token) {
  if (token.kind != Token::Kind::word) return std::nullopt;
  if (token.text == "fp") return Register{kFramePointer, 64, token.at};
  const char kind = token.text[0];
  const std::string_view digits = token.text.substr(1);
  if ((kind != 'r' && kind != 'w') || digits.empty() || digits.size() > 2) return std::nullopt;
  unsigned number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  if (digits.size() == 2 && digits != "10") return std::nullopt;
  return Register{static_cast<std::uint8_t>(number), kind == 'r' ? 64U : 32U, token.at};
}

Result<Register> OperandReader::reg() {
  const auto found = as_register(lexer_.peek());
  if (!found) return lexer_.expected("a register");
  SKEP_TRY(lexer_.advance());
  return *found;
}

Result<Register> OperandReader::reg_of(unsigned bits, std::string_view why) {
  const Register found = SKEP_TRY(reg());
  if (found.bits != bits)
    return lexer_.error_at(
        found.at, text("expected {}{} {}, found {}{}", bits == 64 ? 'r' : 'w', found.number, why,
                       found.bits == 64 ? 'r' : 'w', found.number));
  return found;
}

bool OperandReader::at_number() const {
  return lexer_.peek().kind == Token::Kind::number || lexer_.at("-") || lexer_.at("+");
}

Result<Number> OperandReader::number() {
  const std::size_t at = lexer_.peek().at;
  const bool negative = SKEP_TRY(lexer_.accept("-"));
  if (!negative) (void)SKEP_TRY(lexer_.accept("+"));
  if (lexer_.peek().kind != Token::Kind::number) return lexer_.expected("a number");
  const std::uint64_t magnitude = lexer_.peek().number;
  SKEP_TRY(lexer_.advance());
  return Number{negative, magnitude, at};
}

Result<std::int32_t> OperandReader::imm32(bool raw_allowed) {
  const Number read = SKEP_TRY(number());
  const std::int64_t wanted = read.value();
  if (wanted >= kImmMin && wanted <= (raw_allowed ? kRawMax : kImmMax))
    return static_cast<std::int32_t>(wanted);
  if (wanted > kImmMax && wanted <= kRawMax)
    return lexer_.error_at(
        read.at, text("{:#x} would be sign-extended to {:#x}; write {} for that", wanted,
                      static_cast<std::uint64_t>(wanted - kRawMax - 1), wanted - kRawMax - 1));
  return lexer_.error_at(read.at, "this number does not fit a 32-bit immediate");
}

Result<std::int16_t> OperandReader::offset16(std::string_view what) {
  const Number read = SKEP_TRY(number());
  const std::int64_t wanted = read.value();
  if (wanted < std::numeric_limits<std::int16_t>::min() ||
      wanted > std::numeric_limits<std::int16_t>::max())
    return lexer_.error_at(read.at, text("{} does not fit 16 bits", what));
  return static_cast<std::int16_t>(wanted);
}

Result<unsigned> OperandReader::one_of(std::initializer_list<std::string_view> words,
                                       std::string_view expected) {
  unsigned index = 0;
  for (const std::string_view word : words) {
    if (SKEP_TRY(lexer_.accept(word))) return index;
    ++index;
  }
  return lexer_.expected(expected);
}

Status OperandReader::type(Place& place) {
  SKEP_TRY(lexer_.expect("("));
  const unsigned index = SKEP_TRY(one_of({"u8", "u16", "u32", "u64", "s8", "s16", "s32"},
                                         "a type from u8 to u64 or s8 to s32"));
  place.bits = 8U << index % 4;
  place.is_signed = index >= 4;
  SKEP_TRY(lexer_.expect("*"));
  return lexer_.expect(")");
}

Status OperandReader::base_and_offset(Place& place) {
  place.base = SKEP_TRY(reg_of(64, "as address"));
  place.offset = at_number() ? SKEP_TRY(offset16("this offset")) : std::int16_t{0};
  return {};
}

Result<Place> OperandReader::place() {
  Place found{};
  SKEP_TRY(type(found));
  SKEP_TRY(lexer_.expect("("));
  SKEP_TRY(base_and_offset(found));
  SKEP_TRY(lexer_.expect(")"));
  return found;
}

template <std::size_t Count>
Result<Action> OperandReader::sign_in(const std::array<Word, Count>& words,
                                      std::string_view expected) {
  const Token first = lexer_.peek();
  std::string sign(first.text);
  if (first.text == "s") {
    SKEP_TRY(lexer_.advance());
    sign += lexer_.peek().text;
  }
  const auto action = action_of(words, sign);
  if (!action || lexer_.at_statement_end()) return lexer_.error_at(first.at, expected);
  SKEP_TRY(lexer_.advance());
  return *action;
}

Result<Action> OperandReader::alu_sign() {
  return sign_in(kAluSigns, "expected an assignment such as = += s>>=");
}

Result<Action> OperandReader::jump_sign() {
  return sign_in(kJumpSigns, "expected a comparison such as == s< &");
}

}  // namespace skep::isa
