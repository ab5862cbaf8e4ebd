// SPDX-License-Identifier: Apache-2.0
// What operations compute, said plainly and for all widths at once. For the checked engine alone:
// the fast ones have semantics.h, and share nothing with this, so that comparing means something.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "isa/ops.h"

namespace skep::engine::checked {

using isa::Action;
using isa::Op;

// Wide enough that nothing overflows.
__extension__ typedef unsigned __int128 U128;
__extension__ typedef __int128 S128;

inline std::uint64_t low_bits(std::uint64_t value, unsigned bits) {
  return bits == 64 ? value : value & ((std::uint64_t{1} << bits) - 1);
}

inline std::int64_t signed_value(std::uint64_t value, unsigned bits) {
  const std::uint64_t sign = std::uint64_t{1} << (bits - 1);
  return static_cast<std::int64_t>((low_bits(value, bits) ^ sign) - sign);
}

// Shift right and fill with the sign.
inline std::uint64_t shift_arithmetic(std::uint64_t a, unsigned by, unsigned bits) {
  const std::uint64_t moved = low_bits(a, bits) >> by;
  if (signed_value(a, bits) >= 0) return moved;
  const std::uint64_t kept = low_bits(~std::uint64_t{0}, bits) >> by;
  return moved | ~kept;
}

inline std::uint64_t divide_signed(std::uint64_t a, std::uint64_t b, unsigned bits, bool modulo) {
  const S128 x = signed_value(a, bits);
  const S128 y = signed_value(b, bits);
  if (y == 0) return modulo ? a : 0;
  return static_cast<std::uint64_t>(modulo ? x % y : x / y);
}

inline std::uint64_t divide_unsigned(std::uint64_t a, std::uint64_t b, unsigned bits, bool modulo) {
  const std::uint64_t x = low_bits(a, bits);
  const std::uint64_t y = low_bits(b, bits);
  if (y == 0) return modulo ? a : 0;
  return modulo ? x % y : x / y;
}

inline std::uint64_t arithmetic(const Op& row, std::uint64_t a, std::uint64_t b) {
  const unsigned bits = row.bits;
  const auto by = static_cast<unsigned>(b % bits);
  switch (row.action) {
    case Action::add:
      return static_cast<std::uint64_t>(U128{a} + b);
    case Action::sub:
      return static_cast<std::uint64_t>(U128{a} - b);
    case Action::mul:
      return static_cast<std::uint64_t>(U128{a} * b);
    case Action::div:
    case Action::mod:
      return divide_unsigned(a, b, bits, row.action == Action::mod);
    case Action::sdiv:
    case Action::smod:
      return divide_signed(a, b, bits, row.action == Action::smod);
    case Action::bit_or:
      return a | b;
    case Action::bit_and:
      return a & b;
    case Action::bit_xor:
      return a ^ b;
    case Action::lsh:
      return static_cast<std::uint64_t>(U128{a} << by);
    case Action::rsh:
      return low_bits(a, bits) >> by;
    case Action::arsh:
      return shift_arithmetic(a, by, bits);
    case Action::movsx8:
      return static_cast<std::uint64_t>(signed_value(b, 8));
    case Action::movsx16:
      return static_cast<std::uint64_t>(signed_value(b, 16));
    case Action::movsx32:
      return static_cast<std::uint64_t>(signed_value(b, 32));
    default:
      return b;
  }
}

inline std::uint64_t change_order(const Op& row, std::uint64_t value) {
  if (row.action == Action::to_le) return low_bits(value, row.bits);  // registers hold numbers
  std::uint64_t reversed = 0;
  for (unsigned byte = 0; byte < row.bits / 8U; ++byte)
    reversed = reversed << 8 | ((value >> (8 * byte)) & 0xff);
  return reversed;
}
static_assert(std::endian::native == std::endian::little,
              "change_order says what little endian hosts do");

inline bool condition(const Op& row, std::uint64_t a, std::uint64_t b) {
  const std::uint64_t x = low_bits(a, row.bits);
  const std::uint64_t y = low_bits(b, row.bits);
  const std::int64_t sx = signed_value(a, row.bits);
  const std::int64_t sy = signed_value(b, row.bits);
  switch (row.action) {
    case Action::eq:
      return x == y;
    case Action::ne:
      return x != y;
    case Action::gt:
      return y < x;
    case Action::ge:
      return y <= x;
    case Action::lt:
      return x < y;
    case Action::le:
      return x <= y;
    case Action::sgt:
      return sy < sx;
    case Action::sge:
      return sy <= sx;
    case Action::slt:
      return sx < sy;
    case Action::sle:
      return sx <= sy;
    default:
      return (x & y) != 0;
  }
}

inline std::uint64_t read_bytes(std::uint64_t address, unsigned bits) {
  std::uint64_t value = 0;
  std::memcpy(&value, std::bit_cast<const void*>(address), bits / 8);
  return value;
}

inline void write_bytes(std::uint64_t address, unsigned bits, std::uint64_t value) {
  std::memcpy(std::bit_cast<void*>(address), &value, bits / 8);
}

inline std::uint64_t combine(Action action, std::uint64_t old, std::uint64_t operand) {
  switch (action) {
    case Action::add:
      return old + operand;
    case Action::bit_or:
      return old | operand;
    case Action::bit_and:
      return old & operand;
    case Action::bit_xor:
      return old ^ operand;
    default:
      return operand;
  }
}

// Atomic against other threads as well, by trying until nobody came between.
template <class Unsigned, class Combine>
__attribute__((no_sanitize("alignment"))) std::uint64_t replace(std::uint64_t address,
                                                                Combine combine) {
  auto* place = std::bit_cast<Unsigned*>(address);
  Unsigned old = __atomic_load_n(place, __ATOMIC_SEQ_CST);
  while (!__atomic_compare_exchange_n(place, &old, static_cast<Unsigned>(combine(old)), false,
                                      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
  }
  return old;
}

}  // namespace skep::engine::checked
