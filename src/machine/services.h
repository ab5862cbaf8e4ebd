// SPDX-License-Identifier: Apache-2.0
// What helpers need of the machine and cannot do by themselves. The machine implements it; a Run
// without one makes such helpers answer as Linux does where the thing does not exist. Functions may
// be called from any thread that runs programs.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/engine.h"
#include "maps/map.h"

namespace skep::machine {

struct Run;

class Services {
 public:
  Services() = default;
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;
  virtual ~Services() = default;

  // bpf(2) and close(2) for programs of BPF_PROG_TYPE_SYSCALL, with the descriptors of the process.
  [[nodiscard]] virtual long bpf(std::uint32_t command, void* attr, std::uint32_t bytes) = 0;
  [[nodiscard]] virtual long close(int fd) = 0;
  // The id of a type of the machine's own BTF; or of another, then its descriptor in the upper
  // half.
  [[nodiscard]] virtual long find_type(std::string_view name, std::uint32_t kind) = 0;
  // What the slot of a program array holds, loaded by the engine that runs; nullptr for nothing.
  // Only a program of the type and for the attach type of the one that calls.
  [[nodiscard]] virtual const engine::Runnable* tail_target(maps::Map& programs,
                                                            std::uint32_t index,
                                                            const Run& run) = 0;
  // Keeps a program, and what its callbacks use, as long as the result lives.
  [[nodiscard]] virtual std::shared_ptr<const void> keep(const engine::Runnable& program) = 0;
  // The map's value for this CPU that the machine keeps apart: cgroup storage of the running hook.
  [[nodiscard]] virtual void* hook_storage(maps::Map& map, const Run& run) = 0;
};

}  // namespace skep::machine
