// SPDX-License-Identifier: Apache-2.0
// Who runs: process, thread, user, name, control group; and signals to them.
#include <sys/stat.h>
#include <unistd.h>

#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "machine/cgroup.h"
#include "machine/helper_functions.h"

namespace skep::machine::helper {

using u64 = std::uint64_t;

namespace {

Identity identity(void* context) {
  const Host& host = *run_of(context).host;
  return host.identity(host.self);
}

}  // namespace

u64 get_current_pid_tgid(u64, u64, u64, u64, u64, void* context) {
  return identity(context).pid_tgid;
}

u64 get_current_uid_gid(u64, u64, u64, u64, u64, void* context) {
  return identity(context).uid_gid;
}

u64 get_current_comm(u64 buffer, u64 bytes, u64, u64, u64, void* context) {
  const auto room = static_cast<std::uint32_t>(bytes);
  if (buffer == 0 || room == 0) return result(-EINVAL);
  const Host& host = *run_of(context).host;
  const std::array<char, 16> name = host.command(host.self);
  auto* to = pointer<char>(buffer);
  const std::size_t count = std::min<std::size_t>(room, name.size());
  std::memcpy(to, name.data(), count);
  std::memset(to + count, 0, room - count);
  to[count - 1] = '\0';
  return 0;
}

// Inside its own pid namespace a process has the numbers that it knows of itself.
u64 get_ns_current_pid_tgid(u64 device, u64 inode, u64 info, u64 bytes, u64, void* context) {
  struct PidInfo {
    std::uint32_t pid;
    std::uint32_t tgid;
  };
  if (info == 0) return result(-EINVAL);
  const auto room = static_cast<std::uint32_t>(bytes);
  const auto refuse = [&] {
    std::memset(pointer<void>(info), 0, room);
    return result(-EINVAL);
  };
  if (room != sizeof(PidInfo)) return refuse();
  struct stat own{};
  if (::stat("/proc/self/ns/pid", &own) != 0) return refuse();
  // Linux compares with the device number as its own 32 bits have it.
  const u64 number = u64{static_cast<std::uint32_t>(own.st_dev)};
  if ((device != number && device != own.st_dev) || inode != own.st_ino) return refuse();
  const u64 pid_tgid = identity(context).pid_tgid;
  const PidInfo found{.pid = static_cast<std::uint32_t>(pid_tgid),
                      .tgid = static_cast<std::uint32_t>(pid_tgid >> 32)};
  std::memcpy(pointer<void>(info), &found, sizeof(found));
  return 0;
}

// Something to compare with and to use as a key: no address of the kernel.
u64 get_current_task(u64, u64, u64, u64, u64, void* context) { return identity(context).pid_tgid; }
u64 get_current_task_btf(u64, u64, u64, u64, u64, void* context) {
  return identity(context).pid_tgid;
}

u64 get_current_cgroup_id(u64, u64, u64, u64, u64, void*) { return current_cgroup_id(); }

u64 get_current_ancestor_cgroup_id(u64 level, u64, u64, u64, u64, void*) {
  return current_ancestor_cgroup_id(static_cast<int>(level));
}

// Nothing here belongs to a class of net_cls.
u64 get_cgroup_classid(u64, u64, u64, u64, u64, void*) { return 0; }

// No map of groups can hold a group: every slot is empty.
u64 current_task_under_cgroup(u64 map, u64 index, u64, u64, u64, void*) {
  const auto* groups = pointer<const maps::Map>(map);
  if (groups == nullptr) return result(-EINVAL);
  return static_cast<std::uint32_t>(index) >= groups->spec().max_entries ? result(-E2BIG)
                                                                         : result(-EAGAIN);
}

u64 send_signal(u64 number, u64, u64, u64, u64, void* context) {
  const auto process = static_cast<pid_t>(identity(context).pid_tgid >> 32);
  return ::kill(process, static_cast<int>(number)) == 0 ? 0 : result(-errno);
}

u64 send_signal_thread(u64 number, u64, u64, u64, u64, void* context) {
  const u64 who = identity(context).pid_tgid;
  const long sent = ::syscall(SYS_tgkill, who >> 32, who & 0xffff'ffff, static_cast<int>(number));
  return sent == 0 ? 0 : result(-errno);
}

}  // namespace skep::machine::helper
