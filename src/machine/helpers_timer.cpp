// SPDX-License-Identifier: Apache-2.0
// Timers inside map values.
#include <cerrno>

#include "machine/helper_functions.h"
#include "machine/services.h"
#include "machine/timers.h"

namespace skep::machine::helper {

using u64 = std::uint64_t;

u64 timer_init(u64 at, u64 map, u64 flags, u64, u64, void* context) {
  Timers* timers = run_of(context).timers;
  if (timers == nullptr) return result(-EOPNOTSUPP);
  return result(timers->init(pointer<std::byte>(at), *pointer<maps::Map>(map), flags));
}

u64 timer_set_callback(u64 at, u64 code, u64, u64, u64, void* context) {
  const Run& run = run_of(context);
  if (run.timers == nullptr || run.running == nullptr) return result(-EOPNOTSUPP);
  const engine::Runnable& program = run.running->program();
  Callback callback{.program = &program, .code = code, .keep = nullptr};
  if (run.services != nullptr) callback.keep = run.services->keep(program);
  return result(run.timers->set_callback(pointer<std::byte>(at), std::move(callback)));
}

u64 timer_start(u64 at, u64 ns, u64 flags, u64, u64, void* context) {
  const Run& run = run_of(context);
  if (run.timers == nullptr) return result(-EOPNOTSUPP);
  return result(run.timers->start(pointer<std::byte>(at), ns, flags, run.caller.cpu));
}

u64 timer_cancel(u64 at, u64, u64, u64, u64, void* context) {
  Timers* timers = run_of(context).timers;
  if (timers == nullptr) return result(-EOPNOTSUPP);
  return result(timers->cancel(pointer<std::byte>(at)));
}

}  // namespace skep::machine::helper
