// SPDX-License-Identifier: Apache-2.0
#include "engine/checked.h"

#include <doctest/doctest.h>

#include "base/cursor.h"
#include "isa/assemble.h"

namespace skep::engine {

namespace {

Outcome run(std::string_view source, const Input& input) {
  const auto program = isa::assemble(source, "t", {});
  if (!program) FAIL(program.error().what);
  const auto loaded = load_checked(*program, {});
  if (!loaded) FAIL(loaded.error().what);
  return (*loaded)->run(input);
}

struct Memory {
  std::array<std::byte, 32> bytes{};
  Region region{.name = "mem", .begin = std::bit_cast<std::uint64_t>(bytes.data()), .bytes = 16};

  [[nodiscard]] Input input() const { return {.r1 = region.begin, .regions = {&region, 1}}; }
};

struct Step {
  std::size_t at;
  unsigned frame;
  std::uint64_t r0;
  std::uint64_t below_top;  // the first slot of the frame's stack
};

struct Recorder {
  std::vector<Step> steps;
  std::size_t at_most = 100;

  static bool before(void* self, const StepView& view) {
    auto& recorder = *static_cast<Recorder*>(self);
    REQUIRE(view.stack.size() == isa::kStackBytes);
    CHECK(std::bit_cast<std::uint64_t>(view.stack.data()) + isa::kStackBytes == view.registers[10]);
    recorder.steps.push_back({view.at, view.frame, view.registers[0],
                              load<std::uint64_t>(view.stack.data() + isa::kStackBytes - 8)});
    return recorder.steps.size() < recorder.at_most;
  }
};

}  // namespace

TEST_CASE("checked: every width of every access stops at both edges of a region") {
  const Memory memory;
  for (const int bits : {8, 16, 32, 64}) {
    for (const char* form :
         {"r0 = *(u{} *)(r1 {:+})", "*(u{} *)(r1 {:+}) = r2", "*(u{} *)(r1 {:+}) = 1",
          "r0 = load_acquire((u{} *)(r1 {:+}))", "store_release((u{} *)(r1 {:+}), r2)"}) {
      const int last = 16 - bits / 8;
      for (const auto& [place, inside] :
           {std::pair{0, true}, {last, true}, {last + 1, false}, {-1, false}}) {
        const std::string source =
            fmt::vformat(form, fmt::make_format_args(bits, place)) + "\nexit";
        const Outcome outcome = run(source, memory.input());
        CHECK_MESSAGE(outcome.ok() == inside, source);
        if (inside) continue;
        CHECK(outcome.ending == Ending::bad_access);
        CHECK(outcome.access.address == memory.region.begin + static_cast<std::uint64_t>(place));
        CHECK(outcome.access.bytes == static_cast<std::uint32_t>(bits / 8));
      }
    }
  }
}

TEST_CASE("checked: atomics are writes") {
  Memory memory;
  memory.region.writable = false;
  for (const char* source :
       {"lock *(u32 *)(r1 + 0) += r2", "r2 = atomic_fetch_or((u64 *)(r1 + 0), r2)",
        "r2 = atomic_xchg((u32 *)(r1 + 8), r2)",
        "r0 = atomic64_cmpxchg((u64 *)(r1 + 8), r0, r2)"}) {
    const Outcome outcome = run(std::string(source) + "\nexit", memory.input());
    CHECK_MESSAGE(outcome.ending == Ending::bad_access, source);
    CHECK(outcome.access.write);
  }
}

TEST_CASE("checked: an address that wraps around is outside") {
  const Memory memory;
  CHECK(run("r1 = -1\nr0 = *(u64 *)(r1 + 0)\nexit", memory.input()).ending == Ending::bad_access);
  CHECK(run("r1 = -8\nr0 = *(u64 *)(r1 + 0)\nexit", memory.input()).ending == Ending::bad_access);
  CHECK(run("r1 = 0\nr0 = *(u8 *)(r1 - 1)\nexit", memory.input()).ending == Ending::bad_access);
}

TEST_CASE("checked: a callee reaches its callers' frames, nobody a frame that has ended") {
  CHECK(run("r2 = r10\nr2 += -8\ncall f\nr0 = *(u64 *)(r10 - 8)\nexit\n"
            "f: *(u64 *)(r2 + 0) = 77\nexit",
            {})
            .r0 == 77);
  const Outcome late = run("call f\nr0 = *(u64 *)(r0 - 8)\nexit\nf: r0 = r10\nexit", {});
  CHECK(late.ending == Ending::bad_access);
  CHECK(late.at == 1);
}

TEST_CASE("checked: the judge is asked about what lies nowhere else, and its word holds") {
  struct Asked {
    std::uint64_t address;
    std::uint32_t bytes;
    bool write;
    bool operator==(const Asked&) const = default;
  };
  struct Judge {
    std::uint64_t begin;
    std::vector<Asked> asked;
    static bool may_access(void* self, std::uint64_t address, std::uint32_t bytes, bool write) {
      auto& judge = *static_cast<Judge*>(self);
      judge.asked.push_back({address, bytes, write});
      return !write && address >= judge.begin && address + bytes <= judge.begin + 8;
    }
  };
  const Memory memory;
  Judge judge{.begin = memory.region.begin + 16, .asked = {}};
  store(const_cast<std::byte*>(memory.bytes.data()) + 16, std::uint64_t{0x1122334455667788});
  Input input = memory.input();
  input.judge = {.may_access = Judge::may_access, .self = &judge};
  CHECK(run("r0 = *(u64 *)(r1 + 8)\n*(u64 *)(r10 - 8) = r0\nexit", input).ok());
  CHECK(judge.asked.empty());
  CHECK(run("r0 = *(u32 *)(r1 + 20)\nexit", input).r0 == 0x11223344);
  CHECK(judge.asked == std::vector<Asked>{{judge.begin + 4, 4, false}});
  CHECK(run("*(u8 *)(r1 + 16) = 1\nexit", input).ending == Ending::bad_access);
  CHECK(judge.asked.back() == Asked{judge.begin, 1, true});
  CHECK(run("r0 = *(u64 *)(r1 + 20)\nexit", input).ending == Ending::bad_access);
  CHECK(run("lock *(u64 *)(r1 + 16) += r1\nexit", input).ending == Ending::bad_access);
  CHECK(judge.asked.back().write);
}

TEST_CASE("checked: nothing writes r10, and what was wanted is not done") {
  const Memory memory;
  for (const char* source :
       {"r10 = 1", "r10 += 1", "w10 = -w10", "r10 = be64 r10", "r10 = 5 ll",
        "r10 = *(u64 *)(r1 + 0)", "r10 = atomic64_xchg((u64 *)(r1 + 0), r10)"}) {
    const Outcome outcome = run(std::string(source) + "\nexit", memory.input());
    CHECK_MESSAGE(outcome.ending == Ending::bad_write, source);
    CHECK(outcome.at == 0);
  }
}

TEST_CASE("checked: the hook sees place, registers, frame and stack before each step") {
  Recorder recorder;
  Input input;
  input.hook = {.before = Recorder::before, .self = &recorder};
  const Outcome outcome =
      run("r0 = 1\n*(u64 *)(r10 - 8) = 5\ncall f\nexit\nf: r0 = 2\nexit", input);
  CHECK(outcome.ok());
  CHECK(outcome.executed == 6);
  REQUIRE(recorder.steps.size() == 6);
  const std::array<Step, 6> expected = {Step{0, 0, 0, 0}, {1, 0, 1, 0}, {2, 0, 1, 5},
                                        {4, 1, 1, 0},     {5, 1, 2, 0}, {3, 0, 2, 5}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(recorder.steps[i].at == expected[i].at);
    CHECK(recorder.steps[i].frame == expected[i].frame);
    CHECK(recorder.steps[i].r0 == expected[i].r0);
    CHECK(recorder.steps[i].below_top == expected[i].below_top);
  }
}

TEST_CASE("checked: the hook can end a run before an instruction is executed") {
  Recorder recorder{.steps = {}, .at_most = 2};
  Input input;
  input.hook = {.before = Recorder::before, .self = &recorder};
  const Outcome outcome = run("r0 = 1\nr0 = 2\nexit", input);
  CHECK(outcome.ending == Ending::stopped);
  CHECK(outcome.at == 1);
  CHECK(outcome.executed == 1);
  CHECK(outcome.r0 == 1);
}

}  // namespace skep::engine
