// SPDX-License-Identifier: Apache-2.0
// Names of helpers for text, given from outside: which helpers exist is not the instruction set's
// business. Without names, calls are shown and written by number.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace skep::isa {

struct HelperNames {
  std::string_view (*name_of)(std::uint32_t number) = nullptr;  // empty when unknown
  std::optional<std::uint32_t> (*number_of)(std::string_view name) = nullptr;
};

}  // namespace skep::isa
