// SPDX-License-Identifier: Apache-2.0
// The functions behind the helpers, one for each row of the table that has one; files helpers_*.cpp
// hold them by family. Arguments are r1 to r5 and the Run; a pointer argument is what the verifier
// says it is. Results are values, addresses, or negative errnos.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "machine/run.h"

namespace skep::machine::helper {

// NOLINTBEGIN(readability-redundant-declaration): numbers with several prototypes
#define SKEP_HELPER(number, name, ...)                                                          \
  std::uint64_t name(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, \
                     void*);
#define SKEP_HELPER_REFUSED(number, name, ...)
#include "machine/helpers.def"
#undef SKEP_HELPER
#undef SKEP_HELPER_REFUSED
// NOLINTEND(readability-redundant-declaration)

// r0 for an errno, given as negative as it is returned.
[[nodiscard]] constexpr std::uint64_t result(long value) {
  return static_cast<std::uint64_t>(value);
}

template <class T>
[[nodiscard]] T* pointer(std::uint64_t address) {
  return std::bit_cast<T*>(address);
}

template <class T>
[[nodiscard]] std::uint64_t address_of(T* pointer) {
  return std::bit_cast<std::uint64_t>(pointer);
}

}  // namespace skep::machine::helper
