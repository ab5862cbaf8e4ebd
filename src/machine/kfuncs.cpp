// SPDX-License-Identifier: Apache-2.0
#include "machine/kfuncs.h"

#include <algorithm>
#include <array>

#include "abi/program_types.h"
#include "machine/kfunc_functions.h"

namespace skep::machine {

namespace {

constexpr NumberSet kAny = NumberSet::all();
constexpr NumberSet kXdp{abi::BPF_PROG_TYPE_XDP};
constexpr NumberSet kProbe{abi::BPF_PROG_TYPE_KPROBE};
constexpr NumberSet kTracers{
    abi::BPF_PROG_TYPE_KPROBE,     abi::BPF_PROG_TYPE_TRACEPOINT,
    abi::BPF_PROG_TYPE_PERF_EVENT, abi::BPF_PROG_TYPE_RAW_TRACEPOINT,
    abi::BPF_PROG_TYPE_TRACING,    abi::BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
    abi::BPF_PROG_TYPE_LSM};
constexpr NumberSet kTc{abi::BPF_PROG_TYPE_SCHED_CLS, abi::BPF_PROG_TYPE_SCHED_ACT};
constexpr NumberSet kCgroup{abi::BPF_PROG_TYPE_CGROUP_SKB,     abi::BPF_PROG_TYPE_CGROUP_SOCK,
                            abi::BPF_PROG_TYPE_CGROUP_DEVICE,  abi::BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
                            abi::BPF_PROG_TYPE_CGROUP_SOCKOPT, abi::BPF_PROG_TYPE_CGROUP_SYSCTL,
                            abi::BPF_PROG_TYPE_SOCK_OPS};
constexpr NumberSet kSkb =
    kTc | NumberSet{abi::BPF_PROG_TYPE_SK_SKB,    abi::BPF_PROG_TYPE_SOCKET_FILTER,
                    abi::BPF_PROG_TYPE_LWT_IN,    abi::BPF_PROG_TYPE_LWT_OUT,
                    abi::BPF_PROG_TYPE_LWT_XMIT,  abi::BPF_PROG_TYPE_LWT_SEG6LOCAL,
                    abi::BPF_PROG_TYPE_NETFILTER, abi::BPF_PROG_TYPE_CGROUP_SKB};
// Those that may own objects.
constexpr NumberSet kGeneric = kTc | kXdp | kTracers | kCgroup |
                               NumberSet{abi::BPF_PROG_TYPE_STRUCT_OPS, abi::BPF_PROG_TYPE_SYSCALL};

// NOLINTBEGIN(bugprone-macro-parentheses): strings that are joined
constexpr auto kKfuncs = std::to_array<Kfunc>({
#define SKEP_KFUNC(name, result, arguments, flags, types) \
  {#name, result #name "(" arguments ")", flags, types, kfunc::name},
#include "machine/kfuncs.def"
#undef SKEP_KFUNC
});
// NOLINTEND(bugprone-macro-parentheses)

}  // namespace

std::span<const Kfunc> kfunc_table() { return kKfuncs; }

const Kfunc* find_kfunc(std::string_view name) {
  const auto* found = std::ranges::find(kKfuncs, name, &Kfunc::name);
  return found == kKfuncs.end() ? nullptr : found;
}

}  // namespace skep::machine
