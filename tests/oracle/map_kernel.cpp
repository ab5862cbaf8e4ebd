// SPDX-License-Identifier: Apache-2.0
// Maps against the running Linux: the same random specs are refused with the same errno, and the
// same random operations have the same results.
#include <doctest/doctest.h>

#include <cerrno>

#include "abi/map_types.h"
#include "maps/cpus.h"
#include "tests/support/linux_bpf.h"
#include "tests/support/map_trial.h"
#include "tests/support/rounds.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

// How often a type is asked in the plain run, and how long one map lives.
constexpr std::uint64_t kTrials = 60;
constexpr unsigned kSteps = 200;
constexpr std::uint64_t kSpecs = 1000;

bool is_made_here(std::uint32_t type) {
  const maps::MapType* row = maps::find_map_type(type);
  return row != nullptr && row->open != nullptr;
}

// Elements that bpf(2) can give and take without objects of the kernel behind them.
bool has_plain_elements(std::uint32_t type) {
  switch (type) {
    case abi::BPF_MAP_TYPE_HASH:
    case abi::BPF_MAP_TYPE_ARRAY:
    case abi::BPF_MAP_TYPE_PERCPU_HASH:
    case abi::BPF_MAP_TYPE_PERCPU_ARRAY:
    case abi::BPF_MAP_TYPE_LRU_HASH:
    case abi::BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case abi::BPF_MAP_TYPE_LPM_TRIE:
    case abi::BPF_MAP_TYPE_QUEUE:
    case abi::BPF_MAP_TYPE_STACK:
    case abi::BPF_MAP_TYPE_BLOOM_FILTER:
      return true;
    default:
      return false;
  }
}

std::string repeat(std::uint64_t seed) { return text("SKEP_SEED={} SKEP_RUNS=1\n", seed); }

// Larger than this nobody makes for a test, and what Linux says depends on its memory.
bool is_modest(const maps::MapSpec& spec) {
  const std::uint64_t most = std::uint64_t{64} << 20;
  return (std::uint64_t{spec.key_bytes} + spec.value_bytes) * spec.max_entries *
             maps::possible_cpus() <=
         most;
}

void compare_operations(std::uint32_t type) {
  CAPTURE(type);
  const std::uint64_t seed = seed_or(1);
  for (std::uint64_t i = 0; i < runs_or(rounds(kTrials)); ++i) {
    Random random(seed + i);
    Trial trial = random_trial(type, random, maps::possible_cpus());
    // The order of a trie is that of its keys, on both sides.
    trial.ordered |= type == abi::BPF_MAP_TYPE_LPM_TRIE;
    LinuxSide linux_side;
    DirectSide ours;
    const long made = linux_side.create(trial.spec);
    if (ours.create(trial.spec) != made)
      FAIL(repeat(seed + i), shown(trial.spec), ": Linux says ", made);
    if (made != 0) continue;
    const std::string difference = first_difference(linux_side, ours, trial, random, kSteps);
    if (!difference.empty())
      FAIL(repeat(seed + i), shown(trial.spec), "\nLinux first: ", difference);
  }
}

void compare_creation(std::uint32_t type) {
  CAPTURE(type);
  const std::uint64_t seed = seed_or(1);
  LinuxSide linux_side;
  DirectSide ours;
  for (std::uint64_t i = 0; i < runs_or(rounds(kSpecs)); ++i) {
    Random random(seed + i);
    const maps::MapSpec spec = random_spec(type, random);
    if (!is_modest(spec)) continue;
    const long theirs = linux_side.create(spec);
    const long made = ours.create(spec);
    if (theirs != made)
      FAIL_CHECK(repeat(seed + i), shown(spec), ": Linux says ", theirs, ", here it is ", made);
  }
}

}  // namespace

TEST_CASE("random specs are made or refused as by Linux") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  for (std::uint32_t type = 0; type < abi::__MAX_BPF_MAP_TYPE + 3; ++type)
    // What a struct_ops map is like, Linux reads from its own BTF.
    if (is_made_here(type) && type != abi::BPF_MAP_TYPE_STRUCT_OPS) compare_creation(type);
}

TEST_CASE("random operations have the same results as on Linux") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  for (std::uint32_t type = 0; type < abi::__MAX_BPF_MAP_TYPE; ++type)
    if (is_made_here(type) && has_plain_elements(type)) compare_operations(type);
}

}  // namespace skep::test
