// SPDX-License-Identifier: Apache-2.0
#include "machine/program_services.h"

#include <cerrno>
#include <mutex>

#include "abi/map_types.h"
#include "machine/machine.h"
#include "machine/run.h"
#include "maps/fd_array.h"

namespace skep::machine {

ProgramServices::ProgramServices(Machine& machine)
    : machine_(machine),
      objects_(machine.region().cpus()),
      timers_(machine.host(), [this](const Firing& firing, const std::function<bool()>& begin) {
        fire(firing, begin);
      }) {}

void ProgramServices::equip(Run& run) {
  run.machine = &machine_;
  run.host = &machine_.host();
  run.services = this;
  run.trace = &trace_;
  run.timers = &timers_;
  run.objects = &objects_;
}

long ProgramServices::bpf(std::uint32_t command, void* attr, std::uint32_t bytes) {
  return machine_.bpf(command, attr, bytes);
}

long ProgramServices::close(int fd) { return machine_.close(fd); }

// The machine has no BTF of a kernel.
long ProgramServices::find_type(std::string_view, std::uint32_t) { return -ENOENT; }

// Of what the Region says, any id could be in the slot: a program of another type would take the
// context for what it is not.
const engine::Runnable* ProgramServices::tail_target(maps::Map& programs, std::uint32_t index,
                                                     const Run& run) {
  if (programs.spec().type != abi::BPF_MAP_TYPE_PROG_ARRAY || run.program == nullptr)
    return nullptr;
  const std::uint32_t id = static_cast<maps::FdArrayMap&>(programs).id_at(index);
  if (id == 0) return nullptr;
  const Program* target = nullptr;
  {
    const std::shared_lock lock(mutex_);
    if (const auto known = targets_.find(id); known != targets_.end()) target = known->second.get();
  }
  if (target == nullptr) {
    auto program = machine_.program(id);
    if (program == nullptr) return nullptr;
    const std::unique_lock lock(mutex_);
    target = targets_.try_emplace(id, std::move(program)).first->second.get();
  }
  return target->is_like(*run.program) ? &target->runnable() : nullptr;
}

void* ProgramServices::hook_storage(maps::Map&, const Run&) { return nullptr; }

std::shared_ptr<const void> ProgramServices::keep(const engine::Runnable& program) {
  return machine_.owner_of(program);
}

void ProgramServices::fire(const Firing& firing, const std::function<bool()>& begin) {
  const auto call = [&](unsigned cpu) {
    if (!begin()) return;
    Run run{};
    equip(run);
    run.caller.cpu = cpu;
    engine::Input input{};
    prepare_input(machine_, run, input);
    (void)firing.callback.program->run_subprogram(
        firing.callback.code,
        {reinterpret_cast<std::uint64_t>(firing.map), reinterpret_cast<std::uint64_t>(firing.key),
         reinterpret_cast<std::uint64_t>(firing.value), 0, 0},
        input);
  };
  if (firing.pinned) {
    const maps::Cpu cpu(machine_.region(), firing.cpu);
    if (cpu.held()) call(cpu.number());
  } else {
    const maps::Cpu cpu(machine_.region());
    if (cpu.held()) call(cpu.number());
  }
}

}  // namespace skep::machine
