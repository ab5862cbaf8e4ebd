// SPDX-License-Identifier: Apache-2.0
// Any bytes as a program: the checked engine never leaves the memory it was given (ASan is the
// judge), and where its outcome is well defined every other engine shows the same.
#include <cstdlib>

#include "base/file.h"
#include "isa/check.h"
#include "tests/property/engine_agreement.h"

namespace {

using namespace skep;

constexpr std::uint64_t kBudget = 2000;
// Fast engines count slots, and look where the program jumps; what ended within kBudget ends here.
constexpr std::uint64_t kFastBudget = kBudget * 512;

void must(bool holds) {
  if (!holds) std::abort();
}

std::uint64_t sum(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d,
                  std::uint64_t e, void*) {
  return a + 3 * b + 5 * c + 7 * d + 11 * e;
}

constexpr engine::Calls kCalls{
    .helper =
        [](std::uint32_t number) { return number == 1 ? engine::HelperFunction{sum} : nullptr; },
    .kfunc = [](std::int32_t, std::int16_t) { return engine::HelperFunction{sum}; }};

}  // namespace

// With frames of their own on the heap, runs could not be moved to other stack addresses.
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): ASan's name
extern "C" const char* __asan_default_options() { return "detect_stack_use_after_return=0"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static test::Ground ground(1);
  if (size % isa::kInsnBytes != 1 || size > 2048) return 0;
  ground.refill(data[0]);
  const auto program = isa::decode(std::as_bytes(std::span(data + 1, size - 1)));
  must(program.has_value());
  const auto checked = engine::load_checked(*program, kCalls);
  if (!checked) return 0;
  const auto judgement = test::judge(*program, **checked, ground, kBudget);
  if (!judgement || judgement->crossed) return 0;
  for (const engine::EngineType& type : engine::engines()) {
    const auto loaded = type.load(*program, kCalls);
    must(loaded.has_value());
    must(test::see(ground.run(**loaded, ground.input(kFastBudget)), ground) == judgement->seen);
  }
  return 0;
}
