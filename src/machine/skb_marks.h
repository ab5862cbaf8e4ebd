// SPDX-License-Identifier: Apache-2.0
// Helpers that read and change what travels beside a packet's bytes: its kind, hash, class, time,
// congestion mark, and where it goes. They return what the helper of the same name returns on Linux
// 6.18. Kernel: net/core/filter.c.
#pragma once

#include <vector>

#include "machine/skb.h"

namespace skep::machine {

[[nodiscard]] std::int64_t skb_change_type(Skb& skb, std::uint32_t kind);

// The hash of a flow is the machine's own: Linux seeds its hash anew at each boot.
[[nodiscard]] std::int64_t get_hash_recalc(Skb& skb);
[[nodiscard]] std::int64_t skb_set_hash(Skb& skb, std::uint32_t hash);
[[nodiscard]] std::int64_t skb_set_hash_invalid(Skb& skb);

// No packet of the machine belongs to a net_cls class.
[[nodiscard]] std::int64_t get_cgroup_classid(const Skb& skb);
[[nodiscard]] std::int64_t skb_ecn_set_ce(Skb& skb);
[[nodiscard]] std::int64_t skb_set_tstamp(Skb& skb, std::uint64_t time_ns, std::uint32_t clock);

// `mtu_length` goes in and out. An ifindex of 0 means the packet's own device.
[[nodiscard]] std::int64_t skb_check_mtu(const Skb& skb, const Devices& devices,
                                         std::uint32_t ifindex, std::uint32_t& mtu_length,
                                         std::int32_t difference, std::uint64_t flags);

[[nodiscard]] std::int64_t skb_redirect(Skb& skb, std::uint32_t ifindex, std::uint64_t flags);
[[nodiscard]] std::int64_t skb_redirect_peer(Skb& skb, std::uint32_t ifindex, std::uint64_t flags);
[[nodiscard]] std::int64_t skb_redirect_neigh(Skb& skb, std::uint32_t ifindex,
                                              std::uint32_t parameter_bytes, std::uint64_t flags);

// What a clone is sent as; the caller sends `bytes`, or not.
struct SentClone {
  std::uint32_t ifindex = 0;
  std::uint64_t flags = 0;
  Bytes bytes{};
};
[[nodiscard]] std::int64_t clone_redirect(const Skb& skb, const Devices& devices,
                                          std::uint32_t ifindex, std::uint64_t flags,
                                          std::vector<SentClone>& sent);

}  // namespace skep::machine
