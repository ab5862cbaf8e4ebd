// SPDX-License-Identifier: Apache-2.0
// One door to bpf(2), of Linux or of a machine, and the few commands that the figures need. What is
// made belongs to the process that the door leads out of, and goes with it. Any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "abi/bpf_attr.h"
#include "base/error.h"
#include "isa/insn.h"
#include "machine/machine.h"

namespace skep::bench {

class Door {
 public:
  explicit Door(std::string name) : name_(std::move(name)) {}
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;
  virtual ~Door() = default;

  [[nodiscard]] const std::string& name() const { return name_; }
  // Results of 0 or more, or a negative errno.
  [[nodiscard]] virtual long bpf(std::uint32_t command, abi::bpf_attr& attr) = 0;
  virtual void close(int fd) = 0;
  [[nodiscard]] virtual long mmap(int fd, std::uint64_t bytes, int protection) = 0;
  // Null for Linux.
  [[nodiscard]] virtual machine::Machine* machine() { return nullptr; }

 private:
  const std::string name_;
};

// Nothing when this process may not use bpf(2); `why` says the reason.
[[nodiscard]] std::unique_ptr<Door> linux_door(std::string& why);
// A machine of its own with that engine.
[[nodiscard]] Result<std::unique_ptr<Door>> machine_door(std::string_view engine);

struct MapShape {
  std::uint32_t type = 0;
  std::uint32_t key_bytes = 4;
  std::uint32_t value_bytes = 8;
  std::uint32_t entries = 1024;
};

[[nodiscard]] std::uint64_t address(const void* of);
[[nodiscard]] abi::bpf_attr fresh_attr();
[[nodiscard]] Result<int> create_map(Door& door, const MapShape& shape);
[[nodiscard]] Result<int> load(Door& door, std::uint32_t type, std::span<const isa::Insn> program);
// Adds nothing to what bpf(2) costs but the argument.
[[nodiscard]] long update(Door& door, int map, const void* key, const void* value);
[[nodiscard]] long lookup(Door& door, int map, const void* key, void* value);
// Fails when bpf(2) does, or when the program returns anything but 0.
[[nodiscard]] Status test_run(Door& door, int program, std::uint32_t repeat);
// The map behind a descriptor of a machine.
[[nodiscard]] Result<maps::Map*> map_of(Door& door, int fd, std::shared_ptr<void>& keeps);

}  // namespace skep::bench
