// SPDX-License-Identifier: Apache-2.0
// Classic assembly, piece by piece. There is no token stream: # begins a constant or a comment, and
// only who asks knows which can stand here.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace skep::isa {

class ClassicLexer {
 public:
  ClassicLexer(std::string_view source, std::string_view name) : source_(source), name_(name) {}

  // Past blanks and comments to where the next statement begins; false at the end of the text.
  Result<bool> next_statement();
  // Nothing but comments may follow on this line.
  Status end_statement();
  // Past blanks within the line.
  Status skip_blanks();

  [[nodiscard]] std::size_t offset() const { return at_; }
  // Past blanks first; moves on when `sign` stands here.
  Result<bool> accept(std::string_view sign);
  Status expect(std::string_view sign);
  Status skip(std::string_view sign);  // moves on if it stands here
  // A word of letters, digits, '_' and '.', not beginning with a digit; empty when there is none.
  Result<std::string_view> word();
  // Decimal, 0x hex, 0b binary or 0 octal, from -2147483648 to 4294967295.
  Result<std::uint32_t> number(std::string_view what);
  [[nodiscard]] bool at_number() const;

  [[nodiscard]] std::unexpected<Error> expected(std::size_t offset, std::string_view what) const;
  [[nodiscard]] std::unexpected<Error> error_at(std::size_t offset, std::string_view what) const;

 private:
  [[nodiscard]] bool looking_at(std::string_view text) const {
    return source_.substr(at_).starts_with(text);
  }
  [[nodiscard]] bool at_line_comment() const;
  [[nodiscard]] std::string found(std::size_t offset) const;

  std::string_view source_;
  std::string_view name_;
  std::size_t at_ = 0;
};

}  // namespace skep::isa
