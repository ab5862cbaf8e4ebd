// SPDX-License-Identifier: Apache-2.0
// Reading and writing memory by any address. This process is both the kernel and the user here, so
// that the variants do the same.
#include <cerrno>

#include "machine/helper_functions.h"
#include "machine/probe_read.h"

namespace skep::machine::helper {

using u64 = std::uint64_t;

namespace {

std::span<std::byte> bytes_at(u64 address, u64 size) {
  return {pointer<std::byte>(address), static_cast<std::uint32_t>(size)};
}

u64 read(u64 to, u64 size, u64 from) {
  return result(machine::probe_read(bytes_at(to, size), from));
}

u64 read_string(u64 to, u64 size, u64 from) {
  return result(probe_read_string(bytes_at(to, size), from));
}

}  // namespace

u64 probe_read(u64 to, u64 size, u64 from, u64, u64, void*) { return read(to, size, from); }
u64 probe_read_user(u64 to, u64 size, u64 from, u64, u64, void*) { return read(to, size, from); }
u64 probe_read_kernel(u64 to, u64 size, u64 from, u64, u64, void*) { return read(to, size, from); }
u64 copy_from_user(u64 to, u64 size, u64 from, u64, u64, void*) { return read(to, size, from); }

u64 probe_read_str(u64 to, u64 size, u64 from, u64, u64, void*) {
  return read_string(to, size, from);
}
u64 probe_read_user_str(u64 to, u64 size, u64 from, u64, u64, void*) {
  return read_string(to, size, from);
}
u64 probe_read_kernel_str(u64 to, u64 size, u64 from, u64, u64, void*) {
  return read_string(to, size, from);
}

// A task is its number here, thread below and process above.
u64 copy_from_user_task(u64 to, u64 size, u64 from, u64 task, u64 flags, void*) {
  if (flags != 0) return result(-EINVAL);
  if (static_cast<std::uint32_t>(size) == 0) return 0;
  const long read = probe_read_process(bytes_at(to, size), from, static_cast<int>(task >> 32));
  return result(read == 0 ? 0 : -EFAULT);
}

u64 probe_write_user(u64 to, u64 from, u64 size, u64, u64, void*) {
  return result(probe_write(to, bytes_at(from, size)));
}

}  // namespace skep::machine::helper
