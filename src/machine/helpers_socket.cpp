// SPDX-License-Identifier: Apache-2.0
// Sockets, as far as there are any: a run may stand for a real descriptor of this process; a packet
// of a test run has a socket that nobody owns; looking for a socket finds none.
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "abi/attach_types.h"
#include "abi/return_codes.h"
#include "machine/helper_functions.h"

namespace skep::machine::helper {

using u64 = std::uint64_t;

namespace {

constexpr u64 kNobody = 65534;  // kernel: overflowuid

// What the socket layer keeps of the descriptor; nothing when the run stands for none.
template <class T>
bool read_option(const Run& run, int option, T& value) {
  socklen_t bytes = sizeof(value);
  return run.socket_fd >= 0 && ::getsockopt(run.socket_fd, SOL_SOCKET, option, &value, &bytes) == 0;
}

}  // namespace

u64 get_socket_cookie(u64, u64, u64, u64, u64, void* context) {
  u64 cookie = 0;
  return read_option(run_of(context), SO_COOKIE, cookie) ? cookie : 0;
}

u64 get_netns_cookie(u64, u64, u64, u64, u64, void* context) {
  constexpr u64 kFirstNamespace = 1;
  constexpr int kNetnsCookie = 71;
  u64 cookie = 0;
  return read_option(run_of(context), kNetnsCookie, cookie) ? cookie : kFirstNamespace;
}

u64 get_socket_uid(u64, u64, u64, u64, u64, void* context) {
  struct stat owner{};
  const int fd = run_of(context).socket_fd;
  return fd >= 0 && ::fstat(fd, &owner) == 0 ? owner.st_uid : kNobody;
}

u64 setsockopt(u64, u64 level, u64 name, u64 value, u64 bytes, void* context) {
  const int fd = run_of(context).socket_fd;
  if (fd < 0) return result(-EINVAL);
  const int set = ::setsockopt(fd, static_cast<int>(level), static_cast<int>(name),
                               pointer<const void>(value), static_cast<socklen_t>(bytes));
  return result(set == 0 ? 0 : -errno);
}

u64 getsockopt(u64, u64 level, u64 name, u64 value, u64 bytes, void* context) {
  const int fd = run_of(context).socket_fd;
  auto room = static_cast<socklen_t>(bytes);
  std::memset(pointer<void>(value), 0, room);
  if (fd < 0) return result(-EINVAL);
  const int got = ::getsockopt(fd, static_cast<int>(level), static_cast<int>(name),
                               pointer<void>(value), &room);
  return result(got == 0 ? 0 : -errno);
}

u64 sk_lookup_tcp(u64, u64, u64, u64, u64, void*) { return 0; }
u64 sk_lookup_udp(u64, u64, u64, u64, u64, void*) { return 0; }
u64 skc_lookup_tcp(u64, u64, u64, u64, u64, void*) { return 0; }

// A null socket may be given back; others there are none.
u64 sk_release(u64, u64, u64, u64, u64, void*) { return 0; }

u64 sk_fullsock(u64 socket, u64, u64, u64, u64, void*) { return socket; }

// For sk_lookup a null socket takes back an earlier choice.
u64 sk_assign(u64, u64 socket, u64 flags, u64, u64, void*) {
  constexpr u64 kKnown = 3;
  if ((flags & ~kKnown) != 0) return result(-EINVAL);
  return socket == 0 ? 0 : result(-ESOCKTNOSUPPORT);
}

u64 sk_select_reuseport(u64, u64 map, u64 key, u64 flags, u64, void* context) {
  if (flags != 0) return result(-EINVAL);
  const void* socket =
      pointer<maps::Map>(map)->lookup(run_of(context).caller, pointer<const void>(key));
  return socket == nullptr ? result(-ENOENT) : 0;
}

// Programs of sockets in a map, whose packets go nowhere here.
u64 sk_cgroup_id(u64, u64, u64, u64, u64, void*) { return 0; }
u64 sk_ancestor_cgroup_id(u64, u64, u64, u64, u64, void*) { return 0; }
u64 skb_cgroup_id(u64, u64, u64, u64, u64, void*) { return 0; }
u64 skb_ancestor_cgroup_id(u64, u64, u64, u64, u64, void*) { return 0; }
u64 skb_cgroup_classid(u64, u64, u64, u64, u64, void*) { return 0; }
u64 get_route_realm(u64, u64, u64, u64, u64, void*) { return 0; }

// As current_task_under_cgroup: no slot can hold a group.
u64 skb_under_cgroup(u64, u64 map, u64 index, u64, u64, void*) {
  const auto slots = pointer<const maps::Map>(map)->spec().max_entries;
  return result(static_cast<std::uint32_t>(index) >= slots ? -E2BIG : -EAGAIN);
}

// Packets without tunnels.
u64 skb_get_tunnel_key(u64, u64 to, u64 bytes, u64, u64, void*) {
  std::memset(pointer<void>(to), 0, static_cast<std::uint32_t>(bytes));
  return result(-EINVAL);
}

u64 skb_get_tunnel_opt(u64, u64 to, u64 bytes, u64, u64, void*) {
  std::memset(pointer<void>(to), 0, static_cast<std::uint32_t>(bytes));
  return result(-ENOENT);
}

}  // namespace skep::machine::helper
