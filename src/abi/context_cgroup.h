// SPDX-License-Identifier: Apache-2.0
// Contexts of programs that guard a cgroup, as the programs see them (kernel:
// include/uapi/linux/bpf.h). Plain data, no owner.
#pragma once

#include <cstddef>
#include <cstdint>

// NOLINTBEGIN(readability-identifier-naming)
namespace skep::abi {

struct bpf_sockopt {
  std::uint64_t sk;
  std::uint64_t optval;
  std::uint64_t optval_end;
  std::int32_t level;
  std::int32_t optname;
  std::int32_t optlen;
  std::int32_t retval;
};
static_assert(sizeof(bpf_sockopt) == 40);
static_assert(offsetof(bpf_sockopt, retval) == 36);

struct bpf_sysctl {
  std::uint32_t write;
  std::uint32_t file_pos;
};
static_assert(sizeof(bpf_sysctl) == 8);

struct bpf_cgroup_dev_ctx {
  std::uint32_t access_type;  // BPF_DEVCG_ACC_* << 16 | BPF_DEVCG_DEV_*
  std::uint32_t major;
  std::uint32_t minor;
};
static_assert(sizeof(bpf_cgroup_dev_ctx) == 12);

inline constexpr std::uint32_t BPF_DEVCG_ACC_MKNOD = 1U << 0;
inline constexpr std::uint32_t BPF_DEVCG_ACC_READ = 1U << 1;
inline constexpr std::uint32_t BPF_DEVCG_ACC_WRITE = 1U << 2;
inline constexpr std::uint32_t BPF_DEVCG_DEV_BLOCK = 1U << 0;
inline constexpr std::uint32_t BPF_DEVCG_DEV_CHAR = 1U << 1;

}  // namespace skep::abi
// NOLINTEND(readability-identifier-naming)
