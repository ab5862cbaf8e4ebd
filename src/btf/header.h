// SPDX-License-Identifier: Apache-2.0
// Where in the bytes of a BTF its two sections are, checked as Linux checks it: no gap, no overlap,
// nothing else, strings last.
#pragma once

#include <cstdint>
#include <span>

#include "base/error.h"

namespace skep::btf {

inline constexpr std::uint64_t kMaxBtfBytes = std::uint64_t{16} << 20;

// Places count from the first byte of the BTF.
struct Layout {
  std::uint32_t types_at = 0;
  std::uint32_t type_bytes = 0;
  std::uint32_t strings_at = 0;
  std::uint32_t string_bytes = 0;
};

[[nodiscard]] Result<Layout> read_layout(std::span<const std::byte> bytes);

}  // namespace skep::btf
