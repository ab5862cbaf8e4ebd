// SPDX-License-Identifier: Apache-2.0
#include "maps/socket_facts.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "abi/limits.h"

namespace skep::maps {

namespace {

#ifndef SO_COOKIE
constexpr int kSoCookie = 57;
#else
constexpr int kSoCookie = SO_COOKIE;
#endif
constexpr int kAddressFamilyXdp = 44;

template <class T>
bool option(int fd, int level, int name, T& value) {
  socklen_t bytes = sizeof(value);
  return getsockopt(fd, level, name, &value, &bytes) == 0;
}

bool is_ip(const SocketFacts& facts) { return facts.domain == AF_INET || facts.domain == AF_INET6; }
bool is_tcp(const SocketFacts& facts) {
  return is_ip(facts) && facts.type == SOCK_STREAM && facts.protocol == IPPROTO_TCP;
}
bool is_udp(const SocketFacts& facts) {
  return is_ip(facts) && facts.type == SOCK_DGRAM && facts.protocol == IPPROTO_UDP;
}

bool is_connected(int fd) {
  sockaddr_storage peer{};
  socklen_t bytes = sizeof(peer);
  return getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &bytes) == 0;
}

bool is_bound(int fd) {
  sockaddr_storage own{};
  socklen_t bytes = sizeof(own);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &bytes) != 0) return false;
  // The port stands at the same place for both families.
  return reinterpret_cast<const sockaddr_in*>(&own)->sin_port != 0;
}

bool tcp_state_is(int fd, int first, int second) {
  tcp_info info{};
  if (!option(fd, IPPROTO_TCP, TCP_INFO, info)) return false;
  return info.tcpi_state == first || info.tcpi_state == second;
}

}  // namespace

long look_at_socket(int fd, SocketFacts& facts) {
  socklen_t bytes = sizeof(facts.domain);
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &facts.domain, &bytes) != 0)
    return errno == EBADF ? -EBADF : -ENOTSOCK;
  const bool known = option(fd, SOL_SOCKET, SO_TYPE, facts.type) &&
                     option(fd, SOL_SOCKET, SO_PROTOCOL, facts.protocol) &&
                     option(fd, SOL_SOCKET, kSoCookie, facts.cookie);
  return known && facts.cookie != 0 ? 0 : -EOPNOTSUPP;
}

long fits_sockmap(int fd, const SocketFacts& facts) {
  bool fits = false;
  if (is_tcp(facts))
    fits = tcp_state_is(fd, TCP_ESTABLISHED, TCP_LISTEN);
  else if (is_udp(facts))
    fits = is_bound(fd);
  else if (facts.domain == AF_UNIX)
    fits = facts.type != SOCK_STREAM || is_connected(fd);
  else if (facts.domain == AF_VSOCK)
    fits = is_connected(fd);
  return fits ? 0 : -EOPNOTSUPP;
}

long fits_xskmap(const SocketFacts& facts) {
  return facts.domain == kAddressFamilyXdp ? 0 : -EOPNOTSUPP;
}

long fits_reuseport(int fd, const SocketFacts& facts) {
  if (!is_tcp(facts) && !is_udp(facts)) return -abi::ENOTSUPP;
  int shares_port = 0;
  if (!option(fd, SOL_SOCKET, SO_REUSEPORT, shares_port) || shares_port == 0) return -EINVAL;
  const bool found_by_port =
      is_tcp(facts) ? tcp_state_is(fd, TCP_LISTEN, TCP_LISTEN) : is_bound(fd);
  return found_by_port ? 0 : -EINVAL;
}

}  // namespace skep::maps
