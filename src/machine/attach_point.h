// SPDX-License-Identifier: Apache-2.0
// Which hook an attach type and its target name. The machine has no devices, cgroups or namespaces
// of its own: an interface is any number, a cgroup any directory, a namespace any open file; what
// fires the hook says which it means.
#pragma once

#include <cstdint>
#include <string>

#include "machine/program.h"

namespace skep::machine {

struct AttachPoint {
  std::string hook;
  std::uint32_t link_type = 0;  // abi::bpf_link_type
  std::uint32_t target = 0;     // ifindex or inode
  std::uint64_t cgroup = 0;
  bool ordered = false;  // programs are placed among others by flags
  bool single = false;   // one program at a time
};

// Who asks: a system call's target, read by what the attach type wants.
struct AttachTarget {
  std::uint32_t attach_type = 0;
  std::uint32_t fd_or_ifindex = 0;
};

// What BPF_PROG_ATTACH attaches to; XDP and most others want a link.
enum class AttachKind : std::uint8_t { none, cgroup, interface, other };
[[nodiscard]] AttachKind attach_kind(std::uint32_t attach_type);

// 0 or the errno of BPF_LINK_CREATE and BPF_PROG_ATTACH.
[[nodiscard]] long find_attach_point(const AttachTarget& target, AttachPoint& point);

// Whether a program of that type may be attached so. 0 or -EINVAL.
[[nodiscard]] long check_attach(const Program& program, std::uint32_t attach_type);

[[nodiscard]] std::string raw_tracepoint_hook(std::string_view name);

}  // namespace skep::machine
