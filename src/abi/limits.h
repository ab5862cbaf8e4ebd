// SPDX-License-Identifier: Apache-2.0
// Limits and sizes of bpf(2), and the one errno that C libraries do not know. Numbers of
// Linux 6.18.
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi/system_macros.h"

namespace skep::abi {

// NOLINTBEGIN(readability-identifier-naming): names of the kernel's interface

// The kernel's own "not supported", which bpf(2) lets through to user space.
inline constexpr int ENOTSUPP = 524;

inline constexpr std::uint32_t BPF_OBJ_NAME_LEN = 16;  // with the terminating zero
inline constexpr std::uint32_t BPF_TAG_SIZE = 8;
inline constexpr std::uint32_t BPF_BUILD_ID_SIZE = 20;

// programs
inline constexpr std::uint32_t MAX_BPF_STACK = 512;
inline constexpr std::uint32_t MAX_BPF_FUNC_REG_ARGS = 5;  // of a BPF function
inline constexpr std::uint32_t MAX_TAIL_CALL_CNT = 33;
inline constexpr std::uint32_t MAX_CALL_FRAMES = 8;
inline constexpr std::uint32_t BPF_MAX_SUBPROGS = 256;
inline constexpr std::uint32_t MAX_USED_MAPS = 64;
inline constexpr std::uint32_t MAX_USED_BTFS = 64;
inline constexpr std::uint32_t MAX_KFUNC_DESCS = 256;
inline constexpr std::uint32_t MAX_KFUNC_BTFS = 256;
inline constexpr std::uint32_t BPF_MAXINSNS = 4096;  // to load without privilege
inline constexpr std::uint32_t BPF_COMPLEXITY_LIMIT_INSNS = 1'000'000;
// the verifier gives up when so many branches wait for it
inline constexpr std::uint32_t BPF_COMPLEXITY_LIMIT_JMP_SEQ = 8192;
inline constexpr std::uint32_t BPF_MAX_LOOPS = 8 * 1024 * 1024;  // of bpf_loop and bpf_repeat
inline constexpr std::uint32_t BPF_MAX_TIMED_LOOPS = 0xffff;
inline constexpr std::uint32_t BPF_MAX_TRAMP_LINKS = 38;
inline constexpr std::uint32_t BPF_CGROUP_MAX_PROGS = 64;
inline constexpr std::uint32_t BPF_MPROG_MAX = 64;  // of one tcx or netkit hook
inline constexpr std::uint32_t MAX_BPRINTF_VARARGS = 12;
inline constexpr std::uint32_t MAX_BPRINTF_BUF = 1024;
inline constexpr std::uint32_t MAX_TRACE_PRINTK_VARARGS = 3;

// maps
inline constexpr std::uint32_t PCPU_MIN_UNIT_SIZE = 32 * 1024;  // a per-CPU value may be no larger
// 2^16 - 1, less what Linux 6.18 keeps beside each value; more is E2BIG
inline constexpr std::uint32_t BPF_LOCAL_STORAGE_MAX_VALUE_SIZE = 65407;
inline constexpr std::uint32_t LPM_DATA_SIZE_MIN = 1;
inline constexpr std::uint32_t LPM_DATA_SIZE_MAX = 256;
inline constexpr std::uint32_t kLpmKeyHeaderBytes = 4;  // prefixlen, host order
inline constexpr std::uint32_t PERF_MAX_STACK_DEPTH = 127;
inline constexpr std::uint32_t BTF_FIELDS_MAX = 11;
inline constexpr std::uint32_t BPF_STREAM_MAX_CAPACITY = 100'000;

// The log of BPF_PROG_LOAD: its buffer is at most so large, its level made of these bits.
inline constexpr std::uint32_t kMaxLogBytes = 0xffff'ffffU >> 2;
enum : std::uint32_t {
  BPF_LOG_LEVEL1 = 1,
  BPF_LOG_LEVEL2 = 2,
  BPF_LOG_STATS = 4,
  BPF_LOG_FIXED = 8,
  BPF_LOG_MASK = 15,
};

// NOLINTEND(readability-identifier-naming)

}  // namespace skep::abi
