// SPDX-License-Identifier: Apache-2.0
// Firing a hook: runs the programs that are attached to it, in their order. A HookSite is one place
// in this process where an event happens; while nothing is attached, firing costs two loads. Any
// thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "machine/program.h"
#include "machine/run.h"

namespace skep::machine {

struct Fired {
  unsigned programs = 0;     // that were run
  unsigned failed = 0;       // of them, those that the engine had to end
  std::uint64_t result = 0;  // of the last
};

class HookSite {
 public:
  HookSite(Machine& machine, std::string hook) : machine_(machine), hook_(std::move(hook)) {}
  HookSite(const HookSite&) = delete;
  HookSite& operator=(const HookSite&) = delete;

  // `input` says r1 and the memory behind it. `is_final` looks at each result: true ends the walk.
  Fired fire(Run& run, engine::Input& input, bool (*is_final)(std::uint64_t result) = nullptr);
  // A raw tracepoint's arguments.
  Fired fire(std::span<const std::uint64_t> arguments);

  [[nodiscard]] const std::string& hook() const { return hook_; }

 private:
  struct Attached {
    std::shared_ptr<Program> program;
    std::uint64_t cookie = 0;
  };
  using List = std::vector<Attached>;
  [[nodiscard]] bool is_idle() const;  // nothing is attached, for sure
  [[nodiscard]] std::shared_ptr<const List> programs();

  Machine& machine_;
  const std::string hook_;
  std::atomic<std::uint64_t> seen_{UINT64_MAX};
  std::atomic<bool> empty_{true};
  std::atomic<std::shared_ptr<const List>> list_;
};

}  // namespace skep::machine
