// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4): Linux's tag of a program is the first 8 bytes of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace skep::machine {

[[nodiscard]] std::array<std::uint8_t, 32> sha256(std::span<const std::byte> bytes);

}  // namespace skep::machine
