// SPDX-License-Identifier: Apache-2.0
// The log that BPF_PROG_LOAD and BPF_BTF_LOAD write into a buffer of the caller.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace skep::machine {

struct LoadLog {
  std::uint64_t buffer = 0;
  std::uint32_t bytes = 0;
  std::uint32_t level = 0;
  std::string text{};

  // 0 or -EINVAL: a buffer without a size or a level, or one that is too large.
  [[nodiscard]] long check() const;
  void add(std::string_view line);
  // Writes what fits, with a zero at the end: 0, -EFAULT, or -ENOSPC when not all of it did. A log
  // that rolls keeps its end, a fixed one its beginning.
  [[nodiscard]] long write() const;
  // What the buffer would have to have, for all of it.
  [[nodiscard]] std::uint32_t true_bytes() const;
};

}  // namespace skep::machine
