// SPDX-License-Identifier: Apache-2.0
// What programs at a traced place learn: where they are, arguments, results, stacks; and the
// samples that they send.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "abi/helper_flags.h"
#include "abi/limits.h"
#include "abi/rings.h"
#include "machine/helper_functions.h"
#include "machine/skb.h"
#include "machine/stack_walk.h"
#include "machine/xdp.h"
#include "maps/perf_event_array.h"

namespace skep::machine::helper {

using u64 = std::uint64_t;

namespace {

long collect_stack(const Run& run, u64 buffer, u64 size, u64 flags) {
  constexpr u64 kKnown =
      abi::BPF_F_SKIP_FIELD_MASK | abi::BPF_F_USER_STACK | abi::BPF_F_USER_BUILD_ID;
  const auto room = static_cast<std::uint32_t>(size);
  auto* out = pointer<std::byte>(buffer);
  const auto refuse = [&](long error) {
    if (room != 0) std::memset(out, 0, room);
    return error;
  };
  const bool user = (flags & abi::BPF_F_USER_STACK) != 0;
  const bool build_ids = (flags & abi::BPF_F_USER_BUILD_ID) != 0;
  if ((flags & ~kKnown) != 0 || (build_ids && !user)) return refuse(-EINVAL);
  if (build_ids) return refuse(-EOPNOTSUPP);
  if (room % sizeof(u64) != 0) return refuse(-EINVAL);
  const StackStart start = run.stack != nullptr ? *run.stack : this_stack();
  const std::size_t most = std::min<std::size_t>(room / sizeof(u64), abi::PERF_MAX_STACK_DEPTH);
  const std::span ips(pointer<u64>(buffer), most);
  const std::size_t found = walk_stack(start, flags & abi::BPF_F_SKIP_FIELD_MASK, ips);
  std::memset(out + found * sizeof(u64), 0, room - found * sizeof(u64));
  return found == 0 && most != 0 ? refuse(-EFAULT) : static_cast<long>(found * sizeof(u64));
}

// The first bytes of the packet that the program's context stands for; nothing when it has fewer.
bool context_bytes(const Run& run, std::uint32_t count, Bytes& out) {
  out.resize(count);
  if (run.skb != nullptr) {
    const auto part = run.skb->part(0, count);
    if (part) std::ranges::copy(*part, out.begin());
    return part.has_value();
  }
  return run.xdp != nullptr && run.xdp->load_bytes(0, out) == 0;
}

}  // namespace

u64 get_stack(u64, u64 buffer, u64 size, u64 flags, u64, void* context) {
  return result(collect_stack(run_of(context), buffer, size, flags));
}

// Of another thread than this one nothing can be seen.
u64 get_task_stack(u64 task, u64 buffer, u64 size, u64 flags, u64, void* context) {
  const Run& run = run_of(context);
  if (task == run.host->identity(run.host->self).pid_tgid)
    return result(collect_stack(run, buffer, size, flags));
  if (size != 0) std::memset(pointer<void>(buffer), 0, static_cast<std::uint32_t>(size));
  return result(-EOPNOTSUPP);
}

u64 get_func_ip(u64, u64, u64, u64, u64, void* context) { return run_of(context).function_ip; }

u64 get_attach_cookie(u64, u64, u64, u64, u64, void* context) { return run_of(context).cookie; }

u64 get_func_arg(u64, u64 number, u64 value, u64, u64, void* context) {
  const Run& run = run_of(context);
  if (static_cast<std::uint32_t>(number) >= run.argument_count) return result(-EINVAL);
  std::memcpy(pointer<void>(value), run.arguments + static_cast<std::uint32_t>(number),
              sizeof(u64));
  return 0;
}

u64 get_func_ret(u64, u64 value, u64, u64, u64, void* context) {
  const Run& run = run_of(context);
  if (!run.has_traced_result) return result(-EOPNOTSUPP);
  std::memcpy(pointer<void>(value), &run.traced_result, sizeof(u64));
  return 0;
}

u64 get_func_arg_cnt(u64, u64, u64, u64, u64, void* context) {
  return run_of(context).argument_count;
}

u64 perf_event_output(u64, u64 map, u64 flags, u64 data, u64 bytes, void* context) {
  const Run& run = run_of(context);
  const auto& events = *static_cast<maps::PerfEventArrayMap*>(pointer<maps::Map>(map));
  const auto wanted = static_cast<std::uint32_t>((flags & abi::BPF_F_CTXLEN_MASK) >> 32);
  Bytes more;
  if (run.skb != nullptr || run.xdp != nullptr) {
    if (wanted != 0 && !context_bytes(run, wanted, more)) return result(-EFAULT);
    flags &= ~abi::BPF_F_CTXLEN_MASK;
  }
  const std::span sample(pointer<const std::byte>(data), static_cast<std::uint32_t>(bytes));
  return result(events.output(run.caller, flags, sample, more));
}

// The machine counts no events of hardware: there is nothing in any slot.
u64 perf_event_read(u64, u64, u64, u64, u64, void*) { return result(-ENOENT); }

u64 perf_event_read_value(u64, u64, u64 value, u64 bytes, u64, void*) {
  const auto room = static_cast<std::uint32_t>(bytes);
  std::memset(pointer<void>(value), 0, room);
  return result(room == sizeof(abi::bpf_perf_event_value) ? -ENOENT : -EINVAL);
}

u64 perf_prog_read_value(u64, u64 value, u64 bytes, u64, u64, void*) {
  std::memset(pointer<void>(value), 0, static_cast<std::uint32_t>(bytes));
  return result(-EINVAL);
}

u64 read_branch_records(u64, u64, u64, u64 flags, u64, void*) {
  return result((flags & ~abi::BPF_F_GET_BRANCH_RECORDS_SIZE) != 0 ? -EINVAL : -ENOENT);
}

u64 get_branch_snapshot(u64, u64, u64 flags, u64, u64, void*) {
  return result(flags != 0 ? -EINVAL : -ENOENT);
}

}  // namespace skep::machine::helper
