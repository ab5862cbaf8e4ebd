// SPDX-License-Identifier: Apache-2.0
// Processes that share a Region are killed at random points, again and again. The others go on,
// every element that a worker was told of is there, and in the end nothing is lost: neither room in
// the maps nor memory of the Region.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <cerrno>
#include <set>
#include <thread>

#include "abi/map_types.h"
#include "maps/cpus.h"
#include "tests/property/map_worker.h"
#include "tests/support/map_process.h"
#include "tests/support/random_program.h"
#include "tests/support/rounds.h"

namespace skep::test {

namespace {

using namespace std::chrono_literals;
using maps::MapSpec;
using maps::Offset;
using maps::Region;

// SKEP_RUNS=1000 is the full form.
constexpr std::uint64_t kKills = 300;
constexpr unsigned kKeys = kWorkers * kKeysOfWorker;

// The Stage in memory that children share.
class SharedStage {
 public:
  SharedStage()
      : place_(mmap(nullptr, sizeof(Stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                    0)) {
    REQUIRE(place_ != MAP_FAILED);
    new (place_) Stage;
  }
  SharedStage(const SharedStage&) = delete;
  SharedStage& operator=(const SharedStage&) = delete;
  ~SharedStage() { munmap(place_, sizeof(Stage)); }
  Stage& operator*() { return *static_cast<Stage*>(place_); }
  Stage* operator->() { return static_cast<Stage*>(place_); }

 private:
  void* place_;
};

// One map of each kind that is built, as large as the keys that there are.
std::vector<PlannedMap> plan_maps() {
  const auto spec = [](std::uint32_t type, std::uint32_t key_bytes, std::uint32_t flags = 0,
                       std::uint32_t entries = kKeys) {
    return MapSpec{.type = type,
                   .key_bytes = key_bytes,
                   .value_bytes = kMarkBytes,
                   .max_entries = entries,
                   .flags = flags};
  };
  const std::vector<PlannedMap> all = {
      {.spec = spec(abi::BPF_MAP_TYPE_ARRAY, 4), .change = Change::in_place, .removes = false},
      {.spec = spec(abi::BPF_MAP_TYPE_PERCPU_ARRAY, 4),
       .change = Change::in_place,
       .removes = false},
      {.spec = spec(abi::BPF_MAP_TYPE_HASH, 8)},
      {.spec = spec(abi::BPF_MAP_TYPE_HASH, 20, abi::BPF_F_NO_PREALLOC)},
      {.spec = spec(abi::BPF_MAP_TYPE_PERCPU_HASH, 8), .change = Change::in_place},
      {.spec = spec(abi::BPF_MAP_TYPE_LRU_HASH, 8, 0, 16 * kKeys)},
      {.spec = spec(abi::BPF_MAP_TYPE_LRU_PERCPU_HASH, 8, 0, 16 * kKeys),
       .change = Change::in_place},
      {.spec = spec(abi::BPF_MAP_TYPE_LPM_TRIE, 12, abi::BPF_F_NO_PREALLOC)},
  };
  std::vector<PlannedMap> plan;
  for (const PlannedMap& planned : all)
    if (maps::find_map_type(planned.spec.type) != nullptr) plan.push_back(planned);
  return plan;
}

void make_maps(Region& region, Site& world, std::vector<PlannedMap>& plan) {
  for (PlannedMap& planned : plan) {
    REQUIRE(maps::create_map(region, world, planned.spec, planned.block));
    region.publish(planned.block);
  }
}

// Keeps workers running, kills them, and watches that the others go on.
class Killer {
 public:
  Killer(Stage& stage, const std::vector<PlannedMap>& plan, const Region& region,
         std::uint64_t seed)
      : stage_(stage), plan_(plan), region_(region), random_(seed) {
    for (unsigned i = 0; i < kWorkers; ++i) children_.push_back(start(i));
  }

  void kill_one() {
    const unsigned victim = random_.below(kWorkers);
    std::this_thread::sleep_for(std::chrono::microseconds(random_.below(4000)));
    children_[victim].kill();
    std::uint64_t before = steps_of_others(victim);
    REQUIRE_MESSAGE(comes_true([&] { return complained() || steps_of_others(victim) > before; }),
                    "nobody goes on after the death of worker ", victim);
    REQUIRE_MESSAGE(!complained(), stage_.complaint.data());
    children_[victim] = start(victim);
  }
  void kill_all() { children_.clear(); }

  [[nodiscard]] std::uint64_t steps() const { return steps_of_others(kWorkers); }

 private:
  [[nodiscard]] ChildProcess start(unsigned worker) {
    const std::uint64_t seed = random_.next();
    return ChildProcess([&, seed] { return work(stage_, plan_, region_.fd(), worker, seed); });
  }
  [[nodiscard]] bool complained() const { return stage_.complaint[0] != '\0'; }
  [[nodiscard]] std::uint64_t steps_of_others(unsigned victim) const {
    std::uint64_t steps = 0;
    for (unsigned i = 0; i < kWorkers; ++i)
      if (i != victim) steps += stage_.workers[i].steps;
    return steps;
  }

  Stage& stage_;
  const std::vector<PlannedMap>& plan_;
  const Region& region_;
  Random random_;
  std::vector<ChildProcess> children_;
};

// Every key that the walk finds, each once; and how many elements the journals know.
void check_walk(Site& site, Stage& stage, std::size_t map) {
  std::size_t expected = 0;
  for (const WorkerState& worker : stage.workers)
    for (const Entry& entry : worker.journal[map]) expected += entry.now != 0 ? 1 : 0;
  std::set<Bytes> seen;
  Bytes key(site.at(map).spec().key_bytes);
  const Bytes* before = nullptr;
  while (seen.size() <= kKeys &&
         site.at(map).next_key({}, before == nullptr ? nullptr : before->data(), key.data()) == 0) {
    const auto [place, fresh] = seen.insert(key);
    REQUIRE(fresh);
    before = &*place;
  }
  CHECK(seen.size() == expected);
}

// As many elements as the spec says, and not one more.
void check_room(Site& site, const PlannedMap& planned, std::size_t map) {
  maps::Map& full = site.at(map);
  for (unsigned number = 0; number < kKeys; ++number)
    (void)full.remove({}, map_key(planned.spec, number).data());
  const std::uint32_t room = planned.spec.max_entries;
  const maps::Cpu cpu(site.region());
  for (std::uint32_t number = 0; number < room; ++number) {
    const Bytes value = map_value(full, Mark(number, 1));
    CAPTURE(number);
    REQUIRE(full.write({cpu.number()}, map_key(planned.spec, number).data(), value.data(), 0) == 0);
  }
  const bool evicts = planned.spec.max_entries != kKeys;
  const Bytes value = map_value(full, Mark(room, 1));
  const long more = full.write({cpu.number()}, map_key(planned.spec, room).data(), value.data(), 0);
  CHECK((evicts ? more == 0 : more == -E2BIG || more == -ENOSPC));
}

}  // namespace

TEST_CASE("whoever is killed, the others go on and find whole maps") {
  const std::uint64_t seed = seed_or(1);
  CAPTURE(seed);
  SharedStage stage;
  auto owner = Region::create_shared({.limit_bytes = 64 << 20, .cpus = 3}).value();
  Region& region = *owner;
  std::vector<PlannedMap> plan = plan_maps();
  {
    const std::vector<PlannedMap> none;
    Site maker(Region::attach(Fd(dup(region.fd()))).value(), none);
    make_maps(maker.region(), maker, plan);
  }
  const maps::RegionUse before = region.use();
  Killer killer(*stage, plan, region, seed);
  for (std::uint64_t i = 0; i < runs_or(rounds(kKills)); ++i) killer.kill_one();
  killer.kill_all();

  Site site(std::move(owner), plan);
  REQUIRE(site.complete());
  site.reap();
  std::uint64_t refused = 0;
  for (unsigned worker = 0; worker < kWorkers; ++worker) {
    CHECK(site.inspect(stage->workers[worker], worker, true) == "");
    refused += stage->workers[worker].refused;
  }
  const std::uint64_t steps = killer.steps();
  MESSAGE(steps, " steps, ", refused, " refused");
  CHECK(refused <= steps / 20);
  const maps::RegionUse after = region.use();
  CHECK(after.blocks == before.blocks);
  CHECK(after.used_bytes == before.used_bytes);
  CHECK(after.processes == 1);
  for (std::size_t map = 0; map < plan.size(); ++map) {
    CAPTURE(plan[map].spec.type);
    if (!plan[map].removes) continue;
    check_walk(site, *stage, map);
    check_room(site, plan[map], map);
  }
}

}  // namespace skep::test
