// SPDX-License-Identifier: Apache-2.0
// The signs and words of the dialect, read by the assembler and written by the printer.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "isa/ops.h"

namespace skep::isa {

struct Word {
  Action action;
  std::string_view text;
};

// Longer signs first where one begins with another.
inline constexpr auto kAluSigns = std::to_array<Word>({
    {Action::add, "+="},
    {Action::sub, "-="},
    {Action::mul, "*="},
    {Action::div, "/="},
    {Action::sdiv, "s/="},
    {Action::bit_or, "|="},
    {Action::bit_and, "&="},
    {Action::bit_xor, "^="},
    {Action::lsh, "<<="},
    {Action::rsh, ">>="},
    {Action::arsh, "s>>="},
    {Action::mod, "%="},
    {Action::smod, "s%="},
    {Action::mov, "="},
});

inline constexpr auto kJumpSigns = std::to_array<Word>({
    {Action::eq, "=="},
    {Action::ne, "!="},
    {Action::ge, ">="},
    {Action::gt, ">"},
    {Action::le, "<="},
    {Action::lt, "<"},
    {Action::sge, "s>="},
    {Action::sgt, "s>"},
    {Action::sle, "s<="},
    {Action::slt, "s<"},
    {Action::set, "&"},
});

inline constexpr auto kFetchWords = std::to_array<Word>({
    {Action::add, "add"},
    {Action::bit_or, "or"},
    {Action::bit_and, "and"},
    {Action::bit_xor, "xor"},
});

inline constexpr auto kEndianWords = std::to_array<Word>({
    {Action::to_le, "le"},
    {Action::to_be, "be"},
    {Action::swap, "bswap"},
});

inline constexpr auto kExtensions = std::to_array<Word>({
    {Action::movsx8, "s8"},
    {Action::movsx16, "s16"},
    {Action::movsx32, "s32"},
});

// Empty when the action has no word in this table.
template <std::size_t Count>
[[nodiscard]] constexpr std::string_view word_of(const std::array<Word, Count>& words,
                                                 Action action) {
  for (const Word& word : words)
    if (word.action == action) return word.text;
  return {};
}

template <std::size_t Count>
[[nodiscard]] constexpr std::optional<Action> action_of(const std::array<Word, Count>& words,
                                                        std::string_view text) {
  for (const Word& word : words)
    if (word.text == text) return word.action;
  return std::nullopt;
}

}  // namespace skep::isa
