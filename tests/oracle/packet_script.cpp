// SPDX-License-Identifier: Apache-2.0
#include "tests/oracle/packet_script.h"

#include <algorithm>

namespace skep::test {

namespace {

using isa::Insn;

constexpr std::uint8_t kContextRegister = 6;
constexpr std::uint8_t kNotesRegister = 7;

void append_imm64(isa::Program& out, std::uint8_t dst, std::uint64_t value, std::uint8_t kind = 0) {
  out.push_back({.code = isa::kImm64Code,
                 .dst = dst,
                 .src = kind,
                 .imm = static_cast<std::int32_t>(value & 0xffff'ffff)});
  out.push_back({.imm = static_cast<std::int32_t>(value >> 32)});
}

void append_argument(isa::Program& out, std::uint8_t dst, const Argument& argument,
                     std::size_t step) {
  switch (argument.kind) {
    case Argument::Kind::number:
      append_imm64(out, dst, argument.value);
      return;
    case Argument::Kind::context:
      out.push_back({.code = 0xbf, .dst = dst, .src = kContextRegister});
      return;
    case Argument::Kind::buffer:
      out.push_back({.code = 0xbf, .dst = dst, .src = kNotesRegister});
      out.push_back(
          {.code = 0x07,
           .dst = dst,
           .imm = static_cast<std::int32_t>(offsetof(Notes, buffers) + step * kBufferBytes)});
      return;
    case Argument::Kind::null:
      out.push_back({.code = 0xb7, .dst = dst});
      return;
  }
}

void set_ethertype(Bytes& frame, std::size_t at, std::uint16_t type) {
  if (at + 2 > frame.size()) return;
  frame[at] = static_cast<std::byte>(type >> 8);
  frame[at + 1] = static_cast<std::byte>(type);
}

}  // namespace

isa::Program compile(const Script& script, std::span<const Noted> noted, int map,
                     std::int32_t retval) {
  isa::Program out;
  out.push_back({.code = 0xbf, .dst = kContextRegister, .src = 1});
  append_imm64(out, kNotesRegister, static_cast<std::uint32_t>(map), 2);
  for (std::size_t step = 0; step < script.size(); ++step) {
    for (std::size_t i = 0; i < script[step].arguments.size(); ++i)
      append_argument(out, static_cast<std::uint8_t>(i + 1), script[step].arguments[i], step);
    out.push_back({.code = 0x85, .imm = static_cast<std::int32_t>(script[step].helper)});
    out.push_back(
        {.code = 0x7b, .dst = kNotesRegister, .offset = static_cast<std::int16_t>(step * 8)});
  }
  for (std::size_t i = 0; i < noted.size(); ++i) {
    const std::uint8_t load = noted[i].bytes == 8 ? 0x79 : noted[i].bytes == 4 ? 0x61 : 0x71;
    out.push_back({.code = load,
                   .dst = 2,
                   .src = kContextRegister,
                   .offset = static_cast<std::int16_t>(noted[i].offset)});
    out.push_back({.code = 0x7b,
                   .dst = kNotesRegister,
                   .src = 2,
                   .offset = static_cast<std::int16_t>(offsetof(Notes, fields) + i * 8)});
  }
  out.push_back({.code = 0xb7, .imm = retval});
  out.push_back({.code = 0x95});
  return out;
}

std::string print(const Script& script) {
  std::string out;
  for (const Step& step : script) {
    append_text(out, "{}(", step.helper);
    for (const Argument& argument : step.arguments) {
      if (argument.kind == Argument::Kind::number) append_text(out, "{:#x} ", argument.value);
      if (argument.kind == Argument::Kind::context) out += "ctx ";
      if (argument.kind == Argument::Kind::buffer) out += "buf ";
      if (argument.kind == Argument::Kind::null) out += "null ";
    }
    out += ") ";
  }
  return out;
}

Bytes random_frame(Random& random) {
  constexpr std::uint16_t kTypes[] = {0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd,
                                      0x8100, 0x88a8, 0x0806, 0x0005};
  const std::uint32_t bytes = random.one_in(6)   ? 14 + random.below(8)
                              : random.one_in(8) ? 200 + random.below(1300)
                                                 : 34 + random.below(100);
  Bytes frame(bytes);
  for (std::byte& byte : frame) byte = static_cast<std::byte>(random.below(256));
  if (random.one_in(2))
    std::fill_n(frame.begin(), 6, random.one_in(4) ? std::byte{0xff} : std::byte{0});
  std::size_t at = 12;
  for (unsigned depth = 0; depth < 4; ++depth, at += 4) {
    const std::uint16_t type = random.one_of(kTypes);
    set_ethertype(frame, at, type);
    if (type != 0x8100 && type != 0x88a8) break;
  }
  if (at + 2 < frame.size() && random.one_in(2))
    frame[at + 2] = frame[at + 1] == std::byte{0xdd} ? std::byte{0x60} : std::byte{0x45};
  return frame;
}

}  // namespace skep::test
