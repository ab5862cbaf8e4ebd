// SPDX-License-Identifier: Apache-2.0
#include "isa/insn.h"

#include "base/cursor.h"

namespace skep::isa {

namespace {

template <class T>
T in_order(T value, std::endian order) {
  return order == std::endian::native ? value : std::byteswap(value);
}

Insn decode_slot(const std::byte* slot, std::endian order) {
  const auto registers = std::to_integer<unsigned>(slot[1]);
  const unsigned low = registers & 15;
  const unsigned high = registers >> 4;
  const bool little = order == std::endian::little;
  return {.code = std::to_integer<std::uint8_t>(slot[0]),
          .dst = static_cast<std::uint8_t>((little ? low : high) & 15),
          .src = static_cast<std::uint8_t>((little ? high : low) & 15),
          .offset = in_order(load<std::int16_t>(slot + 2), order),
          .imm = in_order(load<std::int32_t>(slot + 4), order)};
}

void encode_slot(const Insn& insn, std::byte* slot, std::endian order) {
  const bool little = order == std::endian::little;
  const unsigned low = (little ? insn.dst : insn.src) & 15U;
  const unsigned high = (little ? insn.src : insn.dst) & 15U;
  slot[0] = static_cast<std::byte>(insn.code);
  slot[1] = static_cast<std::byte>(high << 4 | low);
  store(slot + 2, in_order(insn.offset, order));
  store(slot + 4, in_order(insn.imm, order));
}

}  // namespace

Result<Program> decode(std::span<const std::byte> bytes, std::endian order) {
  if (bytes.size() % kInsnBytes != 0)
    return fail(Code::invalid, "truncated: {} bytes are not a whole number of 8-byte instructions",
                bytes.size());
  Program program(bytes.size() / kInsnBytes);
  for (std::size_t i = 0; i < program.size(); ++i)
    program[i] = decode_slot(bytes.data() + i * kInsnBytes, order);
  return program;
}

Bytes encode(std::span<const Insn> program, std::endian order) {
  Bytes bytes(program.size() * kInsnBytes);
  for (std::size_t i = 0; i < program.size(); ++i)
    encode_slot(program[i], bytes.data() + i * kInsnBytes, order);
  return bytes;
}

}  // namespace skep::isa
