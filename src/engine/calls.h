// SPDX-License-Identifier: Apache-2.0
// What lies between a program and who runs it: the functions that a program calls, what its pseudo
// values stand for, and what such a function may do with the run that called it. Nothing here is
// owned by an engine: a Resolver must outlive what was loaded with it, a Running lives as long as
// its run and belongs to the thread of that run.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "isa/insn.h"

namespace skep::engine {

class Runnable;

// r1 to r5 and the context of the run; six arguments, so that all go in machine registers.
using HelperFunction = std::uint64_t (*)(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                                         std::uint64_t, void* context);

// The program that takes the place of the running one, loaded by the same engine; nullptr to go on
// with this one. Here tail calls must be counted: an engine goes on for as long as there is budget.
using TailCallFunction = const Runnable* (*)(std::uint64_t r1, std::uint64_t map,
                                             std::uint64_t index, void* context);

inline constexpr std::uint32_t kTailCallHelper = 12;

// r1 to r5 of a callback.
using Arguments = std::array<std::uint64_t, 5>;

// For who needs something of its own to answer. Nothing for what does not exist.
class Resolver {
 public:
  Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  virtual ~Resolver() = default;
  [[nodiscard]] virtual HelperFunction helper(std::uint32_t number) const;
  [[nodiscard]] virtual HelperFunction kfunc(std::int32_t btf_id, std::int16_t btf_index) const;
  // Of a 64-bit immediate that stands for a map, the inside of a map's value or a variable.
  [[nodiscard]] virtual std::optional<std::uint64_t> value(const isa::Insn& low,
                                                           const isa::Insn& high) const;
};

// What a program may call. Asked when a program is loaded, and during a run for callx alone.
struct Calls {
  HelperFunction (*helper)(std::uint32_t number) = nullptr;
  HelperFunction (*kfunc)(std::int32_t btf_id, std::int16_t btf_index) = nullptr;
  TailCallFunction tail_call = nullptr;  // helper 12; without it that helper is not there
  const Resolver* resolver = nullptr;    // asked before the two functions

  [[nodiscard]] HelperFunction find_helper(std::uint32_t number) const;
  [[nodiscard]] HelperFunction find_kfunc(std::int32_t btf_id, std::int16_t btf_index) const;
  [[nodiscard]] std::optional<std::uint64_t> find_value(const isa::Insn& low,
                                                        const isa::Insn& high) const;
};

// A run as seen by a helper or kfunc that it called.
class Running {
 public:
  Running() = default;
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  // Calls a subprogram of program(), in the frame below all others, and gives its r0. Nothing when
  // the run is over, by what the callback did or because there is no such subprogram: the helper
  // must return at once, and what it returns is not looked at.
  [[nodiscard]] virtual std::optional<std::uint64_t> call_back(std::uint64_t code_address,
                                                               const Arguments& arguments) = 0;
  // Ends the run as an exit of the main program would, once the function has returned; after a
  // helper of a program that takes no code address, where the program next jumps or exits.
  virtual void leave(std::uint64_t r0) = 0;
  // Whether the program could touch these bytes by itself; engines that trust programs say yes.
  [[nodiscard]] virtual bool may_access(std::uint64_t, std::uint32_t, bool) const { return true; }
  // The program whose instruction made the call: code addresses among the arguments are its own.
  [[nodiscard]] virtual const Runnable& program() const = 0;

 protected:
  ~Running() = default;
};

// Shows a run to its helpers for as long as it lasts, at the place that Input names.
class RunningScope {
 public:
  RunningScope(Running** place, Running* running) : place_(place) {
    if (place_ != nullptr) before_ = std::exchange(*place_, running);
  }
  RunningScope(const RunningScope&) = delete;
  RunningScope& operator=(const RunningScope&) = delete;
  ~RunningScope() {
    if (place_ != nullptr) *place_ = before_;
  }

 private:
  Running** place_;
  Running* before_ = nullptr;
};

}  // namespace skep::engine
