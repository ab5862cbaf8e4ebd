// SPDX-License-Identifier: Apache-2.0
#include "machine/interval.h"

#include <algorithm>
#include <array>

#include "machine/attach_point.h"

namespace skep::machine {

namespace {

using Steady = std::chrono::steady_clock;

}  // namespace

std::string interval_hook(std::string_view name) {
  return raw_tracepoint_hook(text("interval/{}", name));
}

Interval::Interval(Machine& machine, std::string_view name, std::chrono::nanoseconds period)
    : site_(machine, interval_hook(name)),
      period_(std::max(period, std::chrono::nanoseconds(1000))),
      thread_([this] { work(); }) {}

Interval::~Interval() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

void Interval::work() {
  auto due = Steady::now() + period_;
  std::array<std::uint64_t, 1> count{};
  std::unique_lock lock(mutex_);
  while (!ended_.wait_until(lock, due, [this] { return ending_; })) {
    lock.unlock();
    ++count[0];
    site_.fire(count);
    // What is already over is not made up for.
    const auto now = Steady::now();
    due += period_;
    if (due < now) {
      const auto late = (now - due) / period_ + 1;
      missed_.fetch_add(static_cast<std::uint64_t>(late), std::memory_order_relaxed);
      due += late * period_;
    }
    lock.lock();
  }
}

}  // namespace skep::machine
