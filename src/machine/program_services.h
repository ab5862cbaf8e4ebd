// SPDX-License-Identifier: Apache-2.0
// What running programs ask of their machine, and what the machine keeps for them: the trace pipe,
// timers, allocated objects, tail call targets. One of a Machine; any thread.
#pragma once

#include <shared_mutex>
#include <unordered_map>

#include "machine/objects.h"
#include "machine/program.h"
#include "machine/services.h"
#include "machine/timers.h"
#include "machine/trace_pipe.h"

namespace skep::machine {

class ProgramServices final : public Services {
 public:
  explicit ProgramServices(Machine& machine);

  [[nodiscard]] TracePipe& trace() { return trace_; }
  [[nodiscard]] Timers& timers() { return timers_; }
  // Fills in what every run needs.
  void equip(Run& run);

  [[nodiscard]] long bpf(std::uint32_t command, void* attr, std::uint32_t bytes) override;
  [[nodiscard]] long close(int fd) override;
  [[nodiscard]] long find_type(std::string_view name, std::uint32_t kind) override;
  [[nodiscard]] const engine::Runnable* tail_target(maps::Map& programs, std::uint32_t index,
                                                    const Run& run) override;
  [[nodiscard]] void* hook_storage(maps::Map& map, const Run& run) override;
  [[nodiscard]] std::shared_ptr<const void> keep(const engine::Runnable& program) override;

 private:
  void fire(const Firing& firing, const std::function<bool()>& begin);

  Machine& machine_;
  TracePipe trace_;
  Objects objects_;
  std::shared_mutex mutex_;
  // Programs that tail calls have found: a run may still be in one that was just replaced.
  std::unordered_map<std::uint32_t, std::shared_ptr<Program>> targets_;
  Timers timers_;  // last: its thread uses all the others
};

}  // namespace skep::machine
