// SPDX-License-Identifier: Apache-2.0
#include "isa/lexer.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/position.h"

namespace skep::isa {

namespace {

// Longer signs first.
constexpr auto kSigns = std::to_array<std::string_view>(
    {"<<=", ">>=", "+=", "-=", "*=", "/=", "|=", "&=", "%=", "^=", "==", "!=", ">=", "<=",
     ">",   "<",   "&",  "=",  "(",  ")",  "[",  "]",  "*",  "+",  "-",  ",",  ":",  "#"});

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }
bool starts_word(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '$';
}
bool continues_word(char c) { return starts_word(c) || is_digit(c); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::size_t skip(std::string_view source, std::size_t at, bool (*wanted)(char)) {
  while (at < source.size() && wanted(source[at])) ++at;
  return at;
}

// The end of "b7 00 00 ..." with exactly 8 or 16 bytes at `at`, else `at`.
std::size_t skip_dumped_bytes(std::string_view source, std::size_t at) {
  std::size_t end = at;
  std::size_t count = 0;
  while (count < 16 && end + 2 < source.size() && is_hex(source[end]) && is_hex(source[end + 1]) &&
         is_blank(source[end + 2])) {
    end += 3;
    ++count;
  }
  return count == 8 || count == 16 ? end : at;
}

// How large a token text is worth showing.
constexpr std::size_t kShownBytes = 24;

}  // namespace

// "12: ", the 8 or 16 bytes and "(b7) ": each may be there or not.
void Lexer::skip_dump_prefix() {
  line_start_ = false;
  said_imm64_ = false;
  std::size_t at = skip(source_, next_, is_blank);
  const std::size_t digits = skip(source_, at, is_digit);
  if (digits > at && digits < source_.size() && source_[digits] == ':')
    next_ = at = skip(source_, digits + 1, is_blank);
  if (const std::size_t end = skip_dumped_bytes(source_, at); end > at)
    next_ = at = skip(source_, end, is_blank);
  const std::string_view rest = source_.substr(at);
  if (rest.size() > 3 && rest[0] == '(' && is_hex(rest[1]) && is_hex(rest[2]) && rest[3] == ')') {
    said_imm64_ = rest.starts_with("(18)");
    next_ = at + 4;
  }
}

void Lexer::skip_line() { next_ = std::min(source_.find('\n', next_), source_.size()); }

// The # of "bpf_ktime_get_ns#5" or "kfunc#-5" and not that of a comment.
bool Lexer::at_number_sign() const {
  if (next_ == 0 || std::isspace(static_cast<unsigned char>(source_[next_ - 1])) != 0) return false;
  const std::string_view behind = source_.substr(next_ + 1);
  return !behind.empty() &&
         (is_digit(behind[0]) || (behind[0] == '-' && behind.size() > 1 && is_digit(behind[1])));
}

Status Lexer::skip_blanks() {
  for (;;) {
    if (line_start_) skip_dump_prefix();
    next_ = skip(source_, next_, is_blank);
    if (looking_at("//") || (looking_at("#") && !at_number_sign())) {
      skip_line();
    } else if (looking_at("/*")) {
      const std::size_t close = source_.find("*/", next_ + 2);
      if (close == source_.npos) return error_at(next_, "this comment is not closed by */");
      next_ = close + 2;
    } else {
      return {};
    }
  }
}

Status Lexer::read_number() {
  const bool hex = looking_at("0x") || looking_at("0X");
  std::size_t at = next_ + (hex ? 2 : 0);
  const std::size_t first = at;
  std::uint64_t value = 0;
  for (; at < source_.size() && continues_word(source_[at]); ++at) {
    if (!(hex ? is_hex(source_[at]) : is_digit(source_[at])))
      return error_at(at, text("expected a digit, found {}", quoted_character(source_, at)));
    const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(source_[at])));
    const auto digit = static_cast<std::uint64_t>(lower <= '9' ? lower - '0' : lower - 'a' + 10);
    if (__builtin_mul_overflow(value, hex ? 16U : 10U, &value) ||
        __builtin_add_overflow(value, digit, &value))
      return error_at(next_, "this number does not fit 64 bits");
  }
  if (at == first) return error_at(at, "expected a hex digit after 0x");
  token_ = {.kind = Token::Kind::number,
            .text = source_.substr(next_, at - next_),
            .number = value,
            .at = next_};
  next_ = at;
  return {};
}

void Lexer::read_word() {
  const std::size_t end = skip(source_, next_, continues_word);
  token_ = {.kind = Token::Kind::word, .text = source_.substr(next_, end - next_), .at = next_};
  next_ = end;
}

Status Lexer::read_sign() {
  for (const std::string_view sign : kSigns) {
    if (!looking_at(sign)) continue;
    token_ = {.kind = Token::Kind::sign, .text = source_.substr(next_, sign.size()), .at = next_};
    next_ += sign.size();
    return {};
  }
  return error_at(next_, text("{} has no meaning here", quoted_character(source_, next_)));
}

Status Lexer::advance() {
  const bool was_line_start = line_start_;
  SKEP_TRY(skip_blanks());
  token_ = {.kind = Token::Kind::end, .at = next_};
  if (next_ >= source_.size()) return {};
  const char c = source_[next_];
  // A dump shows source lines behind a semicolon; elsewhere it parts statements.
  if (c == ';' && was_line_start) skip_line();
  if (next_ >= source_.size()) return {};
  if (source_[next_] == '\n' || source_[next_] == ';') {
    line_start_ = source_[next_] == '\n';
    token_ = {.kind = Token::Kind::end_of_statement, .at = next_};
    ++next_;
    return {};
  }
  if (is_digit(c)) return read_number();
  if (starts_word(c)) {
    read_word();
    return {};
  }
  return read_sign();
}

Result<Token> Lexer::peek_second() const {
  Lexer ahead = *this;
  SKEP_TRY(ahead.advance());
  return ahead.token_;
}

bool Lexer::at(std::string_view text) const {
  return (token_.kind == Token::Kind::word || token_.kind == Token::Kind::sign) &&
         token_.text == text;
}

bool Lexer::at_statement_end() const {
  return token_.kind == Token::Kind::end || token_.kind == Token::Kind::end_of_statement;
}

Result<bool> Lexer::accept(std::string_view text) {
  if (!at(text)) return false;
  SKEP_TRY(advance());
  return true;
}

Status Lexer::expect(std::string_view wanted) {
  if (!at(wanted)) return expected(text("'{}'", wanted));
  return advance();
}

std::unexpected<Error> Lexer::expected(std::string_view what) const {
  std::string found = text("'{}'", printable(token_.text, kShownBytes));
  if (token_.kind == Token::Kind::end_of_statement) found = "end of line";
  if (token_.kind == Token::Kind::end) found = "end of text";
  return error_at(token_.at, text("expected {}, found {}", what, found));
}

std::unexpected<Error> Lexer::error_at(std::size_t offset, std::string_view what) const {
  const Position position = position_of(source_, offset);
  return fail(Code::invalid, "{}:{}:{}: {}", name_, position.line, position.column, what);
}

}  // namespace skep::isa
