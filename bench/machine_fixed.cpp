// SPDX-License-Identifier: Apache-2.0
#include "bench/machine_fixed.h"

#include <unistd.h>

#include <array>
#include <functional>

#include "abi/commands.h"
#include "abi/map_types.h"
#include "abi/program_types.h"
#include "bench/machine_clock.h"
#include "machine/fire.h"
#include "maps/cpus.h"

namespace skep::bench {

namespace {

constexpr MapShape kSmallArray{.type = abi::BPF_MAP_TYPE_ARRAY, .entries = 1};
constexpr unsigned kManyMaps = 1000;

// Done once; false when it fails.
using Task = std::function<bool()>;

struct Timing {
  Task task;
  std::uint64_t times = 1;
  std::vector<double> samples{};
};

bool sample(Timing& timing, double& spent) {
  const double begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  for (std::uint64_t i = 0; i < timing.times; ++i)
    if (!timing.task()) return false;
  spent = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
  return true;
}

bool calibrate(Timing& timing) {
  double spent = 0;
  while (sample(timing, spent)) {
    if (spent >= kMachineSampleNs) return true;
    const double factor = std::clamp(kMachineSampleNs / std::max(spent, 1.0) * 1.1, 1.1, 50.0);
    timing.times = static_cast<std::uint64_t>(static_cast<double>(timing.times) * factor) + 1;
  }
  return false;
}

class Table {
 public:
  explicit Table(bool smoke) : smoke_(smoke) {}

  // Either task may be missing.
  [[nodiscard]] Status add(std::string_view what, Task on_linux, Task on_machine) {
    std::array timings = {Timing{.task = std::move(on_linux)},
                          Timing{.task = std::move(on_machine)}};
    if (!smoke_)
      for (Timing& timing : timings)
        if (timing.task && !calibrate(timing)) return fail(Code::invalid, "{} fails", what);
    for (unsigned round = 0; round < (smoke_ ? 1 : kMachineSamples); ++round)
      for (Timing& timing : timings) {
        double spent = 0;
        if (!timing.task) continue;
        if (!sample(timing, spent)) return fail(Code::invalid, "{} fails", what);
        timing.samples.push_back(spent / static_cast<double>(timing.times));
      }
    rows_.push_back({.what = what});
    if (timings[0].task) rows_.back().on_linux = cost_of(timings[0].samples);
    if (timings[1].task) rows_.back().on_machine = cost_of(timings[1].samples);
    return {};
  }
  [[nodiscard]] std::vector<FixedRow> take() { return std::move(rows_); }

 private:
  const bool smoke_;
  std::vector<FixedRow> rows_;
};

struct Pair {
  Door* on_linux;  // null where there is none
  Door* on_machine;
};

// The same task on both.
template <class Make>
Status add_both(Table& table, std::string_view what, const Pair& doors, Make&& make) {
  Task on_linux;
  if (doors.on_linux != nullptr) on_linux = SKEP_TRY(make(*doors.on_linux));
  Task on_machine = SKEP_TRY(make(*doors.on_machine));
  return table.add(what, std::move(on_linux), std::move(on_machine));
}

Result<int> filled_hash(Door& door) {
  const Operation operation{.name = "a hash map",
                            .map = {.type = abi::BPF_MAP_TYPE_HASH, .entries = 65536},
                            .fill = 1024};
  const int map = SKEP_TRY(create_map(door, operation.map));
  (void)SKEP_TRY(fill_map(door, map, operation));
  return map;
}

Task creation(Door& door) {
  return [&door] {
    const auto map = create_map(door, kSmallArray);
    if (map) door.close(*map);
    return map.has_value();
  };
}

isa::Program trivial() {
  constexpr isa::Insn kZero{.code = 0xb7};  // r0 = 0
  constexpr isa::Insn kExit{.code = 0x95};
  return std::vector{kZero, kExit};
}

Result<Task> lookups(Door& door) {
  const int map = SKEP_TRY(filled_hash(door));
  return Task([&door, map, key = 0U]() mutable {
    std::uint64_t value = 0;
    key = (key + 1) & 1023;
    return lookup(door, map, &key, &value) == 0;
  });
}

Result<Task> updates(Door& door) {
  const int map = SKEP_TRY(filled_hash(door));
  return Task([&door, map, key = 0U]() mutable {
    const std::uint64_t value = 1;
    key = (key + 1) & 1023;
    return update(door, map, &key, &value) == 0;
  });
}

Result<Task> test_runs(Door& door) {
  const isa::Program code = trivial();
  const int program = SKEP_TRY(load(door, abi::BPF_PROG_TYPE_SCHED_CLS, code));
  return Task([&door, program] { return test_run(door, program, 1).has_value(); });
}

Result<Task> loads(Door& door) {
  return Task([&door, code = trivial()] {
    const auto program = load(door, abi::BPF_PROG_TYPE_SCHED_CLS, code);
    if (program) door.close(*program);
    return program.has_value();
  });
}

Status add_commands(Table& table, const Pair& doors) {
  (void)SKEP_TRY(add_both(table, "BPF_MAP_LOOKUP_ELEM", doors, lookups));
  (void)SKEP_TRY(add_both(table, "BPF_MAP_UPDATE_ELEM", doors, updates));
  (void)SKEP_TRY(add_both(table, "BPF_PROG_TEST_RUN of 2 instructions", doors, test_runs));
  (void)SKEP_TRY(add_both(table, "BPF_PROG_LOAD of them, and close", doors, loads));
  return add_both(table, "BPF_MAP_CREATE of an array, and close", doors,
                  [](Door& door) -> Result<Task> { return creation(door); });
}

Status add_hooks(Table& table, Door& door) {
  machine::Machine& machine = *door.machine();
  machine::HookSite site(machine, "raw_tracepoint/bench");
  const std::array<std::uint64_t, 2> arguments{};
  const Task fire = [&] { return site.fire(arguments).failed == 0; };
  (void)SKEP_TRY(table.add("HookSite::fire, nothing attached", {}, fire));
  const isa::Program code = trivial();
  const int program = SKEP_TRY(load(door, abi::BPF_PROG_TYPE_RAW_TRACEPOINT, code));
  auto attr = fresh_attr();
  attr.raw_tracepoint.name = address("bench");
  attr.raw_tracepoint.prog_fd = static_cast<std::uint32_t>(program);
  const long link = door.bpf(abi::BPF_RAW_TRACEPOINT_OPEN, attr);
  if (link < 0 || site.fire(arguments).programs != 1)
    return fail(Code::invalid, "the hook does not fire: errno {}", link < 0 ? -link : 0);
  const Status added = table.add("HookSite::fire, one program of 2 instructions", {}, fire);
  door.close(static_cast<int>(link));
  door.close(program);
  return added;
}

Status add_slots(Table& table, Door& door) {
  maps::Region& region = door.machine()->region();
  return table.add("a CPU slot, taken and given back", {},
                   [&region] { return maps::Cpu(region).held(); });
}

// Many maps in a shared Region, and machines that come to it.
Status add_crowd(Table& table) {
  auto region = SKEP_TRY(maps::Region::create_shared({}));
  const int fd = region->fd();
  auto machine = SKEP_TRY(machine::Machine::over(std::move(region)));
  for (unsigned i = 0; i < kManyMaps; ++i) {
    auto attr = fresh_attr();
    attr.map_type = kSmallArray.type;
    attr.key_size = kSmallArray.key_bytes;
    attr.value_size = kSmallArray.value_bytes;
    attr.max_entries = 1;
    if (const long map = machine->bpf(abi::BPF_MAP_CREATE, &attr, sizeof(attr)); map < 0)
      return fail(Code::limit, "map {} cannot be made: errno {}", i, -map);
  }
  return table.add("Machine::over a Region with 1,000 maps, and its end", {}, [fd] {
    auto same = maps::Region::attach(Fd(::dup(fd)));
    return same.has_value() && machine::Machine::over(std::move(*same)).has_value();
  });
}

Status add_start(Table& table) {
  (void)SKEP_TRY(table.add("Region::create, and its end", {},
                           [] { return maps::Region::create({}).has_value(); }));
  (void)SKEP_TRY(table.add("Machine::create, and its end", {},
                           [] { return machine::Machine::create().has_value(); }));
  return add_crowd(table);
}

}  // namespace

Result<std::vector<FixedRow>> measure_machine_fixed(const Sides& sides, bool smoke) {
  Pair doors{.on_linux = nullptr, .on_machine = nullptr};
  for (const auto& door : sides.doors) {
    const bool on_machine = door->machine() != nullptr;
    if (on_machine && doors.on_machine == nullptr) doors.on_machine = door.get();
    if (!on_machine) doors.on_linux = door.get();
  }
  if (doors.on_machine == nullptr) return fail(Code::unsupported, "no engine trusts programs");
  Table table(smoke);
  (void)SKEP_TRY(add_commands(table, doors));
  (void)SKEP_TRY(add_hooks(table, *doors.on_machine));
  (void)SKEP_TRY(add_slots(table, *doors.on_machine));
  (void)SKEP_TRY(add_start(table));
  return table.take();
}

}  // namespace skep::bench
