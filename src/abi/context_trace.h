// SPDX-License-Identifier: Apache-2.0
// Contexts of programs that trace, as the programs see them: the registers of x86-64 and arm64, and
// what perf events and raw tracepoints add. Plain data, no owner.
#pragma once

#include <cstddef>
#include <cstdint>

// NOLINTBEGIN(readability-identifier-naming)
namespace skep::abi {

// x86-64, in the order of struct pt_regs.
struct pt_regs {
  std::uint64_t r15;
  std::uint64_t r14;
  std::uint64_t r13;
  std::uint64_t r12;
  std::uint64_t bp;
  std::uint64_t bx;
  std::uint64_t r11;
  std::uint64_t r10;
  std::uint64_t r9;
  std::uint64_t r8;
  std::uint64_t ax;
  std::uint64_t cx;
  std::uint64_t dx;
  std::uint64_t si;
  std::uint64_t di;
  std::uint64_t orig_ax;
  std::uint64_t ip;
  std::uint64_t cs;
  std::uint64_t flags;
  std::uint64_t sp;
  std::uint64_t ss;
};
static_assert(sizeof(pt_regs) == 168);
static_assert(offsetof(pt_regs, ax) == 80);
static_assert(offsetof(pt_regs, di) == 112);
static_assert(offsetof(pt_regs, ip) == 128);
static_assert(offsetof(pt_regs, sp) == 152);

// arm64: what programs see of its pt_regs.
struct user_pt_regs {
  std::uint64_t regs[31];
  std::uint64_t sp;
  std::uint64_t pc;
  std::uint64_t pstate;
};
static_assert(sizeof(user_pt_regs) == 272);
static_assert(offsetof(user_pt_regs, pc) == 256);

#if defined(__aarch64__)
using bpf_user_pt_regs_t = user_pt_regs;
// What a kprobe sees is larger than its named part: kernel, arch/arm64/include/asm/ptrace.h.
inline constexpr std::uint32_t kKernelRegsBytes = 336;
#else
using bpf_user_pt_regs_t = pt_regs;
inline constexpr std::uint32_t kKernelRegsBytes = sizeof(pt_regs);
#endif

struct bpf_perf_event_data {
  bpf_user_pt_regs_t regs;
  std::uint64_t sample_period;
  std::uint64_t addr;
};
static_assert(sizeof(bpf_perf_event_data) == sizeof(bpf_user_pt_regs_t) + 16);

// A raw tracepoint has up to twelve arguments, and its context holds no more than these.
inline constexpr std::uint32_t MAX_BPF_FUNC_ARGS = 12;

struct bpf_raw_tracepoint_args {
  std::uint64_t args[MAX_BPF_FUNC_ARGS];
};

// The largest record of a tracepoint, and so the end of its context.
inline constexpr std::uint32_t PERF_MAX_TRACE_SIZE = 8192;

}  // namespace skep::abi
// NOLINTEND(readability-identifier-naming)
