// SPDX-License-Identifier: Apache-2.0
// Reads and writes of any address of this process: a bad one is an errno and never a crash,
// whatever other threads do to the mapping meanwhile. The system copies (process_vm_readv on
// ourselves); when it refuses to, nothing is readable. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace skep::machine {

// All of the bytes, or -EFAULT and zeros.
[[nodiscard]] long probe_read(std::span<std::byte> to, std::uint64_t from);

// A string with its zero, cut so that a zero ends it. The length with the zero; -EFAULT and an
// empty string when not even its end or the room's end can be reached. What is behind the zero is
// left as it was, as the kernel does.
[[nodiscard]] long probe_read_string(std::span<std::byte> to, std::uint64_t from);

// 0, or -EFAULT, after which some bytes may be written; -EPERM for what no process can have.
[[nodiscard]] long probe_write(std::uint64_t to, std::span<const std::byte> from);

// The same of another process of this user; -ESRCH when there is none, -EFAULT when it cannot be
// read.
[[nodiscard]] long probe_read_process(std::span<std::byte> to, std::uint64_t from, int process);

}  // namespace skep::machine
