// SPDX-License-Identifier: Apache-2.0
// Clocks, random numbers, and which CPU this is.
#include <unistd.h>

#include <sys/syscall.h>

#include "machine/helper_functions.h"

namespace skep::machine::helper {

using u64 = std::uint64_t;

namespace {

// The machine counts jiffies as most kernels do that are built today: 250 in a second, the first
// of them 300 seconds before their 32-bit count wraps.
constexpr u64 kNsPerJiffy = 4'000'000;
constexpr u64 kFirstJiffy = 0xffff'ffffU - 300 * 250 + 1;

u64 now(void* context, Clock clock) {
  const Host& host = *run_of(context).host;
  return host.now_ns(host.self, clock);
}

}  // namespace

u64 ktime_get_ns(u64, u64, u64, u64, u64, void* context) { return now(context, Clock::monotonic); }

u64 ktime_get_boot_ns(u64, u64, u64, u64, u64, void* context) { return now(context, Clock::boot); }

u64 ktime_get_coarse_ns(u64, u64, u64, u64, u64, void* context) {
  return now(context, Clock::coarse);
}

u64 ktime_get_tai_ns(u64, u64, u64, u64, u64, void* context) { return now(context, Clock::tai); }

u64 jiffies64(u64, u64, u64, u64, u64, void* context) {
  return kFirstJiffy + now(context, Clock::monotonic) / kNsPerJiffy;
}

u64 get_prandom_u32(u64, u64, u64, u64, u64, void* context) {
  const Host& host = *run_of(context).host;
  return host.random(host.self);
}

u64 get_smp_processor_id(u64, u64, u64, u64, u64, void* context) {
  return run_of(context).caller.cpu;
}

// The node that the thread runs on; the slot it holds says nothing about it.
u64 get_numa_node_id(u64, u64, u64, u64, u64, void*) {
  unsigned cpu = 0;
  unsigned node = 0;
  return syscall(SYS_getcpu, &cpu, &node, nullptr) == 0 ? node : 0;
}

}  // namespace skep::machine::helper
