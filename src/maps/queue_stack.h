// SPDX-License-Identifier: Apache-2.0
// BPF_MAP_TYPE_QUEUE and BPF_MAP_TYPE_STACK: values without keys in a ring of slots. Programs push,
// pop and peek; bpf(2) does the same by update, lookup-and-delete and lookup. One short lock; each
// change becomes visible by one store of an index, so a death inside loses at most its own change.
#pragma once

#include "maps/map.h"
#include "maps/quick_lock.h"

namespace skep::maps {

class QueueStackMap final : public Map {
 public:
  enum class Order : std::uint8_t { first_in_first_out, last_in_first_out };

  QueueStackMap(const MapInit& init, Order order) : Map(init), order_(order) {}

  [[nodiscard]] long update(const Caller&, const void* key, const void* value,
                            std::uint64_t flags) override;
  [[nodiscard]] long erase(const Caller&, const void* key) override;
  [[nodiscard]] long push(const Caller&, const void* value, std::uint64_t flags) override;
  [[nodiscard]] long pop(const Caller&, void* value) override;
  [[nodiscard]] long peek(const Caller&, void* value) override;

  [[nodiscard]] long read(const Caller& caller, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long write(const Caller& caller, const void* key, const void* user_value,
                           std::uint64_t flags) override;
  [[nodiscard]] long take(const Caller& caller, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long next_key(const Caller&, const void* key, void* next) override;

 private:
  // One slot always stays free, so that full and empty differ.
  struct Header {
    QuickLock lock;
    std::atomic<std::uint32_t> head;  // where the next value goes
    std::atomic<std::uint32_t> tail;  // the oldest value
  };

  [[nodiscard]] Header& header() const { return *reinterpret_cast<Header*>(memory_); }
  [[nodiscard]] std::uint64_t slots() const { return std::uint64_t{spec_.max_entries} + 1; }
  [[nodiscard]] std::uint32_t load(const std::atomic<std::uint32_t>& index) const;
  [[nodiscard]] std::uint32_t after(std::uint32_t index) const;
  [[nodiscard]] std::uint32_t before(std::uint32_t index) const;
  [[nodiscard]] std::byte* slot(std::uint32_t index) const;
  [[nodiscard]] long get(void* value, bool remove);

  const Order order_;
};

[[nodiscard]] long check_queue(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> queue_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_queue(const MapInit& init);

[[nodiscard]] long check_stack(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> stack_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_stack(const MapInit& init);

}  // namespace skep::maps
