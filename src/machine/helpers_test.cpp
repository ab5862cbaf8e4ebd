// SPDX-License-Identifier: Apache-2.0
#include "machine/helpers.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <set>

#include "abi/attach_types.h"
#include "abi/limits.h"
#include "abi/map_types.h"
#include "abi/program_types.h"
#include "engine/engine.h"
#include "machine/cgroup.h"
#include "machine/helper_functions.h"
#include "machine/kfuncs.h"
#include "machine/stack_walk.h"
#include "machine/sysctl_values.h"
#include "machine/trace_pipe.h"
#include "maps/ring_buffer.h"
#include "maps/test_world.h"

// NOLINTBEGIN(bugprone-unchecked-optional-access): REQUIRE has looked before

namespace skep::machine {

namespace {

using helper::address_of;
using helper::result;

// A run with the system's host and a trace pipe.
struct Bench {
  SystemHost system;
  Host host = system.host();
  TracePipe trace;
  Run run{.host = &host, .trace = &trace};
};

// r0 of a program on every engine; `r1` is its argument.
std::uint64_t run_program(const isa::Program& program, std::uint64_t r1, Run& run) {
  std::set<std::uint64_t> results;
  for (const engine::EngineType& type : engine::engines()) {
    const auto loaded = type.load(program, helper_calls());
    REQUIRE(loaded);
    engine::Input input{.r1 = r1, .context = &run, .running = &run.running};
    input.judge = {.may_access = [](void*, std::uint64_t, std::uint32_t, bool) { return true; }};
    const engine::Outcome outcome = (*loaded)->run(input);
    REQUIRE_MESSAGE(outcome.ok(), engine::describe(outcome, input));
    results.insert(outcome.r0);
  }
  REQUIRE(results.size() == 1);
  return *results.begin();
}

}  // namespace

TEST_CASE("helper table: rows say what they do, or why not") {
  for (const Helper& row : helper_table()) {
    CAPTURE(row.name);
    CHECK((row.function != nullptr) == row.refused.empty());
    CHECK_FALSE(row.types.is_empty());
    CHECK_FALSE(row.types.contains(abi::BPF_PROG_TYPE_EXT));
    bool ended = false;
    for (const Argument& argument : row.arguments) {
      CHECK_FALSE((ended && argument.kind != ArgumentKind::none));
      ended |= argument.kind == ArgumentKind::none;
      CHECK((argument.kind == ArgumentKind::btf || argument.kind == ArgumentKind::btf_or_null) ==
            !argument.type.empty());
    }
  }
  const Helper* row = find_helper(27, abi::BPF_PROG_TYPE_PERF_EVENT, 0);
  REQUIRE(row != nullptr);
  CHECK_FALSE(row->has(kGpl));
  CHECK(find_helper(27, abi::BPF_PROG_TYPE_KPROBE, 0)->has(kGpl));
  CHECK(find_helper(27, abi::BPF_PROG_TYPE_XDP, 0) == nullptr);
  CHECK(find_helper(0, abi::BPF_PROG_TYPE_XDP, 0) == nullptr);
  CHECK(find_helper(212, abi::BPF_PROG_TYPE_XDP, 0) == nullptr);
  CHECK(find_helper(184, abi::BPF_PROG_TYPE_TRACING, abi::BPF_TRACE_FEXIT) != nullptr);
  CHECK(find_helper(184, abi::BPF_PROG_TYPE_TRACING, abi::BPF_TRACE_FENTRY) == nullptr);
}

TEST_CASE("kfunc table: names once, prototypes with their names") {
  std::set<std::string_view> names;
  for (const Kfunc& row : kfunc_table()) {
    CHECK(names.insert(row.name).second);
    CHECK(row.prototype.find(row.name) != std::string_view::npos);
    CHECK(find_kfunc(row.name) == &row);
  }
  CHECK(find_kfunc("bpf_no_such") == nullptr);
}

TEST_CASE("helpers: who runs") {
  Bench bench;
  const std::uint64_t id = helper::get_current_pid_tgid(0, 0, 0, 0, 0, &bench.run);
  CHECK((id >> 32) == static_cast<std::uint64_t>(::getpid()));
  CHECK((id & 0xffff'ffff) == static_cast<std::uint64_t>(::gettid()));
  std::array<char, 4> name{'#', '#', '#', '#'};
  CHECK(helper::get_current_comm(address_of(name.data()), 3, 0, 0, 0, &bench.run) == 0);
  CHECK(name[2] == '\0');
  CHECK(name[3] == '#');
  CHECK(helper::get_current_comm(0, 3, 0, 0, 0, &bench.run) == result(-EINVAL));
}

TEST_CASE("cgroups: paths and ancestors") {
  CHECK(unified_cgroup("1:cpu:/x\n0::/a/b\n") == "/a/b");
  CHECK(unified_cgroup("1:cpu:/x\n").empty());
  CHECK(unified_cgroup("").empty());
  CHECK(cgroup_ancestor("/a/b/c", 0) == "/");
  CHECK(cgroup_ancestor("/a/b/c", 2) == "/a/b");
  CHECK(cgroup_ancestor("/a/b/c", 3) == "/a/b/c");
  CHECK(cgroup_ancestor("/a/b/c", 4).empty());
  CHECK(cgroup_ancestor("/a", -1).empty());
  CHECK(cgroup_ancestor("/", 1).empty());
}

TEST_CASE("helpers: trace_printk writes a line") {
  Bench bench;
  const char format[] = "a=%d b=%s";
  CHECK(helper::trace_printk(address_of(format), sizeof(format), 5, address_of("six"), 0,
                             &bench.run) == 9);
  const auto line = bench.trace.read();
  CHECK(line.value_or(TraceLine{}).text == "a=5 b=six");
  CHECK(helper::trace_printk(address_of(format), 3, 0, 0, 0, &bench.run) == result(-EINVAL));
  CHECK_FALSE(bench.trace.read());
}

TEST_CASE("helpers: snprintf and the count of its arguments") {
  std::array<char, 16> out{};
  const std::array<std::uint64_t, 2> values{7, 8};
  const auto print = [&](std::uint64_t data, std::uint64_t bytes) {
    return helper::snprintf(address_of(out.data()), out.size(), address_of("%d-%d"), data, bytes,
                            nullptr);
  };
  CHECK(print(address_of(values.data()), 16) == 4);
  CHECK(std::string_view(out.data()) == "7-8");
  CHECK(print(address_of(values.data()), 15) == result(-EINVAL));
  CHECK(print(address_of(values.data()), 104) == result(-EINVAL));
  CHECK(print(0, 16) == result(-EINVAL));
  CHECK(print(address_of(values.data()), 8) == result(-EINVAL));
}

TEST_CASE("helpers: strings are compared up to the count or a zero") {
  const auto compare = [](const char* a, std::uint64_t bytes, const char* b) {
    return static_cast<std::int64_t>(
        helper::strncmp(address_of(a), bytes, address_of(b), 0, 0, nullptr));
  };
  CHECK(compare("abc", 3, "abd") == -1);
  CHECK(compare("abd", 3, "abc") == 1);
  CHECK(compare("abc", 2, "abd") == 0);
  constexpr std::array<char, 4> kCut = {'a', 'b', '\0', 'x'};
  CHECK(compare(kCut.data(), 4, "ab") == 0);
}

TEST_CASE("helpers: bpf_loop calls back, stops, and has limits") {
  Bench bench;
  // The callback is 1 from the tenth turn on.
  const auto looping = [](std::int32_t turns, std::int32_t flags) {
    return isa::Program{{.code = 0xb7, .dst = 1, .imm = turns},
                        {.code = 0x18, .dst = 2, .src = 4, .imm = 5},
                        {},
                        {.code = 0xb7, .dst = 3},
                        {.code = 0xb7, .dst = 4, .imm = flags},
                        {.code = 0x85, .imm = 181},
                        {.code = 0x95},
                        {.code = 0xb7, .dst = 0},
                        {.code = 0xa5, .dst = 1, .offset = 1, .imm = 9},
                        {.code = 0xb7, .dst = 0, .imm = 1},
                        {.code = 0x95}};
  };
  const auto run = [&](std::int32_t turns, std::int32_t flags) {
    return run_program(looping(turns, flags), 0, bench.run);
  };
  CHECK(run(5, 0) == 5);
  CHECK(run(0, 0) == 0);
  CHECK(run(100, 0) == 10);
  CHECK(run(1, 1) == result(-EINVAL));
  CHECK(run(abi::BPF_MAX_LOOPS, 0) == 10);
  CHECK(run(abi::BPF_MAX_LOOPS + 1, 0) == result(-E2BIG));
}

TEST_CASE("helpers: ring buffer records and dynptrs of them") {
  const maps::MapSpec spec{.type = abi::BPF_MAP_TYPE_RINGBUF, .max_entries = 4096};
  maps::TestWorld world;
  const auto region = maps::Region::create({.limit_bytes = 1 << 20, .cpus = 2});
  REQUIRE(region);
  maps::Offset block{};
  const auto map = maps::create_map(**region, world, spec, block);
  REQUIRE(map);
  Bench bench;
  const std::uint64_t ring = address_of(static_cast<maps::Map*>(map->get()));
  CHECK(helper::ringbuf_reserve(ring, 8, 1, 0, 0, &bench.run) == 0);
  std::array<std::uint64_t, 6> samples{};
  for (auto& sample : samples) {
    sample = helper::ringbuf_reserve(ring, 8, 0, 0, 0, &bench.run);
    REQUIRE(sample != 0);
  }
  // Given back in another order than they were taken, more than a run remembers in itself.
  for (const unsigned which : {5, 0, 3, 1, 4, 2})
    helper::ringbuf_submit(samples[which], 0, 0, 0, 0, &bench.run);
  CHECK(helper::ringbuf_query(ring, 0, 0, 0, 0, &bench.run) == 6 * 16);
  helper::ringbuf_submit(samples[0], 0, 0, 0, 0, &bench.run);  // not its own any more
  std::array<std::uint64_t, 2> dynptr{};
  const std::uint64_t at = address_of(dynptr.data());
  CHECK(helper::ringbuf_reserve_dynptr(ring, 8, 1, at, 0, &bench.run) == result(-EINVAL));
  CHECK(helper::ringbuf_reserve_dynptr(ring, 1 << 24, 0, at, 0, &bench.run) == result(-E2BIG));
  CHECK(helper::ringbuf_reserve_dynptr(ring, 8192, 0, at, 0, &bench.run) == result(-EINVAL));
  CHECK(helper::ringbuf_submit_dynptr(at, 0, 0, 0, 0, &bench.run) == 0);
  CHECK(helper::ringbuf_reserve_dynptr(ring, 8, 0, at, 0, &bench.run) == 0);
  CHECK(helper::ringbuf_discard_dynptr(at, 0, 0, 0, 0, &bench.run) == 0);
  CHECK(dynptr[0] == 0);
}

TEST_CASE("helpers: sysctl values") {
  SysctlValues values{.name = "net/ipv4/ip_forward", .current = "1", .written = "0", .write = true};
  Run run{.sysctl = &values};
  std::array<char, 8> out{};
  const std::uint64_t to = address_of(out.data());
  CHECK(helper::sysctl_get_name(0, to, 8, 0, 0, &run) == result(-E2BIG));
  CHECK(std::string_view(out.data()) == "net/ipv");
  CHECK(helper::sysctl_get_name(0, to, 8, 1, 0, &run) == result(-E2BIG));
  CHECK(std::string_view(out.data()) == "ip_forw");
  CHECK(helper::sysctl_get_name(0, to, 8, 2, 0, &run) == result(-EINVAL));
  CHECK(helper::sysctl_get_current_value(0, to, 8, 0, 0, &run) == 1);
  CHECK(helper::sysctl_set_new_value(0, address_of("42"), 2, 0, 0, &run) == 0);
  CHECK(values.updated);
  CHECK(helper::sysctl_get_new_value(0, to, 8, 0, 0, &run) == 2);
  CHECK(std::string_view(out.data()) == "42");
}

TEST_CASE("stacks: a chain of frames, and chains that go wrong") {
  std::array<std::uint64_t, 8> memory{};
  memory[0] = address_of(&memory[2]);
  memory[1] = 0x222;
  memory[2] = address_of(&memory[4]);
  memory[3] = 0x333;
  memory[4] = address_of(&memory[0]);  // back down: the end
  memory[5] = 0x444;
  const StackStart start{.ip = 0x111, .frame = address_of(memory.data())};
  std::array<std::uint64_t, 10> ips{};
  REQUIRE(walk_stack(start, 0, ips) == 4);
  CHECK(ips[3] == 0x444);
  CHECK(walk_stack(start, 2, ips) == 2);
  CHECK(ips[0] == 0x333);
  CHECK(walk_stack(start, 9, ips) == 0);
  CHECK(walk_stack(start, 0, std::span(ips).first(2)) == 2);
  CHECK(walk_stack({.ip = 1, .frame = 16}, 0, ips) == 1);
  CHECK(walk_stack({.ip = 1, .frame = ~std::uint64_t{7}}, 0, ips) == 1);
}

}  // namespace skep::machine

// NOLINTEND(bugprone-unchecked-optional-access)
