// SPDX-License-Identifier: Apache-2.0
#include "machine/probe_read.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>

namespace skep::machine {

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kUserEnd = 0x7fff'ffff'f000;  // no process has memory from here on

// How many bytes were copied, or a negative errno. Reads that span pages stop at the first bad one.
long copy_from(int process, std::span<std::byte> to, std::uint64_t from) {
  if (to.empty()) return 0;
  const iovec local{.iov_base = to.data(), .iov_len = to.size()};
  const iovec remote{.iov_base = std::bit_cast<void*>(from), .iov_len = to.size()};
  const ssize_t copied = ::process_vm_readv(process, &local, 1, &remote, 1, 0);
  return copied < 0 ? -errno : copied;
}

}  // namespace

long probe_read(std::span<std::byte> to, std::uint64_t from) {
  if (copy_from(::getpid(), to, from) == static_cast<long>(to.size())) return 0;
  std::ranges::fill(to, std::byte{0});
  return -EFAULT;
}

// Looks at the string in small pieces: most are short, and bytes behind the end stay untouched. A
// piece never reaches into a page that the string may not have.
long probe_read_string(std::span<std::byte> to, std::uint64_t from) {
  const int process = ::getpid();
  std::array<std::byte, 256> buffer;
  for (std::size_t done = 0; done < to.size();) {
    const std::uint64_t at = from + done;
    const std::size_t count = std::min<std::uint64_t>(
        {to.size() - done, kPage - at % kPage, std::uint64_t{buffer.size()}});
    const auto piece = std::span(buffer).first(count);
    if (copy_from(process, piece, at) != static_cast<long>(count)) {
      std::ranges::fill(to, std::byte{0});
      return -EFAULT;
    }
    const auto end = std::ranges::find(piece, std::byte{0});
    std::copy(piece.begin(), end, to.begin() + static_cast<std::ptrdiff_t>(done));
    done += static_cast<std::size_t>(end - piece.begin());
    if (end == piece.end()) continue;
    to[done] = std::byte{0};
    return static_cast<long>(done + 1);
  }
  if (to.empty()) return 0;
  to.back() = std::byte{0};
  return static_cast<long>(to.size());
}

long probe_write(std::uint64_t to, std::span<const std::byte> from) {
  if (from.empty()) return 0;
  const iovec local{.iov_base = const_cast<std::byte*>(from.data()), .iov_len = from.size()};
  const iovec remote{.iov_base = std::bit_cast<void*>(to), .iov_len = from.size()};
  const ssize_t copied = ::process_vm_writev(::getpid(), &local, 1, &remote, 1, 0);
  if (copied == static_cast<ssize_t>(from.size())) return 0;
  return to < kUserEnd && from.size() <= kUserEnd - to ? -EFAULT : -EPERM;
}

long probe_read_process(std::span<std::byte> to, std::uint64_t from, int process) {
  const long copied = copy_from(process, to, from);
  if (copied == static_cast<long>(to.size())) return 0;
  std::ranges::fill(to, std::byte{0});
  return copied == -ESRCH ? -ESRCH : -EFAULT;
}

}  // namespace skep::machine
