// SPDX-License-Identifier: Apache-2.0
// A process that changes maps of a shared Region until it is killed, and the journal by which its
// successor knows what it must find. Each worker has keys of its own, which nobody else writes. The
// journal and the rest of the Stage lie in memory that a test shares with its children; the plan is
// made before they are forked.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include "maps/map.h"
#include "tests/property/map_marks.h"

namespace skep::test {

inline constexpr unsigned kWorkers = 4;
inline constexpr unsigned kKeysOfWorker = 24;
inline constexpr unsigned kMostMaps = 16;

// How a type treats an element that its writer was killed upon.
enum class Change : std::uint8_t {
  whole,     // old or new
  in_place,  // perhaps half of both
};

struct PlannedMap {
  maps::MapSpec spec;
  Change change = Change::whole;
  bool removes = true;
  maps::Offset block{};
};

// Of one key: the turn of its element, 0 for none. A change is announced before it is made.
struct Entry {
  static constexpr std::uint64_t kNothing = ~std::uint64_t{0};
  std::atomic<std::uint64_t> now{0};
  std::atomic<std::uint64_t> soon{kNothing};
};

struct alignas(64) WorkerState {
  std::atomic<std::uint64_t> steps{0};
  std::atomic<std::uint64_t> refused{0};  // -EBUSY, or no node until a death is repaired
  std::array<std::array<Entry, kKeysOfWorker>, kMostMaps> journal{};
};

struct Stage {
  std::array<WorkerState, kWorkers> workers;
  std::array<char, 400> complaint{};
};

// A map's key of `number`, and a user value full of one mark.
[[nodiscard]] Bytes map_key(const maps::MapSpec& spec, std::uint64_t number);
[[nodiscard]] Bytes map_value(const maps::Map& map, const Mark& mark);

// A Region and its maps as one process sees them.
class Site final : public maps::World {
 public:
  Site(std::unique_ptr<maps::Region> region, const std::vector<PlannedMap>& plan);
  [[nodiscard]] bool complete() const { return maps_.size() == plan_.size(); }
  [[nodiscard]] maps::Region& region() { return *region_; }
  [[nodiscard]] maps::Map& at(std::size_t index) { return *maps_[index]; }
  // Empty, or which of the worker's elements are not what its journal says. What is announced may
  // have happened or not; `settle` enters which.
  [[nodiscard]] std::string inspect(WorkerState& state, unsigned worker, bool settle);

  [[nodiscard]] std::uint64_t now_ns() override;
  [[nodiscard]] std::uint32_t random() override { return 4; }
  [[nodiscard]] long acquire(maps::ObjectKind, int, const maps::Map&, std::uint32_t&) override {
    return -1;
  }
  void release(maps::ObjectKind, std::uint32_t) override {}
  [[nodiscard]] maps::Map* map(std::uint32_t) override { return nullptr; }
  void drop_field(maps::Map&, const maps::Field&, std::byte*) override {}
  void reap() override;

 private:
  [[nodiscard]] std::string inspect_key(std::size_t map, std::uint64_t number, Entry& entry,
                                        bool settle);

  std::unique_ptr<maps::Region> region_;
  const std::vector<PlannedMap>& plan_;
  std::vector<std::unique_ptr<maps::Map>> maps_;
};

// What a worker's process runs: attaches, inspects what its predecessor left, and goes on until it
// is killed. Returns only to complain.
int work(Stage& stage, const std::vector<PlannedMap>& plan, int region_fd, unsigned worker,
         std::uint64_t seed);

}  // namespace skep::test
