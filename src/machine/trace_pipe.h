// SPDX-License-Identifier: Apache-2.0
// What bpf_trace_printk writes: lines as Linux's trace_pipe shows them, in a bounded buffer that
// throws away the oldest and counts what it threw. One of a machine; any thread.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace skep::machine {

struct TraceLine {
  std::uint64_t time_ns = 0;
  std::uint32_t cpu = 0;
  std::int32_t thread = 0;
  std::array<char, 16> command{};
  std::string text;
};

class TracePipe {
 public:
  static constexpr std::size_t kDefaultBytes = std::size_t{1} << 20;

  explicit TracePipe(std::size_t limit_bytes = kDefaultBytes) : limit_bytes_(limit_bytes) {}
  TracePipe(const TracePipe&) = delete;
  TracePipe& operator=(const TracePipe&) = delete;

  void write(TraceLine line);
  // The oldest line, which is then gone; nothing when there is none within that time.
  [[nodiscard]] std::optional<TraceLine> read(std::chrono::milliseconds patience = {});
  // Lines thrown away since the last call.
  [[nodiscard]] std::uint64_t take_lost();

 private:
  std::mutex mutex_;
  std::condition_variable written_;
  std::deque<TraceLine> lines_;
  const std::size_t limit_bytes_;
  std::size_t used_bytes_ = 0;
  std::uint64_t lost_ = 0;
};

// "       command-123     [000] .....    12.345678: bpf_trace_printk: text\n"
[[nodiscard]] std::string trace_pipe_text(const TraceLine& line);

}  // namespace skep::machine
