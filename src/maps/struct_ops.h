// SPDX-License-Identifier: Apache-2.0
// BPF_MAP_TYPE_STRUCT_OPS: one value, a struct of functions and settings, that is registered with
// whoever uses it. On Linux that is a subsystem of the kernel, here a consumer in this process.
// Which type the value has and which programs stand in it is the machine's to check.
#pragma once

#include <span>
#include <vector>

#include "maps/map.h"

namespace skep::maps {

// As bpf(2) shows it in the value's first words.
enum class StructOpsState : std::uint32_t { init, in_use, to_be_freed, ready };

class StructOpsConsumer {
 public:
  StructOpsConsumer() = default;
  StructOpsConsumer(const StructOpsConsumer&) = delete;
  StructOpsConsumer& operator=(const StructOpsConsumer&) = delete;
  virtual ~StructOpsConsumer() = default;
  // All are 0 or a negative errno; `data` is the struct without the words before it.
  [[nodiscard]] virtual long check(std::span<const std::byte> data) = 0;
  [[nodiscard]] virtual long attach(std::span<const std::byte> data) = 0;
  virtual void detach(std::span<const std::byte> data) = 0;
};

class StructOpsMap final : public Map {
 public:
  static constexpr std::uint32_t kDataAt = 64;  // as Linux aligns the struct in the value

  explicit StructOpsMap(const MapInit& init) : Map(init) {}

  // Set before bpf(2) is served; without it nothing can be registered.
  void set_consumer(StructOpsConsumer* consumer) { consumer_ = consumer; }
  // For links, on maps with BPF_F_LINK: -EINVAL when no value was given yet.
  [[nodiscard]] long attach_link();
  void detach_link();
  [[nodiscard]] StructOpsState state() const;

  [[nodiscard]] long read(const Caller&, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long write(const Caller&, const void* key, const void* user_value,
                           std::uint64_t flags) override;
  [[nodiscard]] long remove(const Caller&, const void* key) override;
  [[nodiscard]] long next_key(const Caller&, const void* key, void* next) override;
  void repair() override;
  void clear(const Caller& caller) override;

 private:
  struct Header {
    Lock lock;
    std::atomic<std::uint32_t> state;
    std::atomic<HolderWord> registrant;  // the process whose consumer has it
  };
  [[nodiscard]] Header& header() const { return *reinterpret_cast<Header*>(memory_); }
  [[nodiscard]] std::byte* value() const;
  [[nodiscard]] std::vector<std::byte> data() const;
  void set_state(StructOpsState state);

  StructOpsConsumer* consumer_ = nullptr;
};

[[nodiscard]] long check_struct_ops(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> struct_ops_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_struct_ops(const MapInit& init);

}  // namespace skep::maps
