// SPDX-License-Identifier: Apache-2.0
// What programs refer to outside themselves is asked for when they are loaded: helpers, kfuncs, and
// the values of 64-bit immediates that stand for something.
#include "engine/calls.h"

#include <doctest/doctest.h>

#include "engine/engine.h"
#include "isa/assemble.h"

namespace skep::engine {

namespace {

std::uint64_t weigh(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d,
                    std::uint64_t e, void* context) {
  return a + 10 * b + 100 * c + 1000 * d + 10000 * e + *static_cast<std::uint64_t*>(context);
}

std::uint64_t fifty(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                    void*) {
  return 50;
}

struct Asked {
  std::uint8_t kind;
  std::int32_t low;
  std::int32_t high;
  bool operator==(const Asked&) const = default;
};

class Recorder final : public Resolver {
 public:
  [[nodiscard]] HelperFunction helper(std::uint32_t number) const override {
    return number == known_helper ? fifty : nullptr;
  }
  [[nodiscard]] HelperFunction kfunc(std::int32_t btf_id, std::int16_t btf_index) const override {
    return btf_id == 70000 && btf_index == 3 ? weigh : nullptr;
  }
  [[nodiscard]] std::optional<std::uint64_t> value(const isa::Insn& low,
                                                   const isa::Insn& high) const override {
    asked.push_back({low.src, low.imm, high.imm});
    if (low.imm == 404) return std::nullopt;
    return 0xffff'8000'0000'0000 + low.src;
  }

  std::uint32_t known_helper = 8;
  mutable std::vector<Asked> asked;
};

Result<std::unique_ptr<Runnable>> load(const EngineType& type, std::string_view source,
                                       const Calls& calls) {
  const auto program = isa::assemble(source, "t", {});
  if (!program) FAIL(program.error().what);
  return type.load(*program, calls);
}

std::uint64_t r0_of(const EngineType& type, std::string_view source, const Calls& calls,
                    const Input& input = {}) {
  const auto loaded = load(type, source, calls);
  if (!loaded) FAIL(loaded.error().what);
  return (*loaded)->run(input).r0;
}

}  // namespace

TEST_CASE("calls: each kind of pseudo value is asked for with both slots, and used") {
  for (const EngineType& type : engines()) {
    const Recorder recorder;
    const Calls calls{.resolver = &recorder};
    for (const std::uint8_t kind : std::to_array<std::uint8_t>({1, 2, 3, 5, 6})) {
      const bool has_high = kind == 2 || kind == 3 || kind == 6;
      const isa::Program program = {{.code = 0x18, .dst = 7, .src = kind, .imm = 21},
                                    {.imm = has_high ? 9 : 0},
                                    {.code = 0xbf, .dst = 0, .src = 7},
                                    {.code = 0x95}};
      const auto loaded = type.load(program, calls);
      REQUIRE(loaded);
      CHECK((*loaded)->run({}).r0 == 0xffff'8000'0000'0000 + kind);
      CHECK(recorder.asked.back() == Asked{kind, 21, has_high ? 9 : 0});
    }
    CHECK_MESSAGE(recorder.asked.size() == 5, type.name);
    CHECK(r0_of(type, "r0 = 6 ll\nexit", calls) == 6);
    CHECK(recorder.asked.size() == 5);
  }
}

TEST_CASE("calls: a pseudo value that nobody knows is refused at its place") {
  for (const EngineType& type : engines()) {
    const Recorder recorder;
    const auto unknown = load(type, "r0 = 0\nr1 = map[fd:404]\nexit", {.resolver = &recorder});
    REQUIRE(!unknown);
    CHECK(unknown.error().code == Code::unsupported);
    CHECK(unknown.error().what ==
          "insn 1: imm64_map_fd must be resolved to an address before the program can run");
  }
}

TEST_CASE("calls: the resolver is asked before the plain functions") {
  for (const EngineType& type : engines()) {
    Recorder recorder;
    const Calls calls{.helper = [](std::uint32_t) -> HelperFunction { return weigh; },
                      .resolver = &recorder};
    std::uint64_t context = 1;
    const Input input{.context = &context};
    const char* source = "r1 = 0\nr2 = 0\nr3 = 0\nr4 = 0\nr5 = 0\ncall 8\nexit";
    CHECK(r0_of(type, source, calls, input) == 50);
    CHECK(r0_of(type, "r6 = 8\ncallx r6\nexit", calls, input) == 50);
    recorder.known_helper = 9;
    CHECK_MESSAGE(r0_of(type, source, calls, input) == 1, type.name);
  }
}

TEST_CASE("calls: kfuncs go by BTF id and index, with five arguments and the context") {
  const isa::Insn call{.code = 0x85, .src = 2, .offset = 3, .imm = 70000};
  for (const EngineType& type : engines()) {
    const Recorder recorder;
    const Calls calls{.resolver = &recorder};
    isa::Program program;
    for (std::uint8_t reg = 1; reg <= 5; ++reg)
      program.push_back({.code = 0xb7, .dst = reg, .imm = reg});
    program.push_back(call);
    program.push_back({.code = 0x95});
    const auto loaded = type.load(program, calls);
    REQUIRE(loaded);
    std::uint64_t context = 600'000;
    CHECK_MESSAGE((*loaded)->run({.context = &context}).r0 == 654'321, type.name);
    program[5].offset = 2;
    const auto unknown = type.load(program, calls);
    REQUIRE(!unknown);
    CHECK(unknown.error().what == "insn 5: kfunc 70000 is not there to be called");
  }
}

TEST_CASE("calls: a run is shown at its place and what was there before is put back") {
  Running* place = nullptr;
  {
    const RunningScope nothing(nullptr, nullptr);
    auto* const outer = std::bit_cast<Running*>(std::uintptr_t{64});
    const RunningScope first(&place, outer);
    {
      const RunningScope second(&place, nullptr);
      CHECK(place == nullptr);
    }
    CHECK(place == outer);
  }
  CHECK(place == nullptr);
}

}  // namespace skep::engine
