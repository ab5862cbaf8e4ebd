// SPDX-License-Identifier: Apache-2.0
// clang's assembler and llvm-objdump as functions over bytes and text. A test asks why_no_llvm()
// first and skips with what it says.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "isa/insn.h"

namespace skep::test {

// Nothing when the tools are here and know BPF, else the reason. Asks once.
[[nodiscard]] const std::optional<std::string>& why_no_llvm();

// A directory that goes away with its files.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] std::string path(std::string_view name) const;

 private:
  std::string path_;
};

// What a command writes to standard output; fails with its standard error.
[[nodiscard]] Result<std::string> output_of(const std::string& command);

// The whole output of llvm-objdump -d, without the three lines of heading.
[[nodiscard]] Result<std::string> objdump(const isa::Program& program);

struct DumpedInsn {
  std::size_t at;
  std::string_view text;  // without "<symbol+0x8>" behind it
};

// The lines of objdump's output that are instructions.
[[nodiscard]] std::vector<DumpedInsn> parse_objdump(std::string_view dump);

// The bytes of .text; fails with what clang says.
[[nodiscard]] Result<Bytes> assemble_by_clang(std::string_view source);

}  // namespace skep::test
