// SPDX-License-Identifier: Apache-2.0
// Program types as one table: context and who may touch what of it, attach types, return values,
// capabilities, test runs. The verifier, program loading, test runs and feature listings read it.
// Constant data, safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "abi/attach_types.h"
#include "abi/program_types.h"
#include "machine/context_fields.h"

namespace skep::machine {

// What a process needs to load the type. Unprivileged loading is a matter of the sysctl too.
enum class Capability : std::uint8_t { none_or_bpf, bpf, bpf_net_admin, bpf_perfmon, bpf_both };

// How BPF_PROG_TEST_RUN runs it; without a way it answers ENOTSUPP.
enum class TestRun : std::uint8_t {
  none,
  skb,  // these four take data
  xdp,
  flow_dissector,
  netfilter,
  raw_tracepoint,  // these three take a context alone
  sk_lookup,
  syscall,
  tracing,
  struct_ops,
};

enum class PacketAccess : std::uint8_t { none, read, write };

struct ReturnRange {
  NumberSet attach = NumberSet::all();
  std::int32_t min = 0;
  std::int32_t max = 0;
};

struct ProgramType {
  abi::bpf_prog_type number;
  std::span<const Field> (*fields)();  // nullptr: BTF of the attach point describes the context
  // What the context takes in the machine, pointers beside it included.
  std::uint32_t context_bytes = 0;
  PacketAccess packet = PacketAccess::none;
  Capability capability = Capability::bpf;
  TestRun test_run = TestRun::none;
  NumberSet attach = NumberSet::all();  // accepted as expected_attach_type, else EINVAL
  std::uint32_t attach_for_zero = 0;    // what an expected_attach_type of 0 stands for
  NumberSet sleepable{};                // attach types with which BPF_F_SLEEPABLE is accepted
  bool sleepable_only = false;
  // The first that has the attach type counts; none: any value may be returned.
  std::span<const ReturnRange> returns{};
};

// Every type, by number; UNSPEC is not among them.
[[nodiscard]] std::span<const ProgramType> program_types();
[[nodiscard]] const ProgramType* find_program_type(std::uint32_t number);

// The attach type that a load means; nothing when Linux answers EINVAL.
[[nodiscard]] std::optional<std::uint32_t> resolve_attach_type(const ProgramType& type,
                                                               std::uint32_t expected);

// Nothing when any value may be returned.
[[nodiscard]] const ReturnRange* return_range(const ProgramType& type, std::uint32_t attach);

struct ContextAccess {
  std::uint32_t attach = 0;  // resolved
  std::int64_t offset = 0;
  std::uint32_t bytes = 0;
  bool write = false;
  bool sign_extend = false;
};

// The field that is loaded or stored, nullptr when Linux refuses with EACCES. Not for types whose
// context BTF describes.
[[nodiscard]] const Field* check_access(const ProgramType& type, const ContextAccess& access);

}  // namespace skep::machine
