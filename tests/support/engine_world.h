// SPDX-License-Identifier: Apache-2.0
// What a machine gives to programs, as small as the tests of engines need it: a program array, and
// helpers that call back. World is the context of its runs.
#pragma once

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "isa/assemble.h"

namespace skep::test {

using LoadedProgram = std::unique_ptr<engine::Runnable>;

inline constexpr unsigned kMostTailCalls = 33;  // kernel: MAX_TAIL_CALL_CNT

struct World {
  engine::Running* running = nullptr;
  std::vector<const engine::Runnable*> programs;
  unsigned tail_calls = 0;
  const engine::Runnable* seen = nullptr;  // running->program() at the last helper call
  std::uint64_t r1_of_tail_call = 0;

  [[nodiscard]] engine::Input input(engine::Input from = {}) {
    from.context = this;
    from.running = &running;
    return from;
  }
};

namespace world {

using std::uint64_t;

inline World& of(void* context) { return *static_cast<World*>(context); }

inline const engine::Runnable* tail_call(uint64_t r1, uint64_t, uint64_t index, void* context) {
  World& world = of(context);
  world.r1_of_tail_call = r1;
  const engine::Runnable* target = index < world.programs.size() ? world.programs[index] : nullptr;
  if (target == nullptr || world.tail_calls == kMostTailCalls) return nullptr;
  ++world.tail_calls;
  return target;
}

// loop(count, callback, callback_context): calls callback(i, callback_context) until one gives not
// 0; how often it was called.
inline uint64_t loop(uint64_t count, uint64_t callback, uint64_t callback_context, uint64_t,
                     uint64_t, void* context) {
  World& world = of(context);
  uint64_t calls = 0;
  while (calls < count) {
    const auto r0 = world.running->call_back(callback, {calls, callback_context});
    if (!r0) return 0;
    ++calls;
    if (*r0 != 0) break;
  }
  return calls;
}

// engine::Calls all five arguments but the first: callback(r2, r3, r4, r5, 5).
inline uint64_t apply(uint64_t callback, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                      void* context) {
  return of(context).running->call_back(callback, {b, c, d, e, 5}).value_or(0xbad);
}

// Does not return when it is told that the run is over, as a helper should.
inline uint64_t stubborn(uint64_t callback, uint64_t, uint64_t, uint64_t, uint64_t, void* context) {
  World& world = of(context);
  (void)world.running->call_back(callback, {});
  CHECK(!world.running->call_back(callback, {}));
  world.running->leave(99);
  return 77;
}

inline uint64_t leave(uint64_t r0, uint64_t, uint64_t, uint64_t, uint64_t, void* context) {
  of(context).running->leave(r0);
  return 77;
}

inline uint64_t note_program(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, void* context) {
  of(context).seen = &of(context).running->program();
  return 0;
}

inline engine::HelperFunction helper(std::uint32_t number) {
  constexpr engine::HelperFunction kHelpers[] = {loop, apply, stubborn, leave, note_program};
  return number >= 1 && number <= 5 ? kHelpers[number - 1] : nullptr;
}

inline engine::HelperFunction kfunc(std::int32_t btf_id, std::int16_t btf_index) {
  return btf_index == 0 ? helper(static_cast<std::uint32_t>(btf_id)) : nullptr;
}

inline constexpr engine::Calls kCalls{.helper = helper, .kfunc = kfunc, .tail_call = tail_call};

}  // namespace world

inline LoadedProgram load_in_world(const engine::EngineType& type, std::string_view source,
                                   const engine::Calls& calls = world::kCalls) {
  const auto program = isa::assemble(source, "t", {});
  if (!program) FAIL(program.error().what, "\n", source);
  auto loaded = type.load(*program, calls);
  if (!loaded) FAIL(loaded.error().what, "\n", source);
  return *std::move(loaded);
}

}  // namespace skep::test
