// SPDX-License-Identifier: Apache-2.0
#include "tests/support/classic_random.h"

#include <algorithm>

namespace skep::test {

using isa::ClassicInsn;
using isa::ClassicKind;
using isa::ClassicOp;
using isa::ClassicOperand;
using isa::ClassicVerb;

// From 0, from the network header, from the link-layer header, or near the borders between them.
std::uint32_t ClassicRandom::packet_offset() {
  constexpr auto kNetwork = static_cast<std::uint32_t>(engine::kNetworkBase);
  constexpr auto kLink = static_cast<std::uint32_t>(engine::kLinkBase);
  switch (below(16)) {
    case 0:
    case 1:
      return kNetwork + below(40);
    case 2:
    case 3:
      return kLink + below(40);
    case 4:
      return isa::kAncillaryBase - 1 - below(20);
    case 5:
      return one_in(2) ? kNetwork - 1 - below(8) : kLink - 1 - below(8);
    case 6:
      return number();
    default:
      return below(64);
  }
}

std::uint32_t ClassicRandom::operand(const ClassicOp& op, ClassicKind kind, std::uint32_t left) {
  const bool shifts = op.action == isa::Action::lsh || op.action == isa::Action::rsh;
  switch (op.operand) {
    case ClassicOperand::constant:
      return shifts && !one_in(20) ? below(33) : number();
    case ClassicOperand::packet:
      if (kind == ClassicKind::seccomp) return one_in(20) ? number() : below(17) * 4;
      if (one_in(4)) return one_of(isa::kAncillaries).k + (one_in(30) ? below(80) : 0);
      return packet_offset();
    case ClassicOperand::packet_x:
    case ClassicOperand::header:
      return packet_offset();
    case ClassicOperand::memory:
      return one_in(30) ? number() : below(4);
    case ClassicOperand::target:
      return one_in(30) ? number() : below(std::min(left, 8U) + 1);
    default:
      return one_in(20) ? number() : 0;
  }
}

// Any, but loads that bring something in more often than others. X is rarely a good offset, and a
// load that fails ends the program.
const ClassicOp& ClassicRandom::operation(ClassicKind kind) {
  for (;;) {
    const ClassicOp& op = one_of(isa::kClassicOps);
    if (op.operand == ClassicOperand::packet_x && !one_in(4)) continue;
    if (kind == ClassicKind::seccomp && !op.seccomp && !one_in(50)) continue;
    if (op.operand == ClassicOperand::packet || one_in(2)) return op;
  }
}

// `left`: how many instructions follow.
ClassicInsn ClassicRandom::insn(ClassicKind kind, std::uint32_t left) {
  const ClassicOp& op = operation(kind);
  ClassicInsn insn{.code = op.code, .k = operand(op, kind, left)};
  if (op.verb == ClassicVerb::jump_if || one_in(40)) {
    insn.jt = static_cast<std::uint8_t>(below(std::min(left, 9U) + 1));
    insn.jf = static_cast<std::uint8_t>(below(std::min(left, 9U) + 1));
  }
  if (one_in(400)) insn.code = static_cast<std::uint16_t>(below(0x200));
  return insn;
}

isa::ClassicProgram ClassicRandom::program(ClassicKind kind, std::uint32_t most_insns) {
  const std::uint32_t count = 1 + below(most_insns);
  isa::ClassicProgram program;
  if (one_in(2))
    for (std::uint32_t word = 0; word < std::min(4U, count - 1); ++word)
      program.push_back({.code = one_in(2) ? std::uint16_t{0x02} : std::uint16_t{0x03}, .k = word});
  while (program.size() < count - 1) {
    ClassicInsn made = insn(kind, count - 1 - static_cast<std::uint32_t>(program.size()));
    // An early end would leave the rest untested.
    if (isa::find_classic_op(made.code) != nullptr &&
        isa::find_classic_op(made.code)->verb == ClassicVerb::finish && !one_in(6))
      made.code = 0x07;
    program.push_back(made);
  }
  if (!one_in(50))
    program.push_back({.code = one_in(4) ? std::uint16_t{0x06} : std::uint16_t{0x16}});
  return program;
}

isa::ClassicFilter ClassicRandom::filter(ClassicKind kind, std::uint32_t most_insns) {
  for (;;)
    if (auto made = isa::ClassicFilter::make(program(kind, most_insns), kind))
      return *std::move(made);
}

void ClassicRandom::mutate(isa::ClassicProgram& program) {
  for (std::uint32_t changes = 1 + below(3); changes > 0 && !program.empty(); --changes) {
    const std::size_t at = below(static_cast<std::uint32_t>(program.size()));
    ClassicInsn& insn = program[at];
    switch (below(7)) {
      case 0:
        insn.code = one_in(2) ? one_of(isa::kClassicOps).code : static_cast<std::uint16_t>(next());
        break;
      case 1:
        insn.jt = static_cast<std::uint8_t>(number());
        break;
      case 2:
        insn.jf = static_cast<std::uint8_t>(number());
        break;
      case 3:
        insn.k = number();
        break;
      case 4:
        insn.k += one_in(2) ? 1 : -1;
        break;
      case 5:
        program.erase(program.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      default:
        program.insert(program.begin() + static_cast<std::ptrdiff_t>(at), ClassicInsn(insn));
        break;
    }
  }
}

Bytes ClassicRandom::packet(std::uint32_t least_bytes) {
  Bytes packet(least_bytes + (one_in(4) ? 0 : 64) + below(64));
  const bool small = one_in(2);
  for (std::byte& byte : packet) byte = static_cast<std::byte>(small ? below(70) : below(256));
  return packet;
}

engine::SocketFields ClassicRandom::fields(std::uint32_t length) {
  const bool tagged = one_in(2);
  return {.length = length,
          .packet_type = below(5),
          .mark = number(),
          .queue = below(0x10000),
          .protocol = below(0x10000),
          .vlan_present = tagged ? 1U : 0U,
          .vlan_tci = tagged ? below(0x10000) : 0U,
          .vlan_protocol = tagged ? below(0x10000) : 0U,
          .ifindex = below(100),
          .hash = number()};
}

engine::SeccompData ClassicRandom::seccomp_data() {
  engine::SeccompData data{.number = static_cast<std::int32_t>(number()),
                           .arch = number(),
                           .instruction_pointer = next()};
  for (std::uint64_t& argument : data.arguments)
    argument = std::uint64_t{number()} << 32 | number();
  return data;
}

}  // namespace skep::test
