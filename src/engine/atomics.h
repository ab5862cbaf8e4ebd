// SPDX-License-Identifier: Apache-2.0
// Atomic operations on program memory. The ones that return a value are sequentially consistent as
// RFC 9669 section 5.3 asks; misaligned addresses are the host's business.
#pragma once

#include <bit>
#include <cstdint>

#include "isa/ops.h"

namespace skep::engine {

#define SKEP_ANY_ALIGNMENT __attribute__((no_sanitize("alignment")))

template <isa::Action kAction, class Unsigned>
SKEP_ANY_ALIGNMENT inline std::uint64_t fetch_at(std::uint64_t address, std::uint64_t operand) {
  auto* place = std::bit_cast<Unsigned*>(address);
  const auto value = static_cast<Unsigned>(operand);
  if constexpr (kAction == isa::Action::add)
    return __atomic_fetch_add(place, value, __ATOMIC_SEQ_CST);
  if constexpr (kAction == isa::Action::bit_or)
    return __atomic_fetch_or(place, value, __ATOMIC_SEQ_CST);
  if constexpr (kAction == isa::Action::bit_and)
    return __atomic_fetch_and(place, value, __ATOMIC_SEQ_CST);
  if constexpr (kAction == isa::Action::bit_xor)
    return __atomic_fetch_xor(place, value, __ATOMIC_SEQ_CST);
}

template <class Unsigned>
SKEP_ANY_ALIGNMENT inline std::uint64_t exchange_at(std::uint64_t address, std::uint64_t value) {
  return __atomic_exchange_n(std::bit_cast<Unsigned*>(address), static_cast<Unsigned>(value),
                             __ATOMIC_SEQ_CST);
}

// The old value, whether or not it was replaced.
template <class Unsigned>
SKEP_ANY_ALIGNMENT inline std::uint64_t compare_exchange_at(std::uint64_t address,
                                                            std::uint64_t expected,
                                                            std::uint64_t value) {
  auto old = static_cast<Unsigned>(expected);
  (void)__atomic_compare_exchange_n(std::bit_cast<Unsigned*>(address), &old,
                                    static_cast<Unsigned>(value), false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST);
  return old;
}

template <class Unsigned>
SKEP_ANY_ALIGNMENT inline std::uint64_t load_acquire_at(std::uint64_t address) {
  return __atomic_load_n(std::bit_cast<const Unsigned*>(address), __ATOMIC_ACQUIRE);
}

template <class Unsigned>
SKEP_ANY_ALIGNMENT inline void store_release_at(std::uint64_t address, std::uint64_t value) {
  __atomic_store_n(std::bit_cast<Unsigned*>(address), static_cast<Unsigned>(value),
                   __ATOMIC_RELEASE);
}

#undef SKEP_ANY_ALIGNMENT

}  // namespace skep::engine
