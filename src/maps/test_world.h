// SPDX-License-Identifier: Apache-2.0
// For unit tests of maps: a World without a machine, and one map of one type in a Region of its
// own. A descriptor here stands for the object of the same number; references to objects and fields
// that were dropped are counted. May be used by several threads.
#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "maps/map.h"
#include "maps/words.h"

namespace skep::maps {

class TestWorld : public World {
 public:
  [[nodiscard]] std::uint64_t now_ns() override { return time_ns += 1000; }
  [[nodiscard]] std::uint32_t random() override {
    std::uint64_t bits = state_.fetch_add(0x9e37'79b9'7f4a'7c15);
    bits = (bits ^ (bits >> 30)) * 0xbf58'476d'1ce4'e5b9;
    return static_cast<std::uint32_t>(bits >> 32);
  }
  [[nodiscard]] long acquire(ObjectKind, int fd, const Map&, std::uint32_t& id) override {
    if (fd < 0) return -EBADF;
    const std::lock_guard guard(lock_);
    id = static_cast<std::uint32_t>(fd);
    ++references_[id];
    return 0;
  }
  void release(ObjectKind, std::uint32_t id) override {
    const std::lock_guard guard(lock_);
    --references_[id];
  }
  [[nodiscard]] Map* map(std::uint32_t id) override {
    const std::lock_guard guard(lock_);
    const auto found = maps_.find(id);
    return found == maps_.end() ? nullptr : found->second;
  }
  void drop_field(Map&, const Field& field, std::byte* at) override {
    if (field.kind == FieldKind::spin_lock) return;
    ++dropped;
    for (std::uint32_t i = 0; i < field.bytes; ++i) store_relaxed(at + i, std::uint8_t{0});
  }
  void reap() override { ++reaped; }

  void add_map(std::uint32_t id, Map& map) {
    const std::lock_guard guard(lock_);
    maps_[id] = &map;
  }
  [[nodiscard]] int references(std::uint32_t id) {
    const std::lock_guard guard(lock_);
    return references_[id];
  }

  std::atomic<std::uint64_t> time_ns{1'000'000'000};
  std::atomic<int> dropped{0};
  std::atomic<int> reaped{0};

 private:
  std::atomic<std::uint64_t> state_{1};
  std::mutex lock_;
  std::map<std::uint32_t, int> references_;
  std::map<std::uint32_t, Map*> maps_;
};

// A map and all it needs. `map()` is null when the spec was refused, and `status` says why.
class TestMap {
 public:
  TestMap(const MapType& type, const MapSpec& spec, unsigned cpus = 4) : type_(type), spec_(spec) {
    spec_.type = type.number;
    region_ = Region::create({.limit_bytes = std::uint64_t{1} << 34, .cpus = cpus}).value();
    status = type_.check(spec_, cpus);
    const auto bytes = status == 0 ? type_.bytes(spec_, cpus) : std::nullopt;
    if (!bytes) return;
    bytes_ = *bytes;
    block_ = region_->allocate(bytes_).value();
    map_ = view(true);
  }

  [[nodiscard]] Map& map() { return *map_; }
  [[nodiscard]] Map* operator->() { return map_.get(); }
  [[nodiscard]] Region& region() { return *region_; }
  [[nodiscard]] std::byte* memory() { return region_->at(block_, bytes_); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  // The same block as another process would see it.
  [[nodiscard]] std::unique_ptr<Map> view(bool fresh = false) {
    return type_.open({*region_, world, type_, spec_, block_, memory(), bytes_, fresh});
  }

  TestWorld world;
  long status = 0;

 private:
  const MapType type_;
  MapSpec spec_;
  std::unique_ptr<Region> region_;
  Offset block_ = Offset::none;
  std::uint64_t bytes_ = 0;
  std::unique_ptr<Map> map_;
};

}  // namespace skep::maps
