// SPDX-License-Identifier: Apache-2.0
// One 8-byte slot of a program (RFC 9669 section 3), its fields apart. A 64-bit
// immediate takes two slots: the second is all zero but for its immediate.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/hex.h"

namespace skep::isa {

struct Insn {
  std::uint8_t code = 0;
  std::uint8_t dst = 0;
  std::uint8_t src = 0;
  std::int16_t offset = 0;
  std::int32_t imm = 0;

  bool operator==(const Insn&) const = default;
};

using Program = std::vector<Insn>;

inline constexpr std::size_t kInsnBytes = 8;
inline constexpr unsigned kRegisters = 11;     // r0 to r10
inline constexpr unsigned kFramePointer = 10;  // read only
inline constexpr std::size_t kStackBytes = 512;
inline constexpr unsigned kMaxCallDepth = 8;
inline constexpr std::size_t kMaxInsns = 1'000'000;  // kernel: BPF_COMPLEXITY_LIMIT_INSNS
inline constexpr std::uint8_t kImm64Code = 0x18;

[[nodiscard]] constexpr bool is_imm64(const Insn& insn) { return insn.code == kImm64Code; }

// The value that both slots of a 64-bit immediate make.
[[nodiscard]] constexpr std::uint64_t imm64(const Insn& low, const Insn& high) {
  return std::uint64_t{static_cast<std::uint32_t>(high.imm)} << 32 |
         static_cast<std::uint32_t>(low.imm);
}

// Bytes to slots and back, in either byte order. Decoding asks only for whole slots: what they mean
// is check's business.
[[nodiscard]] Result<Program> decode(std::span<const std::byte> bytes,
                                     std::endian order = std::endian::little);
[[nodiscard]] Bytes encode(std::span<const Insn> program, std::endian order = std::endian::little);

}  // namespace skep::isa
