// SPDX-License-Identifier: Apache-2.0
// Arrays: values side by side, there from the beginning, never deleted. The per-CPU kind holds one
// such array for each CPU.
#pragma once

#include "maps/map.h"

namespace skep::maps {

class ArrayMap : public Map {
 public:
  explicit ArrayMap(const MapInit& init) : Map(init) {}

  [[nodiscard]] void* lookup(const Caller& caller, const void* key) override;
  [[nodiscard]] long update(const Caller& caller, const void* key, const void* value,
                            std::uint64_t flags) override;
  [[nodiscard]] long erase(const Caller& caller, const void* key) override;
  [[nodiscard]] long next_key(const Caller& caller, const void* key, void* next) override;
  [[nodiscard]] long remove_batch(const Caller& caller, Batch& batch) override;
  [[nodiscard]] long for_each(const Caller& caller, const Visitor& visitor,
                              std::uint64_t flags) override;
  [[nodiscard]] std::uint64_t direct_value(std::uint32_t offset) override;
  [[nodiscard]] long pages(std::uint64_t offset, std::uint64_t bytes, bool writable,
                           Pages& out) override;
  void clear(const Caller& caller) override;

 protected:
  // The index that a key says, or max_entries and more.
  [[nodiscard]] static std::uint32_t index_of(const void* key);
  [[nodiscard]] long check_update(std::uint32_t index, std::uint64_t flags) const;
  [[nodiscard]] std::byte* value(unsigned cpu, std::uint32_t index) const {
    return memory_ + (std::uint64_t{cpu} * spec_.max_entries + index) * value_stride_;
  }
};

class PercpuArrayMap final : public ArrayMap {
 public:
  explicit PercpuArrayMap(const MapInit& init);
  [[nodiscard]] void* lookup(const Caller& caller, const void* key) override;
  [[nodiscard]] void* lookup_on(unsigned cpu, const void* key) override;
  [[nodiscard]] long update(const Caller& caller, const void* key, const void* value,
                            std::uint64_t flags) override;
  [[nodiscard]] long read(const Caller& caller, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long write(const Caller& caller, const void* key, const void* user_value,
                           std::uint64_t flags) override;
  [[nodiscard]] long for_each(const Caller& caller, const Visitor& visitor,
                              std::uint64_t flags) override;
  [[nodiscard]] std::uint64_t direct_value(std::uint32_t offset) override;
  [[nodiscard]] long pages(std::uint64_t offset, std::uint64_t bytes, bool writable,
                           Pages& out) override;
  void clear(const Caller& caller) override;
};

[[nodiscard]] long check_array(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> array_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_array(const MapInit& init);

[[nodiscard]] long check_percpu_array(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> percpu_array_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_percpu_array(const MapInit& init);

}  // namespace skep::maps
