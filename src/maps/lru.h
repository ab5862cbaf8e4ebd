// SPDX-License-Identifier: Apache-2.0
// Hashes that are never full: an element that was not looked up lately makes room for a new one. A
// hand goes round the nodes, takes the mark from those that were used since it last came by, and
// the element from those that were not. With BPF_F_NO_COMMON_LRU each CPU slot has its share of the
// nodes and evicts there.
#pragma once

#include "maps/hash.h"

namespace skep::maps {

template <class Base>
class Evicting : public Base {
 public:
  using Base::Base;

 protected:
  [[nodiscard]] std::uint32_t new_node(const Caller& caller, std::uint32_t bucket,
                                       std::uint32_t keep) override;
  [[nodiscard]] long full() const override;

 private:
  [[nodiscard]] bool evict(std::uint32_t node, std::uint32_t held_bucket, std::uint32_t keep);
  [[nodiscard]] bool unlink(std::uint32_t node, std::uint32_t bucket);
};

class LruHashMap final : public Evicting<HashMap> {
 public:
  using Evicting::Evicting;
  [[nodiscard]] void* lookup(const Caller& caller, const void* key) override;
  [[nodiscard]] long update(const Caller& caller, const void* key, const void* value,
                            std::uint64_t flags) override;
};

class LruPercpuHashMap final : public Evicting<PercpuHashMap> {
 public:
  using Evicting::Evicting;
  [[nodiscard]] void* lookup(const Caller& caller, const void* key) override;
  [[nodiscard]] void* lookup_on(unsigned cpu, const void* key) override;
};

[[nodiscard]] long check_lru_hash(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> lru_hash_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_lru_hash(const MapInit& init);

[[nodiscard]] long check_lru_percpu_hash(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> lru_percpu_hash_bytes(const MapSpec& spec,
                                                                 unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_lru_percpu_hash(const MapInit& init);

}  // namespace skep::maps
