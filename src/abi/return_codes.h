// SPDX-License-Identifier: Apache-2.0
// What programs return, by the hook that reads it.
#pragma once

#include <cstdint>

#include "abi/system_macros.h"

namespace skep::abi {

// NOLINTBEGIN(readability-identifier-naming): names of the kernel's interface

// sched_cls, sched_act; a classifier without direct action returns a class instead
enum : std::int32_t {
  TC_ACT_UNSPEC = -1,
  TC_ACT_OK = 0,
  TC_ACT_RECLASSIFY = 1,
  TC_ACT_SHOT = 2,
  TC_ACT_PIPE = 3,
  TC_ACT_STOLEN = 4,
  TC_ACT_QUEUED = 5,
  TC_ACT_REPEAT = 6,
  TC_ACT_REDIRECT = 7,
  TC_ACT_TRAP = 8,
};

// tcx and netkit; others count as TCX_NEXT
enum tcx_action_base : std::int32_t {
  TCX_NEXT = -1,
  TCX_PASS = 0,
  TCX_DROP = 2,
  TCX_REDIRECT = 7,
};

enum xdp_action : std::uint32_t {
  XDP_ABORTED = 0,
  XDP_DROP = 1,
  XDP_PASS = 2,
  XDP_TX = 3,
  XDP_REDIRECT = 4,
};

// sk_skb, sk_msg, sk_lookup, sk_reuseport
enum sk_action : std::uint32_t {
  SK_DROP = 0,
  SK_PASS = 1,
};

// lwt and flow_dissector
enum bpf_ret_code : std::uint32_t {
  BPF_OK = 0,
  BPF_DROP = 2,
  BPF_REDIRECT = 7,
  BPF_LWT_REROUTE = 128,
  BPF_FLOW_DISSECTOR_CONTINUE = 129,
};

// NOLINTEND(readability-identifier-naming)

}  // namespace skep::abi
