// SPDX-License-Identifier: Apache-2.0
// What the tests of program types and packets ask of the running Linux beyond linux_bpf.h: loading
// for any program and attach type, and test runs with everything that goes in and comes out.
#pragma once

#include <cstdint>
#include <span>

#include "base/fd.h"
#include "base/hex.h"
#include "isa/insn.h"

namespace skep::test {

struct LoadAs {
  std::uint32_t type = 0;
  std::uint32_t attach = 0;
  std::uint32_t flags = 0;
};

struct Loaded {
  Fd program{};
  int sys = 0;  // errno when Linux refused
  [[nodiscard]] bool accepted() const { return sys == 0; }
};

[[nodiscard]] Loaded load_as(const LoadAs& as, std::span<const isa::Insn> program);

// What Linux says when this process had only these capabilities (bits by number): 0 or an errno.
[[nodiscard]] int load_with_capabilities(const LoadAs& as, std::span<const isa::Insn> program,
                                         std::uint64_t capabilities);

struct RunRequest {
  std::span<const std::byte> data{};
  std::span<const std::byte> context{};
  std::uint32_t data_out_bytes = 4096;
  std::uint32_t context_out_bytes = 256;
  std::uint32_t repeat = 1;
  std::uint32_t flags = 0;
};

struct RunReply {
  int sys = 0;
  std::uint32_t retval = 0;
  std::uint32_t data_bytes = 0;  // as Linux reports, which may be more than there was room for
  std::uint32_t context_bytes = 0;
  Bytes data{};
  Bytes context{};
};

[[nodiscard]] RunReply run_program(int program, const RunRequest& request);

}  // namespace skep::test
