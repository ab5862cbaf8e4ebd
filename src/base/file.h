// SPDX-License-Identifier: Apache-2.0
// Whole files in and out, with a size limit on what is read. The name "-" is standard input.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/hex.h"

namespace skep {

inline constexpr std::uint64_t kMaxFileBytes = std::uint64_t{256} << 20;

[[nodiscard]] Result<Bytes> read_file(const std::string& path,
                                      std::uint64_t at_most = kMaxFileBytes);
[[nodiscard]] Status write_file(const std::string& path, std::span<const std::byte> bytes);

[[nodiscard]] inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline std::span<const std::byte> as_bytes(std::string_view characters) {
  return std::as_bytes(std::span(characters.data(), characters.size()));
}

}  // namespace skep
