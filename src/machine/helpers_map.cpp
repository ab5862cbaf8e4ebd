// SPDX-License-Identifier: Apache-2.0
// Elements of maps. What is allowed with which type of map the maps know themselves.
#include <cerrno>

#include "machine/helper_functions.h"
#include "machine/services.h"

namespace skep::machine::helper {

using u64 = std::uint64_t;

namespace {

maps::Map* map_at(u64 address) { return pointer<maps::Map>(address); }

const maps::Caller& caller(void* context) { return run_of(context).caller; }

// One walk over a map, each element given to a subprogram.
struct Walk {
  engine::Running& running;
  u64 code;
  u64 map;
  u64 context;
};

long visit_element(void* self, const void* key, void* value) {
  const Walk& walk = *static_cast<const Walk*>(self);
  const auto stop = walk.running.call_back(
      walk.code, {walk.map, address_of(key), address_of(value), walk.context, 0});
  return !stop || *stop != 0 ? 1 : 0;
}

}  // namespace

u64 map_lookup_elem(u64 map, u64 key, u64, u64, u64, void* context) {
  return address_of(map_at(map)->lookup(caller(context), pointer<const void>(key)));
}

u64 map_lookup_percpu_elem(u64 map, u64 key, u64 cpu, u64, u64, void*) {
  maps::Map& of = *map_at(map);
  const auto which = static_cast<std::uint32_t>(cpu);
  if (which >= of.region().cpus()) return 0;
  return address_of(of.lookup_on(which, pointer<const void>(key)));
}

u64 map_update_elem(u64 map, u64 key, u64 value, u64 flags, u64, void* context) {
  return result(map_at(map)->update(caller(context), pointer<const void>(key),
                                    pointer<const void>(value), flags));
}

u64 map_delete_elem(u64 map, u64 key, u64, u64, u64, void* context) {
  return result(map_at(map)->erase(caller(context), pointer<const void>(key)));
}

u64 map_push_elem(u64 map, u64 value, u64 flags, u64, u64, void* context) {
  return result(map_at(map)->push(caller(context), pointer<const void>(value), flags));
}

u64 map_pop_elem(u64 map, u64 value, u64, u64, u64, void* context) {
  return result(map_at(map)->pop(caller(context), pointer<void>(value)));
}

u64 map_peek_elem(u64 map, u64 value, u64, u64, u64, void* context) {
  return result(map_at(map)->peek(caller(context), pointer<void>(value)));
}

u64 for_each_map_elem(u64 map, u64 callback, u64 data, u64 flags, u64, void* context) {
  const Run& run = run_of(context);
  if (run.running == nullptr) return result(-EINVAL);
  Walk walk{.running = *run.running, .code = callback, .map = map, .context = data};
  return result(map_at(map)->for_each(run.caller, {visit_element, &walk}, flags));
}

// Values of a hook's cgroup storage: the machine knows which hook runs.
u64 get_local_storage(u64 map, u64, u64, u64, u64, void* context) {
  const Run& run = run_of(context);
  return run.services == nullptr ? 0 : address_of(run.services->hook_storage(*map_at(map), run));
}

}  // namespace skep::machine::helper
