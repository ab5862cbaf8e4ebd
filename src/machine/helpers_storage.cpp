// SPDX-License-Identifier: Apache-2.0
// Values that belong to threads, sockets, files and control groups, and stacks under an id.
#include <array>
#include <cerrno>

#include "abi/helper_flags.h"
#include "abi/limits.h"
#include "machine/helper_functions.h"
#include "machine/stack_walk.h"
#include "maps/local_storage.h"
#include "maps/stack_trace.h"

namespace skep::machine::helper {

using u64 = std::uint64_t;

namespace {

maps::LocalStorageMap& storage_at(u64 map) {
  return *static_cast<maps::LocalStorageMap*>(pointer<maps::Map>(map));
}

u64 get(u64 map, u64 owner, u64 initial, u64 flags, void* context) {
  if (owner == 0 || (flags & ~abi::BPF_LOCAL_STORAGE_GET_F_CREATE) != 0) return 0;
  return address_of(
      storage_at(map).get(run_of(context).caller, owner, pointer<const void>(initial), flags));
}

u64 drop(u64 map, u64 owner, void* context) {
  if (owner == 0) return result(-EINVAL);
  return result(storage_at(map).drop(run_of(context).caller, owner));
}

// A task is its number, of which the lower half is the thread's.
u64 thread_of(u64 task) { return task & 0xffff'ffff; }

}  // namespace

u64 task_storage_get(u64 map, u64 task, u64 initial, u64 flags, u64, void* context) {
  return get(map, thread_of(task), initial, flags, context);
}
u64 task_storage_delete(u64 map, u64 task, u64, u64, u64, void* context) {
  return drop(map, thread_of(task), context);
}

u64 sk_storage_get(u64 map, u64 socket, u64 initial, u64 flags, u64, void* context) {
  return get(map, socket, initial, flags, context);
}
u64 sk_storage_delete(u64 map, u64 socket, u64, u64, u64, void* context) {
  return drop(map, socket, context);
}

u64 inode_storage_get(u64 map, u64 inode, u64 initial, u64 flags, u64, void* context) {
  return get(map, inode, initial, flags, context);
}
u64 inode_storage_delete(u64 map, u64 inode, u64, u64, u64, void* context) {
  return drop(map, inode, context);
}

u64 cgrp_storage_get(u64 map, u64 group, u64 initial, u64 flags, u64, void* context) {
  return get(map, group, initial, flags, context);
}
u64 cgrp_storage_delete(u64 map, u64 group, u64, u64, u64, void* context) {
  return drop(map, group, context);
}

u64 get_stackid(u64, u64 map, u64 flags, u64, u64, void* context) {
  const Run& run = run_of(context);
  std::array<u64, abi::PERF_MAX_STACK_DEPTH + abi::BPF_F_SKIP_FIELD_MASK> ips;
  const StackStart start = run.stack != nullptr ? *run.stack : this_stack();
  const std::size_t found = walk_stack(start, 0, ips);
  auto& stacks = *static_cast<maps::StackTraceMap*>(pointer<maps::Map>(map));
  return result(stacks.put(std::span(ips).first(found), flags));
}

}  // namespace skep::machine::helper
