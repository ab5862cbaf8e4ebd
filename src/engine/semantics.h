// SPDX-License-Identifier: Apache-2.0
// What each operation computes (RFC 9669 sections 4 and 5), as templates that fold to a machine
// instruction or two. Used by the fast engines; the checked one says the same in its own words, so
// that comparing the two means something.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "isa/ops.h"

namespace skep::engine {

template <isa::Action kAction, class Unsigned>
[[nodiscard]] constexpr Unsigned divide(Unsigned a, Unsigned b) {
  using Signed = std::make_signed_t<Unsigned>;
  using isa::Action;
  constexpr bool kModulo = kAction == Action::mod || kAction == Action::smod;
  if (b == 0) return kModulo ? a : Unsigned{0};
  if constexpr (kAction == Action::div) return a / b;
  if constexpr (kAction == Action::mod) return a % b;
  // The one signed quotient that does not exist wraps, as negation does.
  if (b == static_cast<Unsigned>(-1)) return kModulo ? Unsigned{0} : Unsigned{0} - a;
  const auto x = static_cast<Signed>(a);
  const auto y = static_cast<Signed>(b);
  return static_cast<Unsigned>(kModulo ? x % y : x / y);
}

template <isa::Action kAction, class Unsigned>
[[nodiscard]] constexpr Unsigned compute(Unsigned a, Unsigned b) {
  using Signed = std::make_signed_t<Unsigned>;
  using isa::Action;
  constexpr Unsigned kShiftMask = std::numeric_limits<Unsigned>::digits - 1;
  if constexpr (kAction == Action::add) return a + b;
  if constexpr (kAction == Action::sub) return a - b;
  if constexpr (kAction == Action::mul) return a * b;
  if constexpr (kAction == Action::bit_or) return a | b;
  if constexpr (kAction == Action::bit_and) return a & b;
  if constexpr (kAction == Action::bit_xor) return a ^ b;
  if constexpr (kAction == Action::lsh) return a << (b & kShiftMask);
  if constexpr (kAction == Action::rsh) return a >> (b & kShiftMask);
  if constexpr (kAction == Action::arsh)
    return static_cast<Unsigned>(static_cast<Signed>(a) >> (b & kShiftMask));
  if constexpr (kAction == Action::mov) return b;
  if constexpr (kAction == Action::movsx8)
    return static_cast<Unsigned>(static_cast<std::int8_t>(b));
  if constexpr (kAction == Action::movsx16)
    return static_cast<Unsigned>(static_cast<std::int16_t>(b));
  if constexpr (kAction == Action::movsx32)
    return static_cast<Unsigned>(static_cast<std::int32_t>(b));
  if constexpr (kAction == Action::div || kAction == Action::mod || kAction == Action::sdiv ||
                kAction == Action::smod)
    return divide<kAction, Unsigned>(a, b);
}

// 32-bit results leave the upper half zero.
template <isa::Action kAction, unsigned kBits>
[[nodiscard]] constexpr std::uint64_t alu(std::uint64_t a, std::uint64_t b) {
  if constexpr (kBits == 64) return compute<kAction, std::uint64_t>(a, b);
  return compute<kAction, std::uint32_t>(static_cast<std::uint32_t>(a),
                                         static_cast<std::uint32_t>(b));
}

template <unsigned kBits>
[[nodiscard]] constexpr std::uint64_t negate(std::uint64_t a) {
  if constexpr (kBits == 64) return 0 - a;
  return static_cast<std::uint32_t>(0 - a);
}

template <isa::Action kAction, class Unsigned>
[[nodiscard]] constexpr bool holds(Unsigned a, Unsigned b) {
  using Signed = std::make_signed_t<Unsigned>;
  using isa::Action;
  const auto x = static_cast<Signed>(a);
  const auto y = static_cast<Signed>(b);
  if constexpr (kAction == Action::eq) return a == b;
  if constexpr (kAction == Action::ne) return a != b;
  if constexpr (kAction == Action::gt) return a > b;
  if constexpr (kAction == Action::ge) return a >= b;
  if constexpr (kAction == Action::lt) return a < b;
  if constexpr (kAction == Action::le) return a <= b;
  if constexpr (kAction == Action::set) return (a & b) != 0;
  if constexpr (kAction == Action::sgt) return x > y;
  if constexpr (kAction == Action::sge) return x >= y;
  if constexpr (kAction == Action::slt) return x < y;
  if constexpr (kAction == Action::sle) return x <= y;
}

template <isa::Action kAction, unsigned kBits>
[[nodiscard]] constexpr bool compare(std::uint64_t a, std::uint64_t b) {
  if constexpr (kBits == 64) return holds<kAction, std::uint64_t>(a, b);
  return holds<kAction, std::uint32_t>(static_cast<std::uint32_t>(a),
                                       static_cast<std::uint32_t>(b));
}

template <unsigned kBits>
struct UnsignedOf;
template <>
struct UnsignedOf<8> {
  using Type = std::uint8_t;
};
template <>
struct UnsignedOf<16> {
  using Type = std::uint16_t;
};
template <>
struct UnsignedOf<32> {
  using Type = std::uint32_t;
};
template <>
struct UnsignedOf<64> {
  using Type = std::uint64_t;
};
template <unsigned kBits>
using Unsigned = typename UnsignedOf<kBits>::Type;

template <isa::Action kAction, unsigned kBits>
[[nodiscard]] constexpr std::uint64_t reorder(std::uint64_t a) {
  const auto value = static_cast<Unsigned<kBits>>(a);
  constexpr bool kSwaps =
      kAction == isa::Action::swap ||
      (kAction == isa::Action::to_be) == (std::endian::native == std::endian::little);
  return kSwaps ? std::byteswap(value) : value;
}

}  // namespace skep::engine
