// SPDX-License-Identifier: Apache-2.0
#include "bench/machine_contest.h"

#include <sched.h>

#include <array>
#include <barrier>
#include <thread>

#include "bench/machine_clock.h"
#include "bench/machine_contestant.h"

namespace skep::bench {

namespace {

struct Spent {
  double cpu_ns = 0;  // of the thread, or the mean of the threads
  double wall_ns = 0;
};

template <class Work>
Result<Spent> timed(const Work& work, std::uint32_t runs) {
  const double wall = clock_ns(CLOCK_MONOTONIC);
  const double cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  (void)SKEP_TRY(work(runs));
  return Spent{.cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu,
               .wall_ns = clock_ns(CLOCK_MONOTONIC) - wall};
}

// This thread stays on the n-th CPU of those that it may use: left alone, two short-lived threads
// can end up on one, and then they never meet.
void stay_on(std::size_t which) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || which-- != 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    (void)::sched_setaffinity(0, sizeof(one), &one);
    return;
  }
}

// The same by two threads at the same time.
Result<Spent> timed_by_two(const Contestant& contestant, std::uint32_t runs) {
  std::array<Result<Spent>, 2> spent{Spent{}, Spent{}};
  std::barrier<> start(2);
  {
    std::array<std::jthread, 2> threads;
    for (std::size_t i = 0; i < threads.size(); ++i)
      threads[i] = std::jthread([&, i] {
        stay_on(i);
        start.arrive_and_wait();
        spent[i] = timed(contestant.run, runs);
      });
  }
  const Spent first = SKEP_TRY(std::move(spent[0]));
  const Spent second = SKEP_TRY(std::move(spent[1]));
  return Spent{.cpu_ns = (first.cpu_ns + second.cpu_ns) / 2,
               .wall_ns = std::max(first.wall_ns, second.wall_ns)};
}

struct Samples {
  std::vector<double> one, two, scaling;
};

Status take_sample(const Contestant& contestant, Samples& samples) {
  const double times = static_cast<double>(contestant.runs) * kTimes;
  const Spent empty = SKEP_TRY(timed(contestant.run_empty, contestant.runs));
  contestant.rewind();
  const Spent one = SKEP_TRY(timed(contestant.run, contestant.runs));
  contestant.rewind();
  const Spent two = SKEP_TRY(timed_by_two(contestant, contestant.runs));
  samples.one.push_back((one.cpu_ns - empty.cpu_ns) / times);
  samples.two.push_back((two.cpu_ns - empty.cpu_ns) / times);
  samples.scaling.push_back(2 * one.wall_ns / two.wall_ns);
  return {};
}

// Laps over a ring, so that all of its pages are there before it is measured.
Status warm(const Contestant& contestant) {
  for (unsigned lap = 0; lap < 4; ++lap) {
    contestant.rewind();
    (void)SKEP_TRY(contestant.run(contestant.runs));
  }
  return {};
}

// Finds how many runs are long enough, which warms caches on the way.
Status calibrate(Contestant& contestant, std::uint32_t most) {
  while (true) {
    contestant.rewind();
    const Spent spent = SKEP_TRY(timed(contestant.run, contestant.runs));
    if (spent.cpu_ns >= kMachineSampleNs || contestant.runs == most)
      return most == 0 ? Status{} : warm(contestant);
    const double factor =
        std::clamp(kMachineSampleNs / std::max(spent.cpu_ns, 1.0) * 1.1, 1.1, 50.0);
    contestant.runs = static_cast<std::uint32_t>(contestant.runs * factor) + 1;
    if (most != 0) contestant.runs = std::min(contestant.runs, most);
  }
}

Result<std::vector<Contestant>> contestants(const Sides& sides, const Operation& operation,
                                            const std::string& directory) {
  const OperationCode code = SKEP_TRY(read_code(directory, operation));
  std::vector<Contestant> all;
  all.reserve(sides.doors.size() + 1);
  for (const auto& door : sides.doors)
    all.push_back(SKEP_TRY(program_contestant(*door, operation, code)));
  if (operation.direct != nullptr && operation.map.type != 0)
    all.push_back(SKEP_TRY(direct_contestant(*sides.doors.back(), operation)));
  return all;
}

}  // namespace

Result<Sides> open_sides() {
  Sides sides;
  if (auto linux_side = linux_door(sides.why_no_linux))
    sides.doors.push_back(std::move(linux_side));
  for (const engine::EngineType& type : engine::engines())
    if (type.trusts_program) sides.doors.push_back(SKEP_TRY(machine_door(type.name)));
  return sides;
}

Result<OperationRow> measure_operation(const Sides& sides, const Operation& operation,
                                       const std::string& directory) {
  auto all = SKEP_TRY(contestants(sides, operation, directory));
  std::vector<Samples> samples(all.size());
  for (Contestant& contestant : all) (void)SKEP_TRY(calibrate(contestant, operation.most_runs));
  for (unsigned round = 0; round < kMachineSamples; ++round)
    for (std::size_t i = 0; i < all.size(); ++i)
      (void)SKEP_TRY(in(operation.name, take_sample(all[i], samples[i])));
  OperationRow row;
  row.operation = operation.name;
  for (std::size_t i = 0; i < all.size(); ++i)
    row.sides.push_back({.side = all[i].side,
                         .one = cost_of(samples[i].one),
                         .two = cost_of(samples[i].two),
                         .wall_scaling = median_of(samples[i].scaling)});
  return row;
}

Status try_operation(const Sides& sides, const Operation& operation, const std::string& directory) {
  const auto all = SKEP_TRY(contestants(sides, operation, directory));
  for (const Contestant& contestant : all) {
    contestant.rewind();
    (void)SKEP_TRY(in(operation.name, timed_by_two(contestant, 1)));
  }
  return {};
}

}  // namespace skep::bench
