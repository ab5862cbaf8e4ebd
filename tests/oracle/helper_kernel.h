// SPDX-License-Identifier: Apache-2.0
// What the tests of helpers ask of the running Linux beyond linux_bpf.h: loading any kind of
// program under any license with the verifier's words about it, and runs that leave a buffer in a
// map.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/hex.h"
#include "isa/insn.h"

namespace skep::test {

// A program of Linux: type, attach type, and what of the kernel's BTF it is about.
struct ProgramKind {
  std::uint32_t type = 0;
  std::uint32_t attach = 0;
  std::uint32_t btf_id = 0;
  std::uint32_t flags = 0;
};

struct HelperVerdict {
  Fd program{};
  int sys = 0;
  std::string log{};

  [[nodiscard]] bool accepted() const { return static_cast<bool>(program); }
  [[nodiscard]] bool says(std::string_view words) const {
    return log.find(words) != std::string::npos;
  }
};

[[nodiscard]] HelperVerdict load_helper_program(const ProgramKind& kind,
                                                std::span<const isa::Insn> program,
                                                const char* license = "GPL");

// An array map of one value, which the process sees as memory.
class SharedValue {
 public:
  explicit SharedValue(std::uint32_t bytes, bool read_only_for_programs = false);
  SharedValue(const SharedValue&) = delete;
  SharedValue& operator=(const SharedValue&) = delete;
  ~SharedValue();
  [[nodiscard]] bool ok() const { return !bytes_.empty(); }
  [[nodiscard]] int fd() const { return map_.get(); }
  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

 private:
  Fd map_;
  std::span<std::byte> bytes_;
};

// A map of one value that programs may only read and nobody may change any more.
[[nodiscard]] Fd frozen_value(std::span<const std::byte> value);

// One BPF_PROG_TEST_RUN of a syscall program; its r0. `sys` is the errno of the run.
struct SyscallRun {
  int sys = 0;
  std::uint32_t retval = 0;
};
[[nodiscard]] SyscallRun run_syscall_program(int program, std::span<std::byte> context);

}  // namespace skep::test
