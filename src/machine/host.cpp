// SPDX-License-Identifier: Apache-2.0
#include "machine/host.h"

#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

namespace skep::machine {

namespace {

using std::uint64_t;

clockid_t system_clock_of(Clock clock) {
  switch (clock) {
    case Clock::monotonic:
      return CLOCK_MONOTONIC;
    case Clock::boot:
      return CLOCK_BOOTTIME;
    case Clock::coarse:
      return CLOCK_MONOTONIC_COARSE;
    case Clock::tai:
      return CLOCK_TAI;
  }
  return CLOCK_MONOTONIC;
}

uint64_t system_now_ns(void*, Clock clock) {
  timespec now{};
  clock_gettime(system_clock_of(clock), &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// splitmix64: one state, no system call. Threads share it, and each draws its own number.
std::uint32_t system_random(void* self) {
  constexpr uint64_t kStep = 0x9e3779b97f4a7c15;
  uint64_t z = std::atomic_ref(*static_cast<uint64_t*>(self)).fetch_add(kStep) + kStep;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return static_cast<std::uint32_t>((z ^ z >> 31) >> 32);
}

Identity system_identity(void*) {
  const auto thread = static_cast<uint64_t>(syscall(SYS_gettid));
  return {.pid_tgid = static_cast<uint64_t>(getpid()) << 32 | thread,
          .uid_gid = static_cast<uint64_t>(getgid()) << 32 | getuid()};
}

std::array<char, 16> system_command(void*) {
  std::array<char, 16> name{};
  prctl(PR_GET_NAME, name.data(), 0, 0, 0);
  return name;
}

}  // namespace

SystemHost::SystemHost() : state(0) {
  // A clock that goes on is seed enough where the system gives none.
  if (getrandom(&state, sizeof(state), GRND_NONBLOCK) != sizeof(state))
    state = system_now_ns(nullptr, Clock::monotonic);
}

Host SystemHost::host() {
  return {.now_ns = system_now_ns,
          .random = system_random,
          .identity = system_identity,
          .command = system_command,
          .self = &state};
}

}  // namespace skep::machine
