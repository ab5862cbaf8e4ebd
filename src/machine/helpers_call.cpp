// SPDX-License-Identifier: Apache-2.0
// Calls: loops over a callback, and system calls of programs.
#include <cerrno>
#include <cstring>

#include "abi/btf.h"
#include "abi/commands.h"
#include "abi/limits.h"
#include "machine/helper_functions.h"
#include "machine/services.h"

namespace skep::machine::helper {

using u64 = std::uint64_t;

namespace {

// What a program may do with bpf(2); the rest needs a process that waits for it.
constexpr bool may_command(std::uint32_t command) {
  switch (command) {
    case abi::BPF_MAP_CREATE:
    case abi::BPF_MAP_DELETE_ELEM:
    case abi::BPF_MAP_UPDATE_ELEM:
    case abi::BPF_MAP_FREEZE:
    case abi::BPF_MAP_GET_FD_BY_ID:
    case abi::BPF_PROG_LOAD:
    case abi::BPF_BTF_LOAD:
    case abi::BPF_LINK_CREATE:
    case abi::BPF_RAW_TRACEPOINT_OPEN:
      return true;
    default:
      return false;
  }
}

}  // namespace

u64 loop(u64 turns, u64 callback, u64 data, u64 flags, u64, void* context) {
  const auto count = static_cast<std::uint32_t>(turns);
  engine::Running* running = run_of(context).running;
  if (flags != 0 || running == nullptr) return result(-EINVAL);
  if (count > abi::BPF_MAX_LOOPS) return result(-E2BIG);
  for (std::uint32_t turn = 0; turn < count; ++turn) {
    const auto stop = running->call_back(callback, {turn, data, 0, 0, 0});
    if (!stop || *stop != 0) return turn + 1;
  }
  return count;
}

// Engines make tail calls themselves; this is what is left of one that fails.
u64 tail_call(u64, u64, u64, u64, u64, void*) { return 0; }

u64 sys_bpf(u64 command, u64 attr, u64 bytes, u64, u64, void* context) {
  const auto number = static_cast<std::uint32_t>(command);
  Services* services = run_of(context).services;
  if (!may_command(number) || services == nullptr) return result(-EINVAL);
  return result(services->bpf(number, pointer<void>(attr), static_cast<std::uint32_t>(bytes)));
}

u64 sys_close(u64 fd, u64, u64, u64, u64, void* context) {
  Services* services = run_of(context).services;
  return result(services == nullptr ? -EBADF : services->close(static_cast<int>(fd)));
}

u64 btf_find_by_name_kind(u64 name, u64 bytes, u64 kind, u64 flags, u64, void* context) {
  const auto room = static_cast<std::uint32_t>(bytes);
  const auto* text = pointer<const char>(name);
  if (flags != 0 || room <= 1 || text[room - 1] != '\0') return result(-EINVAL);
  Services* services = run_of(context).services;
  const std::string_view wanted(text, ::strnlen(text, room));
  if (services == nullptr) return result(-ENOENT);
  return result(services->find_type(wanted, static_cast<std::uint32_t>(kind)));
}

// No symbols of a kernel here.
u64 kallsyms_lookup_name(u64 name, u64 bytes, u64 flags, u64 to, u64, void*) {
  constexpr std::uint32_t kLongest = 512;
  const auto room = static_cast<std::uint32_t>(bytes);
  const u64 none = 0;
  std::memcpy(pointer<void>(to), &none, sizeof(none));
  if (flags != 0) return result(-EINVAL);
  if (room <= 1 || room > kLongest || pointer<const char>(name)[room - 1] != '\0')
    return result(-EINVAL);
  return result(-ENOENT);
}

}  // namespace skep::machine::helper
