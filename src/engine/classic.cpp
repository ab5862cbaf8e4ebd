// SPDX-License-Identifier: Apache-2.0
#include "engine/classic.h"

#include <array>
#include <bit>

#include "base/cursor.h"

namespace skep::engine {

namespace {

using isa::Action;
using isa::AncillarySource;
using isa::ClassicInsn;
using isa::ClassicOp;
using isa::ClassicOperand;
using isa::ClassicVerb;

struct Registers {
  std::uint32_t a = 0;
  std::uint32_t x = 0;
  std::array<std::uint32_t, isa::kClassicWords> words{};
};

std::uint32_t random_of(const ClassicContext& context) {
  return context.random == nullptr ? 0 : context.random(context.random_self);
}

std::uint32_t ancillary(const isa::Ancillary& row, const Registers& now,
                        const ClassicContext& context) {
  const auto* fields = reinterpret_cast<const std::byte*>(&context.fields);
  switch (row.source) {
    case AncillarySource::field:
      return load<std::uint32_t>(fields + row.place);
    case AncillarySource::field_be16:
      return big_endian(static_cast<std::uint16_t>(load<std::uint32_t>(fields + row.place)));
    case AncillarySource::call:
      return row.place == isa::kCpuHelper ? context.cpu : random_of(context);
    case AncillarySource::xor_x:
      return now.a ^ now.x;
    case AncillarySource::not_a_packet:
      break;
  }
  return 0;
}

// Loads from what the filter is about; nothing when that ends the program.
std::optional<std::uint32_t> load_outside(const ClassicOp& op, const ClassicInsn& insn,
                                          const Registers& now, const ClassicContext& context) {
  const auto offset = std::bit_cast<std::int32_t>(insn.k);
  switch (op.operand) {
    case ClassicOperand::length:
      return context.fields.length;
    case ClassicOperand::packet_x:
      return load_packet(context.packet, std::bit_cast<std::int32_t>(now.x + insn.k), op.bits / 8);
    case ClassicOperand::header: {
      const auto byte = load_packet(context.packet, offset, 1);
      if (!byte) return std::nullopt;
      return (*byte & 0xf) * 4;
    }
    default:
      break;
  }
  if (const isa::Ancillary* row = find_ancillary(insn)) return ancillary(*row, now, context);
  return load_packet(context.packet, offset, op.bits / 8);
}

std::optional<std::uint32_t> load_outside(const ClassicOp& op, const ClassicInsn& insn,
                                          const Registers&, const SeccompData& data) {
  if (op.operand == ClassicOperand::length) return isa::kSeccompBytes;
  return load<std::uint32_t>(reinterpret_cast<const std::byte*>(&data) + insn.k);
}

template <class Data>
std::optional<std::uint32_t> value_of(const ClassicOp& op, const ClassicInsn& insn,
                                      const Registers& now, const Data& data) {
  switch (op.operand) {
    case ClassicOperand::none:
    case ClassicOperand::constant:
    case ClassicOperand::target:
      return insn.k;
    case ClassicOperand::a:
      return now.a;
    case ClassicOperand::x:
      return now.x;
    case ClassicOperand::memory:
      return now.words[insn.k];
    default:
      return load_outside(op, insn, now, data);
  }
}

// Nothing for a division by zero, which ends the program.
std::optional<std::uint32_t> compute(Action action, std::uint32_t a, std::uint32_t b) {
  switch (action) {
    case Action::add:
      return a + b;
    case Action::sub:
      return a - b;
    case Action::mul:
      return a * b;
    case Action::div:
      return b == 0 ? std::nullopt : std::optional(a / b);
    case Action::mod:
      return b == 0 ? std::nullopt : std::optional(a % b);
    case Action::bit_or:
      return a | b;
    case Action::bit_and:
      return a & b;
    case Action::bit_xor:
      return a ^ b;
    case Action::lsh:
      return a << (b & 31);
    case Action::rsh:
      return a >> (b & 31);
    default:
      return 0 - a;  // neg, the only one left
  }
}

bool holds(Action action, std::uint32_t a, std::uint32_t b) {
  switch (action) {
    case Action::eq:
      return a == b;
    case Action::gt:
      return a > b;
    case Action::ge:
      return a >= b;
    default:
      return (a & b) != 0;
  }
}

template <class Data>
std::uint32_t run(const isa::ClassicProgram& program, const Data& data) {
  Registers now;
  // ClassicFilter's promises: known opcodes, words that exist, jumps inside, ret at the end.
  for (std::size_t at = 0;; ++at) {
    const ClassicInsn& insn = program[at];
    const ClassicOp& op = *isa::find_classic_op(insn.code);
    if (op.verb == ClassicVerb::store || op.verb == ClassicVerb::store_x) {
      now.words[insn.k] = op.verb == ClassicVerb::store ? now.a : now.x;
      continue;
    }
    std::optional<std::uint32_t> value = value_of(op, insn, now, data);
    if (value && op.verb == ClassicVerb::alu) value = compute(op.action, now.a, *value);
    if (!value) return 0;
    switch (op.verb) {
      case ClassicVerb::load:
      case ClassicVerb::alu:
        now.a = *value;
        break;
      case ClassicVerb::load_x:
        now.x = *value;
        break;
      case ClassicVerb::jump:
        at += *value;
        break;
      case ClassicVerb::jump_if:
        at += holds(op.action, now.a, *value) ? insn.jt : insn.jf;
        break;
      case ClassicVerb::finish:
        return *value;
      case ClassicVerb::to_x:
        now.x = now.a;
        break;
      case ClassicVerb::to_a:
        now.a = now.x;
        break;
      case ClassicVerb::store:
      case ClassicVerb::store_x:
        break;
    }
  }
}

const ClassicContext& from_helper(void* context) {
  return *static_cast<const ClassicContext*>(context);
}

std::uint64_t get_random(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                         void* context) {
  return random_of(from_helper(context));
}

std::uint64_t get_cpu(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                      void* context) {
  return from_helper(context).cpu;
}

HelperFunction find_helper(std::uint32_t number) {
  if (number == isa::kRandomHelper) return get_random;
  return number == isa::kCpuHelper ? get_cpu : nullptr;
}

std::uint64_t address_of(const void* object) { return reinterpret_cast<std::uintptr_t>(object); }

}  // namespace

ClassicContext context_of(std::span<const std::byte> frame) {
  ClassicContext context;
  context.packet.bytes = frame;
  context.fields.length = context.packet.length();
  if (frame.size() >= kEthernetHeaderBytes)
    context.fields.protocol = load<std::uint16_t>(frame.data() + kEthernetHeaderBytes - 2);
  return context;
}

std::uint32_t run_classic(const isa::ClassicFilter& filter, const ClassicContext& context) {
  SKEP_ASSERT(filter.kind() == isa::ClassicKind::socket);
  return run(filter.program(), context);
}

std::uint32_t run_classic(const isa::ClassicFilter& filter, const SeccompData& data) {
  SKEP_ASSERT(filter.kind() == isa::ClassicKind::seccomp);
  return run(filter.program(), data);
}

Calls classic_calls() { return {.helper = find_helper}; }

Input input_of(const ClassicContext& context) {
  return {.r1 = address_of(&context.fields),
          .packet = &context.packet,
          // Helpers get it as void* and only read.
          .context = const_cast<ClassicContext*>(&context)};
}

Input input_of(const SeccompData& data) { return {.r1 = address_of(&data)}; }

Region region_of(const ClassicContext& context) {
  return {.name = "__sk_buff",
          .begin = address_of(&context.fields),
          .bytes = sizeof context.fields,
          .writable = false};
}

Region region_of(const SeccompData& data) {
  return {
      .name = "seccomp_data", .begin = address_of(&data), .bytes = sizeof data, .writable = false};
}

}  // namespace skep::engine
