// SPDX-License-Identifier: Apache-2.0
#include "maps/cpus.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/file.h"

namespace skep::maps {

namespace {

// "0-3,8-11" ends with the highest number.
unsigned last_number(std::string_view list) {
  unsigned last = 0;
  const char* at = list.data();
  const char* end = at + list.size();
  while (at < end) {
    unsigned number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error == std::errc{}) last = std::max(last, number);
    at = std::max(next, at + 1);
  }
  return last;
}

}  // namespace

unsigned possible_cpus() {
  if (const auto list = read_file("/sys/devices/system/cpu/possible"); list && !list->empty())
    return std::min(last_number(as_text(*list)) + 1, kMaxCpus);
  const long configured = sysconf(_SC_NPROCESSORS_CONF);
  return std::clamp(static_cast<unsigned>(std::max(configured, 1L)), 1U, kMaxCpus);
}

Cpu::Cpu(Region& region) {
  const unsigned cpus = region.cpus();
  const int here = sched_getcpu();
  const unsigned first = here < 0 ? 0 : static_cast<unsigned>(here) % cpus;
  for (unsigned i = 0; i < cpus; ++i) {
    const unsigned cpu = (first + i) % cpus;
    if (!region.cpu_lock(cpu).try_take(region)) continue;
    lock_ = &region.cpu_lock(cpu);
    number_ = cpu;
    return;
  }
  // All are taken: more threads than CPUs. Ask each in turn until one is let go.
  constexpr std::chrono::milliseconds kTurn{4};
  const auto rounds = 10 * kPatience / kTurn;
  for (unsigned i = 0; i < rounds; ++i) {
    const unsigned cpu = (first + i) % cpus;
    if (region.cpu_lock(cpu).take_within(region, kTurn) == Taken::busy) continue;
    lock_ = &region.cpu_lock(cpu);
    number_ = cpu;
    return;
  }
}

Cpu::Cpu(Region& region, unsigned which) : number_(which) {
  Lock& lock = region.cpu_lock(which);
  for (unsigned i = 0; i < 10; ++i) {
    if (lock.take(region) == Taken::busy) continue;
    lock_ = &lock;
    return;
  }
}

}  // namespace skep::maps
