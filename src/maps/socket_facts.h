// SPDX-License-Identifier: Apache-2.0
// What a descriptor says of its socket, and which maps take such a socket. Asks the system; holds
// nothing.
#pragma once

#include <cstdint>

namespace skep::maps {

struct SocketFacts {
  int domain = 0;
  int type = 0;
  int protocol = 0;
  std::uint64_t cookie = 0;
};

// 0; -EBADF, or -ENOTSOCK for a descriptor of something else.
[[nodiscard]] long look_at_socket(int fd, SocketFacts& facts);
// 0 or -EOPNOTSUPP: TCP that listens or is connected, bound UDP, connected unix and vsock streams.
[[nodiscard]] long fits_sockmap(int fd, const SocketFacts& facts);
// 0 or -EOPNOTSUPP for what is not AF_XDP.
[[nodiscard]] long fits_xskmap(const SocketFacts& facts);
// 0; the kernel's ENOTSUPP for what is not IP; -EINVAL for a socket of no group.
[[nodiscard]] long fits_reuseport(int fd, const SocketFacts& facts);

}  // namespace skep::maps
