// SPDX-License-Identifier: Apache-2.0
// Would Linux take this classic program? The verdict is the kernel's for SO_ATTACH_FILTER and for
// SECCOMP_SET_MODE_FILTER; the reason is ours. ClassicFilter is the proof that translating and
// running ask for.
#pragma once

#include <span>

#include "isa/classic.h"

namespace skep::isa {

enum class ClassicKind : std::uint8_t { socket, seccomp };

// Messages begin with "insn N: ".
[[nodiscard]] Status check_classic(std::span<const ClassicInsn> program, ClassicKind kind);

// A program that Linux would take and that can do its work outside the kernel.
class ClassicFilter {
 public:
  // Fails as check_classic does, and as unsupported for ancillary loads that only the kernel has.
  [[nodiscard]] static Result<ClassicFilter> make(ClassicProgram program, ClassicKind kind);

  [[nodiscard]] const ClassicProgram& program() const { return program_; }
  [[nodiscard]] ClassicKind kind() const { return kind_; }

 private:
  ClassicFilter(ClassicProgram program, ClassicKind kind)
      : program_(std::move(program)), kind_(kind) {}

  ClassicProgram program_;
  ClassicKind kind_;
};

}  // namespace skep::isa
