// SPDX-License-Identifier: Apache-2.0
#include "kernel/pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

namespace skep::kernel {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

}  // namespace

std::uint64_t page_bytes() { return static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)); }

Result<Pages> Pages::map(Kernel& kernel, int fd, std::uint64_t bytes, bool writable,
                         std::uint64_t offset) {
  const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  const long address = kernel.mmap(fd, bytes, protection, offset);
  // Addresses are positive; so small a negative number is an errno.
  if (address < 0 && address > -4096)
    return std::unexpected(refusal("cannot map the buffer", address));
  Pages pages;
  pages.kernel_ = &kernel;
  pages.at_ = reinterpret_cast<std::byte*>(address);  // NOLINT(performance-no-int-to-ptr)
  pages.bytes_ = bytes;
  return pages;
}

Result<std::uint64_t> poll_until(Kernel& kernel, std::span<const int> fds, milliseconds timeout,
                                 const std::function<Result<std::uint64_t>()>& consume) {
  // Nobody waits for longer than a year, and clocks overflow.
  constexpr milliseconds kLongest = std::chrono::hours(24 * 365);
  const auto end = steady_clock::now() + std::clamp(timeout, milliseconds(0), kLongest);
  for (;;) {
    const std::uint64_t seen = SKEP_TRY(consume());
    const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
    if (seen != 0 || left <= milliseconds(0)) return seen;
    const long ready = kernel.wait(fds, left);
    if (ready < 0 && ready != -EINTR)
      return std::unexpected(refusal("cannot wait for the buffer", ready));
    // A record that is begun and not finished makes a ring readable, and there is nothing to see.
    const std::uint64_t now_seen = SKEP_TRY(consume());
    if (now_seen != 0) return now_seen;
    if (ready == 1) std::this_thread::sleep_for(milliseconds(1));
  }
}

}  // namespace skep::kernel
