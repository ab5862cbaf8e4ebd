// SPDX-License-Identifier: Apache-2.0
#include "machine/fire.h"

#include "machine/hooks.h"
#include "machine/machine.h"
#include "machine/program_services.h"

namespace skep::machine {

// The number is read before the list: what changes in between is read again next time.
std::shared_ptr<const HookSite::List> HookSite::programs() {
  const std::uint64_t changes = machine_.hooks().changes();
  if (seen_.load(std::memory_order_acquire) == changes) return list_.load();
  auto fresh = std::make_shared<List>();
  for (const Attachment& attachment : machine_.hooks().list(hook_))
    if (auto program = machine_.program(attachment.program))
      fresh->push_back({std::move(program), attachment.cookie});
  empty_ = fresh->empty();
  list_ = fresh;
  seen_.store(changes, std::memory_order_release);
  return fresh;
}

bool HookSite::is_idle() const {
  return seen_.load(std::memory_order_acquire) == machine_.hooks().changes() && empty_.load();
}

Fired HookSite::fire(Run& run, engine::Input& input, bool (*is_final)(std::uint64_t result)) {
  Fired fired;
  if (is_idle()) return fired;
  const auto list = programs();
  if (list == nullptr || list->empty()) return fired;
  const maps::Cpu cpu(machine_.region());
  if (!cpu.held()) return fired;
  run.caller.cpu = cpu.number();
  for (const Attached& attached : *list) {
    run.cookie = attached.cookie;
    const engine::Outcome outcome = attached.program->run(run, input);
    ++fired.programs;
    fired.result = outcome.r0;
    if (!outcome.ok()) ++fired.failed;
    if (is_final != nullptr && outcome.ok() && is_final(outcome.r0)) break;
  }
  return fired;
}

Fired HookSite::fire(std::span<const std::uint64_t> arguments) {
  if (is_idle()) return {};  // before a Run is made, which costs more than all the rest
  Run run{};
  run.context = const_cast<std::uint64_t*>(arguments.data());
  const engine::Region context{.name = "context",
                               .begin = reinterpret_cast<std::uint64_t>(arguments.data()),
                               .bytes = arguments.size_bytes(),
                               .writable = false};
  engine::Input input{.r1 = context.begin, .regions = {&context, 1}};
  return fire(run, input);
}

}  // namespace skep::machine
