// SPDX-License-Identifier: Apache-2.0
#include "machine/trace_pipe.h"

#include <cstring>
#include <utility>

#include "base/format.h"

namespace skep::machine {

namespace {

std::size_t cost(const TraceLine& line) { return sizeof(TraceLine) + line.text.size(); }

}  // namespace

void TracePipe::write(TraceLine line) {
  const std::size_t bytes = cost(line);
  {
    const std::lock_guard lock(mutex_);
    while (!lines_.empty() && used_bytes_ + bytes > limit_bytes_) {
      used_bytes_ -= cost(lines_.front());
      lines_.pop_front();
      ++lost_;
    }
    if (bytes > limit_bytes_) {
      ++lost_;
      return;
    }
    used_bytes_ += bytes;
    lines_.push_back(std::move(line));
  }
  written_.notify_one();
}

std::optional<TraceLine> TracePipe::read(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (!written_.wait_for(lock, patience, [this] { return !lines_.empty(); })) return std::nullopt;
  TraceLine line = std::move(lines_.front());
  lines_.pop_front();
  used_bytes_ -= cost(line);
  return line;
}

std::uint64_t TracePipe::take_lost() {
  const std::lock_guard lock(mutex_);
  return std::exchange(lost_, 0);
}

std::string trace_pipe_text(const TraceLine& line) {
  constexpr std::uint64_t kMicrosecond = 1000;
  constexpr std::uint64_t kSecond = 1'000'000;
  const std::uint64_t us = line.time_ns / kMicrosecond;
  const std::string_view command(line.command.data(),
                                 ::strnlen(line.command.data(), line.command.size()));
  std::string_view words = line.text;
  if (words.ends_with('\n')) words.remove_suffix(1);
  return text("{:>16}-{:<7} [{:03}] ..... {:>5}.{:06}: bpf_trace_printk: {}\n", command,
              line.thread, line.cpu, us / kSecond, us % kSecond, words);
}

}  // namespace skep::machine
