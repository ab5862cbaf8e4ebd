// SPDX-License-Identifier: Apache-2.0
// What bpf(2) can be asked about one map, so that a test can ask two sides the same: the running
// Linux, maps::Map, or a model. Results are 0 or a negative errno. Each side owns its map; one
// thread uses a side.
#pragma once

#include <memory>

#include "base/fd.h"
#include "maps/map.h"

namespace skep::test {

enum class BatchKind : std::uint8_t { read, take, write, remove };

class MapSide {
 public:
  MapSide() = default;
  MapSide(const MapSide&) = delete;
  MapSide& operator=(const MapSide&) = delete;
  virtual ~MapSide() = default;

  // Makes the map; the one before goes.
  [[nodiscard]] virtual long create(const maps::MapSpec& spec) = 0;
  // Keys are null where the type has none.
  [[nodiscard]] virtual long read(const void* key, void* value, std::uint64_t flags) = 0;
  [[nodiscard]] virtual long write(const void* key, const void* value, std::uint64_t flags) = 0;
  [[nodiscard]] virtual long remove(const void* key) = 0;
  [[nodiscard]] virtual long take(const void* key, void* value, std::uint64_t flags) = 0;
  [[nodiscard]] virtual long next_key(const void* key, void* next) = 0;
  [[nodiscard]] virtual long batch(BatchKind kind, maps::Batch& batch) = 0;
};

class LinuxSide final : public MapSide {
 public:
  [[nodiscard]] long create(const maps::MapSpec& spec) override;
  [[nodiscard]] long read(const void* key, void* value, std::uint64_t flags) override;
  [[nodiscard]] long write(const void* key, const void* value, std::uint64_t flags) override;
  [[nodiscard]] long remove(const void* key) override;
  [[nodiscard]] long take(const void* key, void* value, std::uint64_t flags) override;
  [[nodiscard]] long next_key(const void* key, void* next) override;
  [[nodiscard]] long batch(BatchKind kind, maps::Batch& batch) override;

 private:
  Fd map_;
};

// maps::Map in a private Region, behind the checks that bpf(2) makes before it asks a map.
class DirectSide final : public MapSide {
 public:
  // 0: as many CPUs as Linux has, so that values of all CPUs are as long.
  explicit DirectSide(unsigned cpus = 0);
  ~DirectSide() override;
  [[nodiscard]] long create(const maps::MapSpec& spec) override;
  [[nodiscard]] long read(const void* key, void* value, std::uint64_t flags) override;
  [[nodiscard]] long write(const void* key, const void* value, std::uint64_t flags) override;
  [[nodiscard]] long remove(const void* key) override;
  [[nodiscard]] long take(const void* key, void* value, std::uint64_t flags) override;
  [[nodiscard]] long next_key(const void* key, void* next) override;
  [[nodiscard]] long batch(BatchKind kind, maps::Batch& batch) override;
  [[nodiscard]] maps::Map& map() { return *map_; }
  [[nodiscard]] maps::Region& region() { return *region_; }

 private:
  void drop();
  [[nodiscard]] bool may_lock(std::uint64_t flags) const;

  std::unique_ptr<maps::Region> region_;
  std::unique_ptr<maps::World> world_;
  std::unique_ptr<maps::Map> map_;
  maps::Offset block_{};
};

// As long as values of bpf(2) are for such a map.
[[nodiscard]] std::uint64_t user_value_bytes(const maps::MapSpec& spec, unsigned cpus);
[[nodiscard]] bool is_percpu(std::uint32_t type);

}  // namespace skep::test
