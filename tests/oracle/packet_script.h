// SPDX-License-Identifier: Apache-2.0
// Scripts of helper calls on a packet: the same calls as a BPF program for Linux, which notes each
// result in a map, and as a list that the machine's functions are called with.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "isa/insn.h"
#include "tests/oracle/packet_kernel.h"
#include "tests/support/random_program.h"

namespace skep::test {

inline constexpr std::size_t kMaxSteps = 8;
inline constexpr std::size_t kBufferBytes = 64;
inline constexpr std::size_t kFieldSlots = 32;

// What an argument stands for.
struct Argument {
  enum class Kind : std::uint8_t { number, context, buffer, null };
  Kind kind = Kind::number;
  std::uint64_t value = 0;
};

struct Step {
  std::uint32_t helper = 0;
  std::vector<Argument> arguments{};

  [[nodiscard]] std::uint64_t number(std::size_t index) const { return arguments[index].value; }
};
using Script = std::vector<Step>;

// A field of the context that the program notes at its end.
struct Noted {
  std::uint32_t offset = 0;
  std::uint32_t bytes = 4;
};

// The map's one value.
struct Notes {
  std::array<std::int64_t, kMaxSteps> results{};
  std::array<std::uint64_t, kFieldSlots> fields{};
  std::array<std::array<std::byte, kBufferBytes>, kMaxSteps> buffers{};

  bool operator==(const Notes&) const = default;
};

[[nodiscard]] isa::Program compile(const Script& script, std::span<const Noted> noted, int map,
                                   std::int32_t retval);
[[nodiscard]] std::string print(const Script& script);

inline Argument number(std::uint64_t value) { return {.value = value}; }
inline constexpr Argument kContext = {.kind = Argument::Kind::context};
inline constexpr Argument kBuffer = {.kind = Argument::Kind::buffer};
inline constexpr Argument kNull = {.kind = Argument::Kind::null};

// A frame of IPv4, IPv6, ARP, VLANs or noise.
[[nodiscard]] Bytes random_frame(Random& random);

}  // namespace skep::test
