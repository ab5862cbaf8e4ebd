// SPDX-License-Identifier: Apache-2.0
#include "engine/contained.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/skip.h"

namespace skep::engine {

namespace {

// ASan turns a crash into an exit of its own.
#if defined(SKEP_SANITIZED)
constexpr bool kCrashesAreSignals = false;
#else
constexpr bool kCrashesAreSignals = true;
#endif

void crash() {
  // Volatile, so that no compiler knows that this address is nobody's.
  volatile std::uintptr_t nowhere = 64;
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  auto* place = reinterpret_cast<volatile int*>(nowhere);
  *place = 1;
}

}  // namespace

TEST_CASE("contained: what the child leaves in shared memory comes back") {
  auto memory = SharedMemory::make(100'000);
  REQUIRE(memory);
  const std::span<std::byte> bytes = memory->bytes();
  REQUIRE(bytes.size() == 100'000);
  int own = 1;
  REQUIRE(run_contained([&] {
    bytes.front() = std::byte{7};
    bytes.back() = std::byte{9};
    own = 2;
  }));
  CHECK(bytes.front() == std::byte{7});
  CHECK(bytes.back() == std::byte{9});
  CHECK(own == 1);
}

TEST_CASE("contained: no memory is memory too") {
  const auto memory = SharedMemory::make(0);
  REQUIRE(memory);
  CHECK(memory->bytes().empty());
}

TEST_CASE("contained: a crash ends the child and is reported") {
  const Status status = run_contained(crash);
  REQUIRE(!status);
  CHECK(status.error().code == Code::invalid);
  if (!kCrashesAreSignals) return test::skip("a sanitizer reports crashes in its own way");
  CHECK(status.error().what ==
        "the program used memory that is not its own (Segmentation fault); --engine checked says "
        "where");
  CHECK(run_contained([] {}).has_value());
}

TEST_CASE("contained: the child makes no system calls") {
  if (!kCrashesAreSignals) return test::skip("under a sanitizer system calls stay allowed");
  CHECK(!run_contained([] { (void)::getppid(); }));
}

}  // namespace skep::engine
