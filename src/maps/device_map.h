// SPDX-License-Identifier: Apache-2.0
// Where packets are redirected to: BPF_MAP_TYPE_DEVMAP and DEVMAP_HASH name network devices,
// BPF_MAP_TYPE_CPUMAP names CPUs, each maybe with a program that goes on with the packet. No packet
// moves here: the packet runner asks for the target and follows it.
#pragma once

#include <functional>

#include "maps/hash.h"

namespace skep::maps {

struct RedirectTarget {
  std::uint32_t device_or_cpu = 0;
  std::uint32_t program = 0;  // id; 0 for none
};

// Whether there is a device of that number; what is not set has all of them.
using HasDevice = std::function<bool(std::uint32_t ifindex)>;

// One word for a slot: device or queue size, and the program's id above it.
class RedirectArrayMap : public Map {
 public:
  explicit RedirectArrayMap(const MapInit& init) : Map(init) {}

  [[nodiscard]] void* lookup(const Caller&, const void* key) override;
  [[nodiscard]] long write(const Caller& caller, const void* key, const void* user_value,
                           std::uint64_t flags) override;
  [[nodiscard]] long remove(const Caller& caller, const void* key) override;
  [[nodiscard]] long next_key(const Caller&, const void* key, void* next) override;
  void clear(const Caller& caller) override;

 protected:
  // 0 and what goes into the slot, 0 in it to empty it; or the errno.
  [[nodiscard]] virtual long slot_for(std::uint32_t index, const void* user_value,
                                      std::uint64_t& slot) = 0;
  [[nodiscard]] std::uint64_t slot(std::uint32_t index) const;
  [[nodiscard]] std::byte* place(std::uint32_t index) const {
    return memory_ + std::uint64_t{index} * sizeof(std::uint64_t);
  }
  void release(std::uint64_t slot);
};

class DeviceMap final : public RedirectArrayMap {
 public:
  explicit DeviceMap(const MapInit& init) : RedirectArrayMap(init) {}
  [[nodiscard]] std::optional<RedirectTarget> target(std::uint32_t key) const;
  void set_has_device(HasDevice has_device) { has_device_ = std::move(has_device); }

 private:
  [[nodiscard]] long slot_for(std::uint32_t index, const void* user_value,
                              std::uint64_t& slot) override;
  HasDevice has_device_;
};

class CpuMap final : public RedirectArrayMap {
 public:
  explicit CpuMap(const MapInit& init) : RedirectArrayMap(init) {}
  [[nodiscard]] std::optional<RedirectTarget> target(std::uint32_t key) const;

 private:
  [[nodiscard]] long slot_for(std::uint32_t index, const void* user_value,
                              std::uint64_t& slot) override;
};

class DeviceHashMap final : public HashMap {
 public:
  explicit DeviceHashMap(const MapInit& init) : HashMap(init) {
    values_hold_things_ = spec_.value_bytes == sizeof(std::uint64_t);
  }
  [[nodiscard]] std::optional<RedirectTarget> target(std::uint32_t key);
  void set_has_device(HasDevice has_device) { has_device_ = std::move(has_device); }

  [[nodiscard]] long update(const Caller&, const void* key, const void* value,
                            std::uint64_t flags) override;
  [[nodiscard]] long for_each(const Caller&, const Visitor& visitor, std::uint64_t flags) override;
  [[nodiscard]] long write(const Caller& caller, const void* key, const void* user_value,
                           std::uint64_t flags) override;
  [[nodiscard]] long take(const Caller&, const void* key, void* user_value,
                          std::uint64_t flags) override;

 protected:
  void value_goes(std::uint32_t node) override;

 private:
  HasDevice has_device_;
};

[[nodiscard]] long check_devmap(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> devmap_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_devmap(const MapInit& init);

[[nodiscard]] long check_devmap_hash(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> devmap_hash_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_devmap_hash(const MapInit& init);

[[nodiscard]] long check_cpumap(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> cpumap_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_cpumap(const MapInit& init);

}  // namespace skep::maps
