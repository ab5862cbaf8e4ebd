// SPDX-License-Identifier: Apache-2.0
// The few commands of bpf(2) that tests need to ask the running Linux for its verdict: maps,
// loading with the verifier's log, test runs. A test asks why_no_bpf() first and skips with what it
// says.
#pragma once

#include <linux/bpf.h>

#include <optional>
#include <span>
#include <string>

#include "base/fd.h"
#include "isa/insn.h"

namespace skep::test {

// Nothing when maps can be made and programs loaded here, else the reason. Asks the kernel once.
[[nodiscard]] const std::optional<std::string>& why_no_bpf();

struct MapShape {
  bpf_map_type type = BPF_MAP_TYPE_ARRAY;
  std::uint32_t key_bytes = 4;
  std::uint32_t value_bytes = 8;
  std::uint32_t max_entries = 1;
  std::uint32_t flags = 0;
};

[[nodiscard]] Result<Fd> create_map(const MapShape& shape);

// For an array map; `value` must be as long as the map's values rounded up to 8 bytes.
[[nodiscard]] Status read_element(int map, std::uint32_t index, std::span<std::byte> value);
[[nodiscard]] Status write_element(int map, std::uint32_t index, std::span<const std::byte> value);

struct LoadRequest {
  std::span<const isa::Insn> program{};
  bpf_prog_type type = BPF_PROG_TYPE_SOCKET_FILTER;
  std::uint32_t log_level = 1;  // 0 for no log, which is faster; 2 shows each instruction
  std::uint32_t log_bytes = 1 << 18;
  std::uint32_t flags = 0;
  // Where each function begins, main's 0 included: gives them BTF, without which Linux allows
  // neither packet loads nor code addresses in subprograms. Empty for no BTF.
  std::span<const std::uint32_t> functions{};
};

struct Verdict {
  Fd program{};  // holds one when Linux accepts
  int sys = 0;   // errno when it refuses
  std::string log{};

  [[nodiscard]] bool accepted() const { return static_cast<bool>(program); }
};

// Fails only when bpf(2) itself cannot be asked; a refusal is a verdict.
[[nodiscard]] Result<Verdict> load_program(const LoadRequest& request);

// One BPF_PROG_TEST_RUN; gives the low 32 bits of r0. Linux wants 14 bytes of packet or more.
[[nodiscard]] Result<std::uint32_t> test_run(int program, std::span<const std::byte> packet);

}  // namespace skep::test
