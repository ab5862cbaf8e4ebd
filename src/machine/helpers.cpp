// SPDX-License-Identifier: Apache-2.0
#include "machine/helpers.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace skep::machine {

namespace {

using std::uint64_t;

const Host& host_of(void* context) { return *static_cast<const Host*>(context); }

uint64_t ktime_get_ns(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, void* context) {
  const Host& host = host_of(context);
  return host.now_ns(host.self);
}

uint64_t get_prandom_u32(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, void* context) {
  const Host& host = host_of(context);
  return host.random(host.self);
}

uint64_t get_smp_processor_id(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, void* context) {
  const Host& host = host_of(context);
  return host.cpu(host.self);
}

struct Helper {
  std::uint32_t number;
  engine::HelperFunction function;
};

constexpr auto kHelpers = std::to_array<Helper>({
    {5, ktime_get_ns},
    {7, get_prandom_u32},
    {8, get_smp_processor_id},
});

engine::HelperFunction find_helper(std::uint32_t number) {
  const auto* found = std::ranges::find(kHelpers, number, &Helper::number);
  return found == kHelpers.end() ? nullptr : found->function;
}

constexpr engine::Calls kCalls{.helper = find_helper, .kfunc = nullptr};

uint64_t system_now_ns(void*) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// splitmix64: one state, no system call.
std::uint32_t system_random(void* self) {
  uint64_t& state = *static_cast<uint64_t*>(self);
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return static_cast<std::uint32_t>((z ^ z >> 31) >> 32);
}

std::uint32_t system_cpu(void*) { return 0; }

}  // namespace

SystemHost::SystemHost() : state(0) {
  // A clock that goes on is seed enough where the system gives none.
  if (getrandom(&state, sizeof(state), GRND_NONBLOCK) != sizeof(state))
    state = system_now_ns(nullptr);
}

Host SystemHost::host() {
  return {.now_ns = system_now_ns, .random = system_random, .cpu = system_cpu, .self = &state};
}

const engine::Calls& helper_calls() { return kCalls; }

}  // namespace skep::machine
