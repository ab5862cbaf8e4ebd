// SPDX-License-Identifier: Apache-2.0
// The operands of assembly text: registers, numbers that must fit, places in memory, signs.
#pragma once

#include <initializer_list>

#include "isa/lexer.h"
#include "isa/words.h"

namespace skep::isa {

struct Register {
  std::uint8_t number;
  unsigned bits;  // 64 for r1, 32 for w1
  std::size_t at;
};

struct Number {
  bool negative;
  std::uint64_t magnitude;
  std::size_t at;

  [[nodiscard]] std::uint64_t bits() const { return negative ? 0 - magnitude : magnitude; }
  // As a signed value; saturates far outside every range that is asked for.
  [[nodiscard]] std::int64_t value() const {
    constexpr std::uint64_t kFar = std::uint64_t{1} << 62;
    const auto near = static_cast<std::int64_t>(magnitude < kFar ? magnitude : kFar);
    return negative ? -near : near;
  }
  // Signed or unsigned.
  [[nodiscard]] bool fits_32_bits() const { return value() >= INT32_MIN && value() <= UINT32_MAX; }
};

// (u32 *)(r1 + 8)
struct Place {
  unsigned bits;
  bool is_signed;
  Register base;
  std::int16_t offset;
};

[[nodiscard]] std::optional<Register> as_register(const Token& token);

class OperandReader {
 public:
  explicit OperandReader(Lexer& lexer) : lexer_(lexer) {}

  Result<Register> reg();
  // A register of this width; `why` says what asks for it: "as address".
  Result<Register> reg_of(unsigned bits, std::string_view why);
  [[nodiscard]] bool at_number() const;
  Result<Number> number();
  // A 32-bit immediate. `raw_allowed`: 0xffffffff may stand for -1, because only 32 bits count or
  // because the kernel writes it so.
  Result<std::int32_t> imm32(bool raw_allowed);
  Result<std::int16_t> offset16(std::string_view what);
  // The index of the word that stands here.
  Result<unsigned> one_of(std::initializer_list<std::string_view> words, std::string_view expected);
  // (u32 *), into bits and is_signed
  Status type(Place& place);
  // r1 + 8, into base and offset
  Status base_and_offset(Place& place);
  // (u32 *)(r1 + 8)
  Result<Place> place();
  // "s/=" is read as the word s and a sign right behind it.
  Result<Action> alu_sign();
  Result<Action> jump_sign();

 private:
  template <std::size_t Count>
  Result<Action> sign_in(const std::array<Word, Count>& words, std::string_view expected);

  Lexer& lexer_;
};

}  // namespace skep::isa
