// SPDX-License-Identifier: Apache-2.0
// Values that belong to something outside of the map: BPF_MAP_TYPE_TASK_STORAGE to a thread,
// SK_STORAGE to a socket, INODE_STORAGE to a file, CGRP_STORAGE to a cgroup. Each such thing has a
// number that tells it from all others, and the values are a hash by it. bpf(2) names the thing by
// a descriptor, which the machine turns into the number (Owners).
//
// On Linux memory alone limits how many there are, and they go with their owner. Here the block
// has room for kStorageBytes of them and no fewer than kFewestOwners, and when that is used up the
// values of owners that are no more are given back.
#pragma once

#include <atomic>

#include "maps/hash.h"

namespace skep::maps {

inline constexpr std::uint64_t kStorageBytes = std::uint64_t{64} << 20;
inline constexpr std::uint32_t kFewestOwners = 256;
inline constexpr std::uint32_t kMostOwners = 65536;

class Owners {
 public:
  Owners() = default;
  Owners(const Owners&) = delete;
  Owners& operator=(const Owners&) = delete;
  virtual ~Owners() = default;
  // The number of what the descriptor is: a thread's id, a socket's cookie... 0 or a negative
  // errno.
  [[nodiscard]] virtual long owner(int fd, std::uint64_t& number) = 0;
  [[nodiscard]] virtual bool lives(std::uint64_t number) = 0;
};

class LocalStorageMap final : public Map {
 public:
  explicit LocalStorageMap(const MapInit& init);

  // bpf_*_storage_get: nullptr when the owner has none, and BPF_LOCAL_STORAGE_GET_F_CREATE is not
  // said or fails. `initial` may be null for zeros.
  [[nodiscard]] void* get(const Caller& caller, std::uint64_t owner, const void* initial,
                          std::uint64_t flags);
  // bpf_*_storage_delete, and when the owner goes.
  [[nodiscard]] long drop(const Caller& caller, std::uint64_t owner);
  // Set before bpf(2) is served; without it no descriptor has an owner.
  void set_owners(Owners* owners) { owners_ = owners; }
  [[nodiscard]] std::uint32_t capacity() const { return values_->spec().max_entries; }

  [[nodiscard]] long read(const Caller& caller, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long write(const Caller& caller, const void* key, const void* user_value,
                           std::uint64_t flags) override;
  [[nodiscard]] long remove(const Caller& caller, const void* key) override;
  void repair() override { values_->repair(); }
  void clear(const Caller& caller) override { values_->clear(caller); }

 private:
  [[nodiscard]] long owner_of(const void* key, std::uint64_t& number) const;
  [[nodiscard]] long put(const Caller& caller, std::uint64_t owner, const void* value,
                         std::uint64_t flags);
  void sweep(const Caller& caller);

  std::unique_ptr<Map> values_;
  Owners* owners_ = nullptr;
  std::atomic<std::uint64_t> swept_ns_{0};
};

// One for all four types. That keys and values have BTF ids is the machine's to check.
[[nodiscard]] long check_local_storage(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> local_storage_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_local_storage(const MapInit& init);

}  // namespace skep::maps
