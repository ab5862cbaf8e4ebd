// SPDX-License-Identifier: Apache-2.0
#include "bench/measure.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <ctime>
#include <functional>

namespace skep::bench {

namespace {

constexpr double kSampleNs = 30e6;
constexpr std::size_t kSamples = 7;

double thread_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Something to be timed, and how often to run it for one sample.
struct Subject {
  std::function<void()> run;
  std::uint64_t runs = 1;
  std::array<double, kSamples> samples{};
};

double time_runs(const Subject& subject) {
  const double begin = thread_ns();
  for (std::uint64_t i = 0; i < subject.runs; ++i) subject.run();
  return thread_ns() - begin;
}

// Grows until a sample is long enough, which warms caches and branch predictors on the way.
void calibrate(Subject& subject) {
  double spent = time_runs(subject);
  while (spent < kSampleNs) {
    const double factor = std::clamp(kSampleNs / std::max(spent, 1.0) * 1.1, 1.1, 100.0);
    subject.runs =
        static_cast<std::uint64_t>(std::ceil(static_cast<double>(subject.runs) * factor));
    spent = time_runs(subject);
  }
}

void take_samples(std::span<Subject> subjects) {
  for (Subject& subject : subjects) calibrate(subject);
  for (std::size_t at = 0; at < kSamples; ++at)
    for (Subject& subject : subjects)
      subject.samples[at] = time_runs(subject) / static_cast<double>(subject.runs);
}

Cost cost_of(const Subject& subject, double divisor = 1) {
  auto sorted = subject.samples;
  std::ranges::sort(sorted);
  return {.median_ns = sorted[kSamples / 2] / divisor,
          .min_ns = sorted.front() / divisor,
          .max_ns = sorted.back() / divisor};
}

// A buffer and the input of a run over it.
struct Place {
  std::vector<std::uint64_t> words = fresh_buffer();
  engine::Region region{
      .name = "mem", .begin = std::bit_cast<std::uint64_t>(words.data()), .bytes = kBufferBytes};
  engine::Input input{.r1 = region.begin, .r2 = region.bytes, .regions = {&region, 1}};

  Place() = default;
  Place(const Place&) = delete;  // the parts point at each other
  Place& operator=(const Place&) = delete;
};

struct Expected {
  std::uint64_t r0 = 0;
  std::vector<std::uint64_t> words;
};

Expected run_native(NativeFunction function) {
  Expected expected{.words = fresh_buffer()};
  expected.r0 = function(expected.words.data(), kBufferBytes);
  return expected;
}

Result<engine::Outcome> check_engine(const engine::EngineType& type, const Program& program,
                                     const Expected& expected) {
  const auto runnable = SKEP_TRY(type.load(program.insns, calls()));
  const Place place;
  const engine::Outcome outcome = runnable->run(place.input);
  if (!outcome.ok()) return fail(Code::invalid, "{}", engine::describe(outcome, place.input));
  if (outcome.r0 != expected.r0)
    return fail(Code::invalid, "r0 is {:#x}, natively {:#x}", outcome.r0, expected.r0);
  const auto [mine, native] = std::ranges::mismatch(place.words, expected.words);
  if (mine != place.words.end())
    return fail(Code::invalid, "word {} of memory is {:#x} after the run, natively {:#x}",
                mine - place.words.begin(), *mine, *native);
  return outcome;
}

// Keeps results of native functions from being dropped.
void keep(std::uint64_t value) { asm volatile("" : : "r"(value) : "memory"); }

}  // namespace

Result<std::uint64_t> check(const Program& program) {
  const Expected expected = run_native(program.native);
  const Expected scalar = run_native(program.scalar);
  if (scalar.r0 != expected.r0 || scalar.words != expected.words)
    return fail(Code::invalid, "{}: the native peers differ: r0 is {:#x} and {:#x}", program.name,
                expected.r0, scalar.r0);
  std::optional<std::uint64_t> executed;
  for (const engine::EngineType& type : engine::engines()) {
    const std::string place = text("{} on {}", program.name, type.name);
    const auto outcome = SKEP_TRY(in(place, check_engine(type, program, expected)));
    if (outcome.executed) executed = outcome.executed;
  }
  if (!executed) return fail(Code::unsupported, "no engine of this build counts instructions");
  return *executed;
}

Result<Row> measure(const Program& program) {
  Row row{.program = program.name, .executed = SKEP_TRY(check(program))};
  Place place;
  std::vector<std::unique_ptr<engine::Runnable>> runnables;
  std::vector<Subject> subjects;
  for (const NativeFunction function : {program.native, program.scalar})
    subjects.push_back(
        {.run = [&place, function] { keep(function(place.words.data(), kBufferBytes)); }});
  for (const engine::EngineType& type : engine::engines()) {
    const auto& runnable = runnables.emplace_back(SKEP_TRY(type.load(program.insns, calls())));
    subjects.push_back({.run = [&place, raw = runnable.get()] { keep(raw->run(place.input).r0); }});
  }
  take_samples(subjects);
  row.native = cost_of(subjects[0]);
  row.scalar = cost_of(subjects[1]);
  for (std::size_t at = 0; at < runnables.size(); ++at)
    row.engines.push_back({engine::engines()[at].name, cost_of(subjects[at + 2])});
  return row;
}

Result<FixedCost> measure_fixed(const engine::EngineType& type, const Programs& programs) {
  std::size_t insns = 0;
  for (const Program& program : programs.all) insns += program.insns.size();
  constexpr isa::Insn kZero{.code = 0xb7};  // r0 = 0
  constexpr isa::Insn kExit{.code = 0x95};
  const auto empty = SKEP_TRY(type.load(std::array{kZero, kExit}, calls()));
  const engine::Input input;
  std::array<Subject, 2> subjects{
      Subject{.run =
                  [&] {
                    for (const Program& program : programs.all)
                      keep(type.load(program.insns, calls()).has_value());
                  }},
      Subject{.run = [&] { keep(empty->run(input).r0); }},
  };
  take_samples(subjects);
  return FixedCost{.engine = type.name,
                   .load = cost_of(subjects[0], static_cast<double>(insns)),
                   .empty_run = cost_of(subjects[1])};
}

}  // namespace skep::bench
