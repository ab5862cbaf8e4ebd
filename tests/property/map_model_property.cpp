// SPDX-License-Identifier: Apache-2.0
// Maps against a model of what they mean: random operations by one thread have the same results,
// and with several threads each thread's own keys do, while others read them.
#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <deque>
#include <map>
#include <thread>

#include "abi/map_types.h"
#include "maps/cpus.h"
#include "tests/property/map_marks.h"
#include "tests/property/map_model.h"
#include "tests/support/map_trial.h"
#include "tests/support/rounds.h"

namespace skep::test {

namespace {

// SKEP_RUNS=2500 makes a million operations of each type.
constexpr std::uint64_t kTrials = 1000;
constexpr unsigned kSteps = 400;
constexpr unsigned kCpus = 3;
constexpr unsigned kThreads = 4;
constexpr std::uint64_t kThreadSteps = 100'000;

constexpr auto kTypes = std::to_array<std::uint32_t>({
    abi::BPF_MAP_TYPE_ARRAY,
    abi::BPF_MAP_TYPE_PERCPU_ARRAY,
    abi::BPF_MAP_TYPE_HASH,
    abi::BPF_MAP_TYPE_PERCPU_HASH,
    abi::BPF_MAP_TYPE_LRU_HASH,
    abi::BPF_MAP_TYPE_LRU_PERCPU_HASH,
    abi::BPF_MAP_TYPE_LPM_TRIE,
    abi::BPF_MAP_TYPE_QUEUE,
    abi::BPF_MAP_TYPE_STACK,
    abi::BPF_MAP_TYPE_BLOOM_FILTER,
});

std::string repeat(std::uint64_t seed) { return text("SKEP_SEED={} SKEP_RUNS=1\n", seed); }

void compare_with_model(std::uint32_t type) {
  const std::uint64_t seed = seed_or(1);
  DirectSide ours(kCpus);
  for (std::uint64_t i = 0; i < runs_or(rounds(kTrials)); ++i) {
    Random random(seed + i);
    const Trial trial = random_trial(type, random, kCpus);
    MapModel model(kCpus);
    (void)model.create(trial.spec);
    if (const long made = ours.create(trial.spec); made != 0)
      FAIL(repeat(seed + i), shown(trial.spec), ": ", made);
    const std::string difference = first_difference(model, ours, trial, random, kSteps);
    if (!difference.empty())
      FAIL(repeat(seed + i), shown(trial.spec), "\nthe model first: ", difference);
  }
}

// One thread's keys, which nobody else writes, and what they are.
class Owner {
 public:
  Owner(maps::Map& map, unsigned number, std::uint64_t seed)
      : map_(map), number_(number), random_(seed), value_(map.user_value_bytes()) {}

  static constexpr std::uint64_t kKeys = 64;

  void run(std::uint64_t steps) {
    for (std::uint64_t step = 0; step < steps && wrong_.empty(); ++step) {
      const maps::Cpu cpu(map_.region());
      if (!cpu.held()) return fail("no CPU", 0);
      caller_ = {cpu.number()};
      const std::uint64_t key = random_.below(kKeys) * kThreads + number_;
      switch (random_.below(5)) {
        case 0:
        case 1:
          write(key, step + 1);
          break;
        case 2:
          remove(key);
          break;
        case 3:
          read_own(key);
          break;
        default:
          read_any(random_.below(kKeys * kThreads));
      }
    }
  }
  [[nodiscard]] const std::string& wrong() const { return wrong_; }
  [[nodiscard]] const std::map<std::uint64_t, Mark>& elements() const { return elements_; }

 private:
  void fail(std::string_view what, long status) {
    wrong_ = text("thread {}: {}: {}", number_, what, status);
  }
  void write(std::uint64_t key, std::uint64_t turn) {
    const Mark mark(key, turn);
    for (std::size_t at = 0; at < value_.size(); at += kMarkBytes)
      std::memcpy(&value_[at], mark.data(), kMarkBytes);
    const long status = map_.write(caller_, MapKey(map_, key).data(), value_.data(), 0);
    if (status != 0) return fail("write", status);
    elements_[key] = mark;
  }
  void remove(std::uint64_t key) {
    const long expected = elements_.erase(key) == 1 ? 0 : -ENOENT;
    const long status = map_.remove(caller_, MapKey(map_, key).data());
    if (status != expected) fail(expected == 0 ? "remove" : "remove of nothing", status);
  }
  void read_own(std::uint64_t key) {
    const auto found = elements_.find(key);
    const long status = map_.read(caller_, MapKey(map_, key).data(), value_.data(), 0);
    if (status != (found == elements_.end() ? -ENOENT : 0)) return fail("read", status);
    if (status != 0) return;
    for (std::size_t at = 0; at < value_.size(); at += kMarkBytes)
      if (std::memcmp(&value_[at], found->second.data(), kMarkBytes) != 0) fail("another value", 0);
  }
  // It may be replaced while it is read, so nothing is said of its value but that it can be read.
  void read_any(std::uint64_t key) {
    const long status = map_.read(caller_, MapKey(map_, key).data(), value_.data(), 0);
    if (status != 0 && status != -ENOENT) fail("read of another's", status);
  }

 public:
  // 8 bytes of key, behind a prefix length where the type wants one.
  class MapKey {
   public:
    MapKey(const maps::Map& map, std::uint64_t key) {
      const bool prefix = map.spec().type == abi::BPF_MAP_TYPE_LPM_TRIE;
      const std::uint32_t bits = 64;
      if (prefix) std::memcpy(bytes_.data(), &bits, sizeof(bits));
      std::memcpy(&bytes_[prefix ? 4 : 0], &key, sizeof(key));
    }
    [[nodiscard]] const void* data() const { return bytes_.data(); }

   private:
    std::array<std::byte, 12> bytes_{};
  };

 private:
  maps::Map& map_;
  unsigned number_;
  Random random_;
  Bytes value_;
  maps::Caller caller_;
  std::map<std::uint64_t, Mark> elements_;
  std::string wrong_;
};

void run_owners(const maps::MapSpec& spec) {
  CAPTURE(shown(spec));
  DirectSide side(kCpus);
  REQUIRE(side.create(spec) == 0);
  std::deque<Owner> owners;
  for (unsigned i = 0; i < kThreads; ++i) owners.emplace_back(side.map(), i, seed_or(1) + i);
  {
    std::vector<std::jthread> threads;
    threads.reserve(owners.size());
    for (Owner& owner : owners) threads.emplace_back([&] { owner.run(rounds(kThreadSteps)); });
  }
  std::size_t elements = 0;
  for (const Owner& owner : owners) {
    CHECK(owner.wrong() == "");
    elements += owner.elements().size();
  }
  // Nothing is there twice, and nothing that nobody wrote.
  std::size_t found = 0;
  Bytes key(spec.key_bytes);
  Bytes before;
  while (side.next_key(before.empty() ? nullptr : before.data(), key.data()) == 0 &&
         found <= elements) {
    ++found;
    before = key;
  }
  CHECK(found == elements);
}

}  // namespace

TEST_CASE("random operations have the results of the model") {
  for (const std::uint32_t type : kTypes) {
    CAPTURE(type);
    const maps::MapType* row = maps::find_map_type(type);
    if (row != nullptr && row->open != nullptr) compare_with_model(type);
  }
}

TEST_CASE("threads find their own elements as they left them while others work beside them") {
  const std::uint32_t all = Owner::kKeys * kThreads;
  const auto run = [](std::uint32_t type, std::uint32_t flags, std::uint32_t entries) {
    const std::uint32_t key_bytes = type == abi::BPF_MAP_TYPE_LPM_TRIE ? 12 : 8;
    if (maps::find_map_type(type) == nullptr) return;
    run_owners({.type = type,
                .key_bytes = key_bytes,
                .value_bytes = kMarkBytes,
                .max_entries = entries,
                .flags = flags});
  };
  run(abi::BPF_MAP_TYPE_HASH, 0, all);
  run(abi::BPF_MAP_TYPE_HASH, abi::BPF_F_NO_PREALLOC, all);
  run(abi::BPF_MAP_TYPE_PERCPU_HASH, 0, all);
  run(abi::BPF_MAP_TYPE_LRU_HASH, 0, 16 * all);
  run(abi::BPF_MAP_TYPE_LRU_HASH, abi::BPF_F_NO_COMMON_LRU, 16 * all);
  run(abi::BPF_MAP_TYPE_LRU_PERCPU_HASH, 0, 16 * all);
  run(abi::BPF_MAP_TYPE_LPM_TRIE, abi::BPF_F_NO_PREALLOC, all);
}

}  // namespace skep::test
