// SPDX-License-Identifier: Apache-2.0
// Spin locks and pointers inside values. A spin lock is a Lock of the Region, in the four bytes
// that the program gives to its struct bpf_spin_lock, so that a dead holder does not keep it.
#include <atomic>

#include "machine/helper_functions.h"
#include "machine/objects.h"
#include "maps/lock.h"

namespace skep::machine::helper {

using u64 = std::uint64_t;

namespace {

// For runs without a Region: all of them are of this process, which lives.
class ThisProcess final : public maps::Holder {
 public:
  ThisProcess() { word_ = 1; }
  [[nodiscard]] bool lives(maps::HolderWord) const override { return true; }
};

}  // namespace

// Whoever never lets go ends the run of who waits: its section must not begin.
u64 spin_lock(u64 at, u64, u64, u64, u64, void* context) {
  const Run& run = run_of(context);
  auto& lock = *pointer<maps::Lock>(at);
  const ThisProcess process;
  const maps::Taken taken = lock.take(run.holder != nullptr ? *run.holder : process);
  if (taken == maps::Taken::busy && run.running != nullptr) run.running->leave(0);
  return 0;
}

u64 spin_unlock(u64 at, u64, u64, u64, u64, void*) {
  pointer<maps::Lock>(at)->release();
  return 0;
}

u64 kptr_xchg(u64 field, u64 kptr, u64, u64, u64, void*) {
  return std::atomic_ref(*pointer<u64>(field)).exchange(kptr, std::memory_order_acq_rel);
}

// The one thing with a place for each CPU that is no map: what bpf_percpu_obj_new made.
u64 per_cpu_ptr(u64 object, u64 cpu, u64, u64, u64, void*) {
  return address_of(Objects::on_cpu(pointer<void>(object), static_cast<std::uint32_t>(cpu)));
}

u64 this_cpu_ptr(u64 object, u64, u64, u64, u64, void* context) {
  return address_of(Objects::on_cpu(pointer<void>(object), run_of(context).caller.cpu));
}

}  // namespace skep::machine::helper
