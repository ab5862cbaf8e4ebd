// SPDX-License-Identifier: Apache-2.0
#include "machine/tail_call.h"

#include "abi/limits.h"
#include "machine/run.h"
#include "machine/services.h"

namespace skep::machine {

// Linux looks at the index first: a call that cannot go anywhere does not count.
const engine::Runnable* tail_call(std::uint64_t, std::uint64_t map, std::uint64_t index,
                                  void* context) {
  Run& run = run_of(context);
  auto* programs = std::bit_cast<maps::Map*>(map);
  const auto at = static_cast<std::uint32_t>(index);
  if (run.services == nullptr || programs == nullptr || at >= programs->spec().max_entries)
    return nullptr;
  if (run.tail_calls >= abi::MAX_TAIL_CALL_CNT) return nullptr;
  const engine::Runnable* target = run.services->tail_target(*programs, at, run);
  if (target != nullptr) ++run.tail_calls;
  return target;
}

}  // namespace skep::machine
