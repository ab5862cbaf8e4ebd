// SPDX-License-Identifier: Apache-2.0
// BPF_MAP_TYPE_STACK_TRACE: stacks under the hash of their addresses. A program stores one and gets
// its id; bpf(2) reads the addresses by id. Each bucket has one stack and a short lock; the number
// of frames is stored last, so a stack that was half written by a killed process is none.
#pragma once

#include <functional>
#include <span>

#include "abi/value_fields.h"
#include "maps/map.h"
#include "maps/quick_lock.h"

namespace skep::maps {

class StackTraceMap final : public Map {
 public:
  explicit StackTraceMap(const MapInit& init);

  // bpf_get_stackid for these addresses, innermost first. An id, or a negative errno: -EEXIST when
  // another stack has the bucket, -EFAULT when nothing is left after the frames to skip.
  [[nodiscard]] long put(std::span<const std::uint64_t> addresses, std::uint64_t flags);
  // For maps with BPF_F_STACK_BUILD_ID: what an address is. Without it only the address is kept.
  using FindBuildId = std::function<abi::bpf_stack_build_id(std::uint64_t address)>;
  void set_find_build_id(FindBuildId find) { find_build_id_ = std::move(find); }

  [[nodiscard]] long update(const Caller&, const void* key, const void* value,
                            std::uint64_t flags) override;
  [[nodiscard]] long erase(const Caller&, const void* key) override;
  [[nodiscard]] long read(const Caller&, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long take(const Caller&, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long next_key(const Caller&, const void* key, void* next) override;
  void repair() override;

 private:
  struct Bucket {
    QuickLock lock;
    std::atomic<std::uint32_t> hash;
    std::atomic<std::uint32_t> frames;  // 0: none
    std::uint32_t unused;
  };
  static_assert(sizeof(Bucket) == 16);

  [[nodiscard]] Bucket& bucket(std::uint32_t id) const {
    return *reinterpret_cast<Bucket*>(at(id));
  }
  [[nodiscard]] std::byte* data(std::uint32_t id) const { return at(id) + sizeof(Bucket); }
  [[nodiscard]] std::byte* at(std::uint32_t id) const;
  [[nodiscard]] std::atomic<std::uint32_t>& used() const {
    return *reinterpret_cast<std::atomic<std::uint32_t>*>(memory_);
  }
  [[nodiscard]] bool full(std::uint32_t id) const {
    return bucket(id).frames.load(std::memory_order_acquire) != 0;
  }
  [[nodiscard]] long store(std::uint32_t hash, std::span<const std::byte> bytes,
                           std::uint32_t frames, std::uint64_t flags);
  [[nodiscard]] long copy(const void* key, void* user_value, bool remove);
  void drop(std::uint32_t id);

  std::uint32_t buckets_;
  std::uint32_t frame_bytes_;
  FindBuildId find_build_id_;
};

[[nodiscard]] long check_stack_trace(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> stack_trace_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_stack_trace(const MapInit& init);

}  // namespace skep::maps
