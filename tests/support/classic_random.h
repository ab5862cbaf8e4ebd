// SPDX-License-Identifier: Apache-2.0
// Random classic programs and what they run over, biased towards the boundaries that Linux checks.
// The same seed gives the same sequence everywhere.
#pragma once

#include <cstdint>
#include <span>

#include "engine/classic.h"
#include "tests/support/random_program.h"

namespace skep::test {

class ClassicRandom : public Random {
 public:
  using Random::Random;

  // Any operation, mostly with operands that are allowed; Linux takes about one in three.
  isa::ClassicProgram program(isa::ClassicKind kind, std::uint32_t most_insns = 40);
  // One that check_classic takes and that can run.
  isa::ClassicFilter filter(isa::ClassicKind kind, std::uint32_t most_insns = 40);
  // A few fields changed, insns dropped or doubled.
  void mutate(isa::ClassicProgram& program);

  Bytes packet(std::uint32_t least_bytes = 0);
  // Fields as a network card and the stack could have left them.
  engine::SocketFields fields(std::uint32_t length);
  engine::SeccompData seccomp_data();

 private:
  const isa::ClassicOp& operation(isa::ClassicKind kind);
  isa::ClassicInsn insn(isa::ClassicKind kind, std::uint32_t left);
  std::uint32_t operand(const isa::ClassicOp& op, isa::ClassicKind kind, std::uint32_t left);
  std::uint32_t packet_offset();
  std::uint32_t number() { return static_cast<std::uint32_t>(imm()); }
};

}  // namespace skep::test
