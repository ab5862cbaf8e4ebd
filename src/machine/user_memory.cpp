// SPDX-License-Identifier: Apache-2.0
#include "machine/user_memory.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>

namespace skep::machine {

namespace {

constexpr std::uint64_t kPage = 4096;

iovec at_user(std::uint64_t address, std::uint64_t bytes) {
  return {.iov_base = std::bit_cast<void*>(address), .iov_len = bytes};
}

}  // namespace

// The kernel looks at the pages for us.
long copy_from_user(void* to, std::uint64_t from, std::uint64_t bytes) {
  if (bytes == 0) return 0;
  const iovec local{.iov_base = to, .iov_len = bytes};
  const iovec remote = at_user(from, bytes);
  const ssize_t got = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
  return got == static_cast<ssize_t>(bytes) ? 0 : -EFAULT;
}

long copy_to_user(std::uint64_t to, const void* from, std::uint64_t bytes) {
  if (bytes == 0) return 0;
  const iovec local{.iov_base = const_cast<void*>(from), .iov_len = bytes};
  const iovec remote = at_user(to, bytes);
  const ssize_t got = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
  return got == static_cast<ssize_t>(bytes) ? 0 : -EFAULT;
}

long string_from_user(std::string& to, std::uint64_t from, std::uint64_t room, int too_long) {
  to.clear();
  while (to.size() < room) {
    // Not past a page at once: the string may end before the next one, which may not be there.
    const std::uint64_t here = from + to.size();
    const std::uint64_t chunk = std::min(room - to.size(), kPage - here % kPage);
    std::string part(chunk, '\0');
    if (const long status = copy_from_user(part.data(), here, chunk); status != 0) return status;
    const auto end = part.find('\0');
    to.append(part, 0, end);
    if (end != std::string::npos) return 0;
  }
  return -too_long;
}

}  // namespace skep::machine
