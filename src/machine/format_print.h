// SPDX-License-Identifier: Apache-2.0
// The format strings of bpf_trace_printk, bpf_snprintf and their like, with Linux's rules: which
// conversions there are, what goes wrong how, what a text is long. Strings and addresses that
// arguments point to are read safely. Pointers (%p, %pK) are printed as they are, since there is no
// kernel to keep secret; symbols (%ps, %pS, %pB) as addresses. Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace skep::machine {

// Arguments in the order of their use, as Linux packs them before it prints: what is pointed to is
// there in text already. They must fit into the room that Linux has for them.
class PackedArguments {
 public:
  static constexpr std::size_t kBytes = 512;  // kernel: MAX_BPRINTF_BIN_ARGS

  // 0, -EINVAL for a format that is not allowed with so many arguments, or -ENOSPC.
  [[nodiscard]] long pack(std::string_view format, std::span<const std::uint64_t> values);
  // Prints what was packed for this format: at most to.size() bytes, the last one zero. Returns how
  // long the text would be without that zero.
  [[nodiscard]] long print(std::span<char> to, std::string_view format) const;

 private:
  std::array<std::byte, kBytes> bytes_;
  std::size_t used_ = 0;
};

// Both at once; the length, or the errno of pack. The format ends with its zero, which must be
// among the first `room` bytes (EINVAL).
[[nodiscard]] long format_print(std::span<char> to, const char* format, std::uint64_t room,
                                std::span<const std::uint64_t> values);

}  // namespace skep::machine
