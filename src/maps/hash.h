// SPDX-License-Identifier: Apache-2.0
// Hashes, and what the LRU kinds build on: elements by key, found without a lock. An element that
// is replaced gets another node, published by one store, so readers see the old value or the new;
// the per-CPU kinds write the value of a CPU in place. Types whose values stand for something
// derive from HashMap, say so by `values_hold_things_`, and give it back in `value_goes`.
#pragma once

#include "maps/hash_pool.h"

namespace skep::maps {

class HashMap : public Map {
 public:
  explicit HashMap(const MapInit& init);

  [[nodiscard]] void* lookup(const Caller& caller, const void* key) override;
  [[nodiscard]] long update(const Caller& caller, const void* key, const void* value,
                            std::uint64_t flags) override;
  [[nodiscard]] long erase(const Caller& caller, const void* key) override;
  [[nodiscard]] long for_each(const Caller& caller, const Visitor& visitor,
                              std::uint64_t flags) override;
  [[nodiscard]] long read(const Caller& caller, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long take(const Caller& caller, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long next_key(const Caller& caller, const void* key, void* next) override;
  [[nodiscard]] std::uint32_t cursor_bytes() const override { return 4; }
  [[nodiscard]] long read_batch(const Caller& caller, Batch& batch, bool remove) override;
  void repair() override;
  void clear(const Caller& caller) override;

 protected:
  using Place = HashTable::Place;

  // What an update writes: a value for each CPU, or one.
  struct Source {
    const void* value;
    bool all_cpus;
  };

  // One change of one bucket: holds its lock from construction to `unlock`, and the promise to
  // bring its nodes back until it ends.
  class Change {
   public:
    Change(HashMap& map, const Caller& caller, std::uint32_t bucket);
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;
    ~Change();
    void unlock();
    [[nodiscard]] bool busy() const { return !locked_; }
    [[nodiscard]] std::uint32_t bucket() const { return bucket_; }

   private:
    HashMap& map_;
    unsigned cpu_;
    std::uint32_t bucket_;
    bool locked_ = false;
  };

  // A node for one more element, under the lock of `bucket`; eviction passes over `keep`.
  [[nodiscard]] virtual std::uint32_t new_node(const Caller& caller, std::uint32_t bucket,
                                               std::uint32_t keep);
  // The errno for no node.
  [[nodiscard]] virtual long full() const;
  // The value of an element that nobody can find any more; called once for each.
  virtual void value_goes(std::uint32_t node);
  // Into a node that nobody can find yet, or in place.
  virtual void write_value(const Caller& caller, std::uint32_t node, const Source& source,
                           bool in_place);
  virtual void copy_value(void* user_value, std::uint32_t node) const;
  // What a program gets to see of a node.
  [[nodiscard]] virtual std::byte* shown_value(const Caller& caller, std::uint32_t node) const;

  // A node or kNoNode.
  [[nodiscard]] std::uint32_t find(const void* key) {
    const std::uint32_t node = table_.find(key);
    return node == kLost ? find_locked(key) : node;
  }
  // Calls `value_goes` if there is a value that has not gone yet.
  void let_go(std::uint32_t node);
  void retire(const Caller& caller, std::uint32_t node, bool as_spare);
  [[nodiscard]] long change(const Caller& caller, const void* key, const Source& source,
                            std::uint64_t flags);
  [[nodiscard]] long copy_out_flagged(void* user_value, std::uint32_t node,
                                      std::uint64_t flags) const;
  [[nodiscard]] bool has_spin_lock() const {
    return spec_.fields.find(FieldKind::spin_lock) != nullptr;
  }

  HashTable table_;
  HashPool pool_;
  bool values_hold_things_;
  // Existing elements are written in place instead of being replaced.
  bool writes_in_place_ = false;

 private:
  [[nodiscard]] std::uint32_t find_locked(const void* key);
  [[nodiscard]] long change_once(const Caller& caller, std::uint32_t tag, const void* key,
                                 const Source& source, std::uint64_t flags);
  void fill(const Caller& caller, std::uint32_t node, const void* key, const Source& source);
  [[nodiscard]] long replace_element(const Caller& caller, Change& change, Place place,
                                     const void* key, const Source& source);
  [[nodiscard]] long remove_key(const Caller& caller, const void* key, void* user_value,
                                std::uint64_t flags);
  [[nodiscard]] bool reclaim();
  [[nodiscard]] long visit_bucket(const Caller& caller, std::uint32_t bucket,
                                  const Visitor& visitor, bool& ends);
  [[nodiscard]] long first_key_from(std::uint32_t bucket, void* next);
  [[nodiscard]] long batch_bucket(const Caller& caller, std::uint32_t bucket, Batch& batch,
                                  std::uint32_t room, bool remove);
  void retire_chain(const Caller& caller, std::uint32_t bucket, std::uint32_t first);
  [[nodiscard]] std::vector<bool> mark_reachable();

  std::atomic<std::uint64_t> reclaimed_ns_{0};
};

class PercpuHashMap : public HashMap {
 public:
  explicit PercpuHashMap(const MapInit& init);
  [[nodiscard]] void* lookup(const Caller& caller, const void* key) override;
  [[nodiscard]] long update(const Caller& caller, const void* key, const void* value,
                            std::uint64_t flags) override;
  [[nodiscard]] void* lookup_on(unsigned cpu, const void* key) override;
  [[nodiscard]] long write(const Caller& caller, const void* key, const void* user_value,
                           std::uint64_t flags) override;

 protected:
  void value_goes(std::uint32_t node) override;
  void write_value(const Caller& caller, std::uint32_t node, const Source& source,
                   bool in_place) override;
  void copy_value(void* user_value, std::uint32_t node) const override;
  [[nodiscard]] std::byte* shown_value(const Caller& caller, std::uint32_t node) const override;
};

[[nodiscard]] long check_hash(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> hash_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_hash(const MapInit& init);

[[nodiscard]] long check_percpu_hash(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> percpu_hash_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_percpu_hash(const MapInit& init);

}  // namespace skep::maps
