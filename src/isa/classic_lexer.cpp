// SPDX-License-Identifier: Apache-2.0
#include "isa/classic_lexer.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/position.h"

namespace skep::isa {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
}
bool continues_word(char c) { return starts_word(c) || is_digit(c); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

struct Radix {
  std::string_view prefix;
  int base;
};

// The first prefix that fits decides.
constexpr Radix kRadices[] = {{"0x", 16}, {"0X", 16}, {"0b", 2}, {"0B", 2}, {"0", 8}, {"", 10}};

}  // namespace

Status ClassicLexer::skip_blanks() {
  for (;;) {
    while (at_ < source_.size() && is_blank(source_[at_])) ++at_;
    if (!looking_at("/*")) return {};
    const std::size_t close = source_.find("*/", at_ + 2);
    if (close == source_.npos) return error_at(at_, "this comment is not closed by */");
    at_ = close + 2;
  }
}

bool ClassicLexer::at_line_comment() const {
  return looking_at("#") || looking_at(";") || looking_at("//");
}

Result<bool> ClassicLexer::next_statement() {
  for (;;) {
    SKEP_TRY(skip_blanks());
    if (at_line_comment()) at_ = std::min(source_.find('\n', at_), source_.size());
    if (at_ >= source_.size()) return false;
    if (source_[at_] != '\n') return true;
    ++at_;
  }
}

Status ClassicLexer::end_statement() {
  SKEP_TRY(skip_blanks());
  if (at_ >= source_.size() || source_[at_] == '\n' || at_line_comment()) return {};
  return expected(at_, "end of line");
}

Result<bool> ClassicLexer::accept(std::string_view sign) {
  SKEP_TRY(skip_blanks());
  if (!looking_at(sign)) return false;
  at_ += sign.size();
  return true;
}

Status ClassicLexer::expect(std::string_view sign) {
  if (SKEP_TRY(accept(sign))) return {};
  return expected(at_, text("'{}'", sign));
}

Status ClassicLexer::skip(std::string_view sign) {
  const Result<bool> skipped = accept(sign);
  return skipped ? Status{} : std::unexpected(skipped.error());
}

Result<std::string_view> ClassicLexer::word() {
  SKEP_TRY(skip_blanks());
  const std::size_t begin = at_;
  if (at_ < source_.size() && starts_word(source_[at_]))
    while (at_ < source_.size() && continues_word(source_[at_])) ++at_;
  return source_.substr(begin, at_ - begin);
}

bool ClassicLexer::at_number() const {
  const std::size_t digit = at_ + (looking_at("-") ? 1 : 0);
  return digit < source_.size() && is_digit(source_[digit]);
}

Result<std::uint32_t> ClassicLexer::number(std::string_view what) {
  SKEP_TRY(skip_blanks());
  if (!at_number()) return expected(at_, what);
  const std::size_t begin = at_;
  const bool negative = looking_at("-");
  std::string_view digits = source_.substr(at_ + (negative ? 1 : 0));
  std::size_t length = 0;
  while (length < digits.size() && continues_word(digits[length])) ++length;
  digits = digits.substr(0, length);
  at_ = static_cast<std::size_t>(digits.data() + length - source_.data());

  const Radix* radix = kRadices;
  while (!digits.starts_with(radix->prefix)) ++radix;
  if (digits != "0") digits.remove_prefix(radix->prefix.size());
  std::uint32_t value = 0;
  const char* first = digits.data();
  const char* last = first + digits.size();
  const auto [stop, error] = std::from_chars(first, last, value, radix->base);
  if (error == std::errc::invalid_argument || (error == std::errc{} && stop != last))
    return expected(begin, what);
  const bool too_large = error != std::errc{} || (negative && value > 0x8000'0000);
  if (too_large) return error_at(begin, text("{} does not fit 32 bits", what));
  return negative ? 0 - value : value;
}

std::string ClassicLexer::found(std::size_t offset) const {
  std::size_t end = offset;
  if (end < source_.size() && source_[end] == '-') ++end;
  while (end < source_.size() && continues_word(source_[end])) ++end;
  if (end == offset) return quoted_character(source_, offset);
  return text("'{}'", printable(source_.substr(offset, end - offset)));
}

std::unexpected<Error> ClassicLexer::expected(std::size_t offset, std::string_view what) const {
  return error_at(offset, text("expected {}, found {}", what, found(offset)));
}

std::unexpected<Error> ClassicLexer::error_at(std::size_t offset, std::string_view what) const {
  const Position position = position_of(source_, offset);
  return fail(Code::invalid, "{}:{}:{}: {}", name_, position.line, position.column, what);
}

}  // namespace skep::isa
