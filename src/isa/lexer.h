// SPDX-License-Identifier: Apache-2.0
// Assembly text as tokens. Also reads what dumps put in front of an instruction ("12: (b7) ", the
// bytes of llvm-objdump, "; source" lines), so that a dump can be assembled as it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace skep::isa {

struct Token {
  enum class Kind : std::uint8_t { word, number, sign, end_of_statement, end };

  Kind kind = Kind::end;
  std::string_view text{};
  std::uint64_t number = 0;
  std::size_t at = 0;  // offset in the source
};

class Lexer {
 public:
  Lexer(std::string_view source, std::string_view name) : source_(source), name_(name) {}

  // The first token; must be called once before peek.
  Status start() { return advance(); }

  [[nodiscard]] const Token& peek() const { return token_; }
  // The token after peek, looked at without moving.
  [[nodiscard]] Result<Token> peek_second() const;
  Status advance();

  [[nodiscard]] bool at(std::string_view text) const;
  [[nodiscard]] bool at_statement_end() const;
  // True and moved on when the token is this one.
  Result<bool> accept(std::string_view text);
  // Moves on, or fails with "expected ...".
  Status expect(std::string_view text);

  // True when the line began with "(18)": what follows is a 64-bit immediate.
  [[nodiscard]] bool said_imm64() const { return said_imm64_; }
  void skip_line();

  [[nodiscard]] std::unexpected<Error> expected(std::string_view what) const;
  [[nodiscard]] std::unexpected<Error> error_at(std::size_t offset, std::string_view what) const;

 private:
  Status skip_blanks();
  void skip_dump_prefix();
  [[nodiscard]] bool at_number_sign() const;
  Status read_number();
  void read_word();
  Status read_sign();
  [[nodiscard]] bool looking_at(std::string_view text) const {
    return source_.substr(next_).starts_with(text);
  }

  std::string_view source_;
  std::string_view name_;
  std::size_t next_ = 0;
  Token token_{};
  bool line_start_ = true;
  bool said_imm64_ = false;
};

}  // namespace skep::isa
