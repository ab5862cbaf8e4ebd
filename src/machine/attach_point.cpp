// SPDX-License-Identifier: Apache-2.0
#include "machine/attach_point.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "abi/attach_types.h"
#include "abi/link_types.h"
#include "abi/program_types.h"

namespace skep::machine {

namespace {

enum class Target : std::uint8_t { cgroup, network_namespace, interface, none };

struct Row {
  std::uint32_t attach_type;
  std::uint32_t program_type;
  Target target;
  std::uint32_t link_type;
};

// The attach types with hooks in user space.
constexpr auto kRows = std::to_array<Row>({
    {abi::BPF_CGROUP_INET_INGRESS, abi::BPF_PROG_TYPE_CGROUP_SKB, Target::cgroup,
     abi::BPF_LINK_TYPE_CGROUP},
    {abi::BPF_CGROUP_INET_EGRESS, abi::BPF_PROG_TYPE_CGROUP_SKB, Target::cgroup,
     abi::BPF_LINK_TYPE_CGROUP},
    {abi::BPF_CGROUP_INET_SOCK_CREATE, abi::BPF_PROG_TYPE_CGROUP_SOCK, Target::cgroup,
     abi::BPF_LINK_TYPE_CGROUP},
    {abi::BPF_CGROUP_INET_SOCK_RELEASE, abi::BPF_PROG_TYPE_CGROUP_SOCK, Target::cgroup,
     abi::BPF_LINK_TYPE_CGROUP},
    {abi::BPF_CGROUP_INET4_POST_BIND, abi::BPF_PROG_TYPE_CGROUP_SOCK, Target::cgroup,
     abi::BPF_LINK_TYPE_CGROUP},
    {abi::BPF_CGROUP_INET6_POST_BIND, abi::BPF_PROG_TYPE_CGROUP_SOCK, Target::cgroup,
     abi::BPF_LINK_TYPE_CGROUP},
    {abi::BPF_CGROUP_SOCK_OPS, abi::BPF_PROG_TYPE_SOCK_OPS, Target::cgroup,
     abi::BPF_LINK_TYPE_CGROUP},
    {abi::BPF_CGROUP_DEVICE, abi::BPF_PROG_TYPE_CGROUP_DEVICE, Target::cgroup,
     abi::BPF_LINK_TYPE_CGROUP},
    {abi::BPF_CGROUP_SYSCTL, abi::BPF_PROG_TYPE_CGROUP_SYSCTL, Target::cgroup,
     abi::BPF_LINK_TYPE_CGROUP},
    {abi::BPF_CGROUP_GETSOCKOPT, abi::BPF_PROG_TYPE_CGROUP_SOCKOPT, Target::cgroup,
     abi::BPF_LINK_TYPE_CGROUP},
    {abi::BPF_CGROUP_SETSOCKOPT, abi::BPF_PROG_TYPE_CGROUP_SOCKOPT, Target::cgroup,
     abi::BPF_LINK_TYPE_CGROUP},
    {abi::BPF_FLOW_DISSECTOR, abi::BPF_PROG_TYPE_FLOW_DISSECTOR, Target::network_namespace,
     abi::BPF_LINK_TYPE_NETNS},
    {abi::BPF_SK_LOOKUP, abi::BPF_PROG_TYPE_SK_LOOKUP, Target::network_namespace,
     abi::BPF_LINK_TYPE_NETNS},
    {abi::BPF_XDP, abi::BPF_PROG_TYPE_XDP, Target::interface, abi::BPF_LINK_TYPE_XDP},
    {abi::BPF_TCX_INGRESS, abi::BPF_PROG_TYPE_SCHED_CLS, Target::interface, abi::BPF_LINK_TYPE_TCX},
    {abi::BPF_TCX_EGRESS, abi::BPF_PROG_TYPE_SCHED_CLS, Target::interface, abi::BPF_LINK_TYPE_TCX},
    {abi::BPF_NETKIT_PRIMARY, abi::BPF_PROG_TYPE_SCHED_CLS, Target::interface,
     abi::BPF_LINK_TYPE_NETKIT},
    {abi::BPF_NETKIT_PEER, abi::BPF_PROG_TYPE_SCHED_CLS, Target::interface,
     abi::BPF_LINK_TYPE_NETKIT},
});

constexpr bool is_sock_addr(std::uint32_t attach_type) {
  switch (attach_type) {
    case abi::BPF_CGROUP_INET4_BIND:
    case abi::BPF_CGROUP_INET6_BIND:
    case abi::BPF_CGROUP_INET4_CONNECT:
    case abi::BPF_CGROUP_INET6_CONNECT:
    case abi::BPF_CGROUP_UNIX_CONNECT:
    case abi::BPF_CGROUP_INET4_GETPEERNAME:
    case abi::BPF_CGROUP_INET6_GETPEERNAME:
    case abi::BPF_CGROUP_UNIX_GETPEERNAME:
    case abi::BPF_CGROUP_INET4_GETSOCKNAME:
    case abi::BPF_CGROUP_INET6_GETSOCKNAME:
    case abi::BPF_CGROUP_UNIX_GETSOCKNAME:
    case abi::BPF_CGROUP_UDP4_SENDMSG:
    case abi::BPF_CGROUP_UDP6_SENDMSG:
    case abi::BPF_CGROUP_UNIX_SENDMSG:
    case abi::BPF_CGROUP_UDP4_RECVMSG:
    case abi::BPF_CGROUP_UDP6_RECVMSG:
    case abi::BPF_CGROUP_UNIX_RECVMSG:
      return true;
    default:
      return false;
  }
}

std::optional<Row> row_of(std::uint32_t attach_type) {
  if (is_sock_addr(attach_type))
    return Row{attach_type, abi::BPF_PROG_TYPE_CGROUP_SOCK_ADDR, Target::cgroup,
               abi::BPF_LINK_TYPE_CGROUP};
  const auto* row = std::ranges::find(kRows, attach_type, &Row::attach_type);
  return row == kRows.end() ? std::nullopt : std::optional(*row);
}

// The inode behind a descriptor of the system; of a directory if asked. 0 or -EBADF.
long inode_of(std::uint32_t fd, bool directory, std::uint64_t& inode) {
  struct stat info{};
  if (fstat(static_cast<int>(fd), &info) != 0) return -EBADF;
  if (directory && !S_ISDIR(info.st_mode)) return -EBADF;
  inode = info.st_ino;
  return 0;
}

}  // namespace

std::string raw_tracepoint_hook(std::string_view name) { return text("raw_tracepoint/{}", name); }

AttachKind attach_kind(std::uint32_t attach_type) {
  const auto row = row_of(attach_type);
  if (!row || attach_type == abi::BPF_XDP || attach_type == abi::BPF_SK_LOOKUP)
    return AttachKind::none;
  if (row->target == Target::cgroup) return AttachKind::cgroup;
  return row->target == Target::interface ? AttachKind::interface : AttachKind::other;
}

long find_attach_point(const AttachTarget& target, AttachPoint& point) {
  const auto row = row_of(target.attach_type);
  if (!row) return -EINVAL;
  const auto* type = abi::find_attach_type(target.attach_type);
  SKEP_ASSERT(type != nullptr);
  point.link_type = row->link_type;
  std::uint64_t number = target.fd_or_ifindex;
  switch (row->target) {
    case Target::cgroup:
      if (const long status = inode_of(target.fd_or_ifindex, true, number); status != 0)
        return status;
      point.cgroup = number;
      point.ordered = true;
      break;
    case Target::network_namespace:
      if (const long status = inode_of(target.fd_or_ifindex, false, number); status != 0)
        return -EINVAL;
      point.target = static_cast<std::uint32_t>(number);
      point.single = target.attach_type == abi::BPF_FLOW_DISSECTOR;
      break;
    case Target::interface:
      if (number == 0) return target.attach_type == abi::BPF_XDP ? -EINVAL : -ENODEV;
      point.target = static_cast<std::uint32_t>(number);
      point.single = target.attach_type == abi::BPF_XDP;
      point.ordered = !point.single;
      break;
    case Target::none:
      break;
  }
  point.hook = text("{}/{}", type->name, number);
  return 0;
}

long check_attach(const Program& program, std::uint32_t attach_type) {
  const auto row = row_of(attach_type);
  if (!row || program.spec().type != row->program_type) return -EINVAL;
  // Programs of tc may be attached wherever tc programs go, whatever they were loaded for.
  const bool other_xdp = program.spec().attach_type == abi::BPF_XDP_DEVMAP ||
                         program.spec().attach_type == abi::BPF_XDP_CPUMAP;
  const bool any = (row->program_type == abi::BPF_PROG_TYPE_XDP && !other_xdp) ||
                   row->program_type == abi::BPF_PROG_TYPE_SCHED_CLS ||
                   row->program_type == abi::BPF_PROG_TYPE_SOCK_OPS ||
                   row->program_type == abi::BPF_PROG_TYPE_CGROUP_SKB ||
                   row->program_type == abi::BPF_PROG_TYPE_CGROUP_DEVICE ||
                   row->program_type == abi::BPF_PROG_TYPE_CGROUP_SYSCTL ||
                   row->program_type == abi::BPF_PROG_TYPE_FLOW_DISSECTOR;
  return any || program.spec().attach_type == attach_type ? 0 : -EINVAL;
}

}  // namespace skep::machine
