// SPDX-License-Identifier: Apache-2.0
// What concerns the run itself or maps: exceptions, sections that may not be interrupted, casts,
// work queues, arenas.
#include <cerrno>
#include <chrono>

#include "abi/map_types.h"
#include "machine/kfunc_functions.h"
#include "machine/services.h"
#include "machine/timers.h"
#include "maps/arena.h"

namespace skep::machine::kfunc {

using u64 = std::uint64_t;

namespace {

constexpr std::chrono::milliseconds kLockPatience{250};  // kernel: RES_DEF_TIMEOUT

class ThisProcess final : public maps::Holder {
 public:
  ThisProcess() { word_ = 1; }
  [[nodiscard]] bool lives(maps::HolderWord) const override { return true; }
};

u64 as_int(long value) { return result(static_cast<int>(value)); }

long count_element(void* self, const void*, void*) {
  ++*static_cast<std::int64_t*>(self);
  return 0;
}

}  // namespace

u64 bpf_throw(u64 cookie, u64, u64, u64, u64, void* context) {
  if (engine::Running* running = run_of(context).running) running->leave(cookie);
  return 0;
}

// A run holds its CPU slot, and what it looks at stays readable: there is nothing more to hold.
u64 bpf_rcu_read_lock(u64, u64, u64, u64, u64, void*) { return 0; }
u64 bpf_rcu_read_unlock(u64, u64, u64, u64, u64, void*) { return 0; }
u64 bpf_preempt_disable(u64, u64, u64, u64, u64, void*) { return 0; }
u64 bpf_preempt_enable(u64, u64, u64, u64, u64, void*) { return 0; }
u64 bpf_local_irq_save(u64 flags, u64, u64, u64, u64, void*) {
  *pointer<u64>(flags) = 0;
  return 0;
}
u64 bpf_local_irq_restore(u64, u64, u64, u64, u64, void*) { return 0; }

u64 bpf_res_spin_lock(u64 at, u64, u64, u64, u64, void* context) {
  const ThisProcess process;
  const maps::Holder* holder = run_of(context).holder;
  const maps::Taken taken =
      pointer<maps::Lock>(at)->take_within(holder != nullptr ? *holder : process, kLockPatience);
  return as_int(taken == maps::Taken::busy ? -ETIMEDOUT : 0);
}
u64 bpf_res_spin_unlock(u64 at, u64, u64, u64, u64, void*) {
  pointer<maps::Lock>(at)->release();
  return 0;
}

u64 bpf_cast_to_kern_ctx(u64 object, u64, u64, u64, u64, void*) { return object; }
u64 bpf_rdonly_cast(u64 object, u64, u64, u64, u64, void*) { return object; }

u64 bpf_session_is_return(u64, u64, u64, u64, u64, void* context) {
  return run_of(context).has_traced_result ? 1 : 0;
}
u64 bpf_session_cookie(u64, u64, u64, u64, u64, void* context) {
  return address_of(run_of(context).session_cookie);
}

// Linux keeps count in hashes alone.
u64 bpf_map_sum_elem_count(u64 map, u64, u64, u64, u64, void* context) {
  auto& of = *pointer<maps::Map>(map);
  std::int64_t count = 0;
  switch (of.spec().type) {
    case abi::BPF_MAP_TYPE_HASH:
    case abi::BPF_MAP_TYPE_PERCPU_HASH:
    case abi::BPF_MAP_TYPE_LRU_HASH:
    case abi::BPF_MAP_TYPE_LRU_PERCPU_HASH:
      if (of.for_each(run_of(context).caller, {count_element, &count}, 0) < 0) return 0;
      break;
    default:
      break;
  }
  return result(count);
}

u64 bpf_wq_init(u64 at, u64 map, u64 flags, u64, u64, void* context) {
  Timers* timers = run_of(context).timers;
  if (timers == nullptr) return as_int(-EOPNOTSUPP);
  return as_int(timers->init_work(pointer<std::byte>(at), *pointer<maps::Map>(map),
                                  static_cast<std::uint32_t>(flags)));
}

u64 bpf_wq_set_callback_impl(u64 at, u64 code, u64 flags, u64, u64, void* context) {
  if (static_cast<std::uint32_t>(flags) != 0) return as_int(-EINVAL);
  return as_int(static_cast<long>(helper::timer_set_callback(at, code, 0, 0, 0, context)));
}

u64 bpf_wq_start(u64 at, u64 flags, u64, u64, u64, void* context) {
  const Run& run = run_of(context);
  if (run.timers == nullptr) return as_int(-EOPNOTSUPP);
  return as_int(run.timers->start_work(pointer<std::byte>(at), static_cast<std::uint32_t>(flags),
                                       run.caller.cpu));
}

u64 bpf_arena_alloc_pages(u64 map, u64 address, u64 pages, u64, u64 flags, void*) {
  auto* arena = pointer<maps::Map>(map);
  if (arena->spec().type != abi::BPF_MAP_TYPE_ARENA || flags != 0 || pages == 0) return 0;
  return static_cast<maps::ArenaMap*>(arena)->allocate(address, static_cast<std::uint32_t>(pages));
}

u64 bpf_arena_free_pages(u64 map, u64 address, u64 pages, u64, u64, void*) {
  auto* arena = pointer<maps::Map>(map);
  if (arena->spec().type == abi::BPF_MAP_TYPE_ARENA && pages != 0 && address != 0)
    static_cast<maps::ArenaMap*>(arena)->free(address, static_cast<std::uint32_t>(pages));
  return 0;
}

}  // namespace skep::machine::kfunc
