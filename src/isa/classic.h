// SPDX-License-Identifier: Apache-2.0
// Classic BPF, the filters of sockets and seccomp: its instruction, the table of all operations
// that Linux accepts, the table of ancillary loads, and both binary forms. Printing, assembling,
// checking, translating and running all read these two tables.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hex.h"
#include "isa/ops.h"

namespace skep::isa {

// struct sock_filter: jumps count instructions from the next one and only go forward.
struct ClassicInsn {
  std::uint16_t code = 0;
  std::uint8_t jt = 0;
  std::uint8_t jf = 0;
  std::uint32_t k = 0;

  bool operator==(const ClassicInsn&) const = default;
};
static_assert(sizeof(ClassicInsn) == 8);

using ClassicProgram = std::vector<ClassicInsn>;

inline constexpr std::size_t kMaxClassicInsns = 4096;  // kernel: BPF_MAXINSNS
inline constexpr std::uint32_t kClassicWords = 16;     // M[0] to M[15]
inline constexpr std::uint32_t kSeccompBytes = 64;     // struct seccomp_data

enum class ClassicVerb : std::uint8_t {
  load,     // A = operand
  load_x,   // X = operand
  store,    // operand = A
  store_x,  // operand = X
  alu,      // A = A action operand
  jump,
  jump_if,  // compares A with the operand
  finish,   // the program's result is the operand
  to_x,
  to_a,
};

enum class ClassicOperand : std::uint8_t {
  none,
  constant,  // #k
  a,
  x,
  packet,    // [k], or an ancillary load
  packet_x,  // [x + k]
  memory,    // M[k]
  length,    // #len
  header,    // 4*([k]&0xf), the length of an IPv4 header
  target,    // of ja
};

struct ClassicOp {
  std::uint16_t code;
  std::string_view name;
  ClassicVerb verb;
  ClassicOperand operand;
  Action action;      // of alu and jump_if, else move
  std::uint8_t bits;  // how much is loaded
  bool hex;           // tcpdump shows the constant in hex
  bool seccomp;       // seccomp takes it as well
};

inline constexpr auto kClassicOps = [] {
  using enum Action;
  using enum ClassicOperand;
  using enum ClassicVerb;
  return std::to_array<ClassicOp>({
      {0x00, "ld", load, constant, move, 32, true, true},
      {0x20, "ld", load, packet, move, 32, false, true},
      {0x28, "ldh", load, packet, move, 16, false, false},
      {0x30, "ldb", load, packet, move, 8, false, false},
      {0x40, "ld", load, packet_x, move, 32, false, false},
      {0x48, "ldh", load, packet_x, move, 16, false, false},
      {0x50, "ldb", load, packet_x, move, 8, false, false},
      {0x60, "ld", load, memory, move, 32, false, true},
      {0x80, "ld", load, length, move, 32, false, true},
      {0x01, "ldx", load_x, constant, move, 32, true, true},
      {0x61, "ldx", load_x, memory, move, 32, false, true},
      {0x81, "ldx", load_x, length, move, 32, false, true},
      {0xb1, "ldxb", load_x, header, move, 8, false, false},
      {0x02, "st", store, memory, move, 32, false, true},
      {0x03, "stx", store_x, memory, move, 32, false, true},
      {0x04, "add", alu, constant, add, 32, false, true},
      {0x0c, "add", alu, x, add, 32, false, true},
      {0x14, "sub", alu, constant, sub, 32, false, true},
      {0x1c, "sub", alu, x, sub, 32, false, true},
      {0x24, "mul", alu, constant, mul, 32, false, true},
      {0x2c, "mul", alu, x, mul, 32, false, true},
      {0x34, "div", alu, constant, div, 32, false, true},
      {0x3c, "div", alu, x, div, 32, false, true},
      {0x44, "or", alu, constant, bit_or, 32, true, true},
      {0x4c, "or", alu, x, bit_or, 32, false, true},
      {0x54, "and", alu, constant, bit_and, 32, true, true},
      {0x5c, "and", alu, x, bit_and, 32, false, true},
      {0x64, "lsh", alu, constant, lsh, 32, false, true},
      {0x6c, "lsh", alu, x, lsh, 32, false, true},
      {0x74, "rsh", alu, constant, rsh, 32, false, true},
      {0x7c, "rsh", alu, x, rsh, 32, false, true},
      {0x84, "neg", alu, none, neg, 32, false, true},
      {0x94, "mod", alu, constant, mod, 32, false, false},
      {0x9c, "mod", alu, x, mod, 32, false, false},
      {0xa4, "xor", alu, constant, bit_xor, 32, true, true},
      {0xac, "xor", alu, x, bit_xor, 32, false, true},
      {0x05, "ja", jump, target, move, 32, false, true},
      {0x15, "jeq", jump_if, constant, eq, 32, true, true},
      {0x1d, "jeq", jump_if, x, eq, 32, false, true},
      {0x25, "jgt", jump_if, constant, gt, 32, true, true},
      {0x2d, "jgt", jump_if, x, gt, 32, false, true},
      {0x35, "jge", jump_if, constant, ge, 32, true, true},
      {0x3d, "jge", jump_if, x, ge, 32, false, true},
      {0x45, "jset", jump_if, constant, set, 32, true, true},
      {0x4d, "jset", jump_if, x, set, 32, false, true},
      {0x06, "ret", finish, constant, move, 32, false, true},
      {0x16, "ret", finish, a, move, 32, false, true},
      {0x07, "tax", to_x, none, move, 32, false, true},
      {0x87, "txa", to_a, none, move, 32, false, true},
  });
}();

// Row plus one by opcode; 0 for none.
inline constexpr auto kClassicRows = [] {
  std::array<std::uint8_t, 256> rows{};
  for (std::size_t i = 0; i < kClassicOps.size(); ++i) {
    if (rows[kClassicOps[i].code] != 0) throw "opcode listed twice";
    rows[kClassicOps[i].code] = static_cast<std::uint8_t>(i + 1);
  }
  return rows;
}();

// nullptr when Linux has no such operation.
[[nodiscard]] inline const ClassicOp* find_classic_op(std::uint16_t code) {
  if (code >= kClassicRows.size() || kClassicRows[code] == 0) return nullptr;
  return &kClassicOps[kClassicRows[code] - 1U];
}

// Whether the operation gives a meaning to k; to jt and jf only jump_if does.
[[nodiscard]] constexpr bool uses_k(const ClassicOp& op) {
  return op.operand != ClassicOperand::none && op.operand != ClassicOperand::a &&
         op.operand != ClassicOperand::x && op.operand != ClassicOperand::length;
}

// Loads from [k] with k from here on are not packet bytes (uapi: SKF_AD_OFF).
inline constexpr std::uint32_t kAncillaryBase = 0xffff'f000;

enum class AncillarySource : std::uint8_t {
  field,         // 32 bits of struct __sk_buff
  field_be16,    // 16 bits of it in network order
  call,          // the result of a helper without arguments
  xor_x,         // A ^ X: an operation in the guise of a load
  not_a_packet,  // nothing that comes with a packet: refused
};

struct Ancillary {
  std::uint32_t k;
  std::string_view name;  // as bpf_asm writes it
  AncillarySource source;
  std::int16_t place;        // offset in struct __sk_buff, or number of the helper
  std::string_view why_not;  // for what is refused
};

inline constexpr std::int16_t kRandomHelper = 7;  // bpf_get_prandom_u32
inline constexpr std::int16_t kCpuHelper = 8;     // bpf_get_smp_processor_id

inline constexpr auto kAncillaries = [] {
  using enum AncillarySource;
  constexpr std::string_view kNetlink = "it searches a netlink message, which a packet is not";
  return std::to_array<Ancillary>({
      {kAncillaryBase + 0, "proto", field_be16, 16, {}},
      {kAncillaryBase + 4, "type", field, 4, {}},
      {kAncillaryBase + 8, "ifidx", field, 40, {}},
      {kAncillaryBase + 12, "nla", not_a_packet, 0, kNetlink},
      {kAncillaryBase + 16, "nlan", not_a_packet, 0, kNetlink},
      {kAncillaryBase + 20, "mark", field, 8, {}},
      {kAncillaryBase + 24, "queue", field, 12, {}},
      {kAncillaryBase + 28, "hatype", not_a_packet, 0,
       "it reads the hardware type of the device, which struct __sk_buff does not show"},
      {kAncillaryBase + 32, "rxhash", field, 68, {}},
      {kAncillaryBase + 36, "cpu", call, kCpuHelper, {}},
      {kAncillaryBase + 40, "xor_x", xor_x, 0, {}},
      {kAncillaryBase + 44, "vlan_tci", field, 24, {}},
      {kAncillaryBase + 48, "vlan_avail", field, 20, {}},
      {kAncillaryBase + 52, "poff", not_a_packet, 0,
       "it asks the kernel's flow dissector; read the header lengths from the packet instead"},
      {kAncillaryBase + 56, "rand", call, kRandomHelper, {}},
      {kAncillaryBase + 60, "vlan_tpid", field_be16, 28, {}},
  });
}();

[[nodiscard]] const Ancillary* find_known_ancillary(const ClassicInsn& insn);

// nullptr for every other instruction. In a seccomp filter there are none.
[[nodiscard]] inline const Ancillary* find_ancillary(const ClassicInsn& insn) {
  return insn.k < kAncillaryBase ? nullptr : find_known_ancillary(insn);
}

// The bytes of struct sock_filter. Decoding asks only for whole instructions.
[[nodiscard]] Result<ClassicProgram> decode_classic(std::span<const std::byte> bytes,
                                                    std::endian order = std::endian::little);
[[nodiscard]] Bytes encode_classic(std::span<const ClassicInsn> program,
                                   std::endian order = std::endian::little);

// The decimal text of `tcpdump -ddd` and `iptables -m bpf --bytecode`: the number of instructions,
// then four numbers each, parted by white space or commas. Errors begin with "name:line:column: ".
[[nodiscard]] Result<ClassicProgram> decode_classic_decimal(std::string_view source,
                                                            std::string_view name);
[[nodiscard]] std::string encode_classic_decimal(std::span<const ClassicInsn> program);

}  // namespace skep::isa
