// SPDX-License-Identifier: Apache-2.0
// Helpers that make a packet longer or shorter: VLAN tags, IPv4 to IPv6 and back, room for and
// without tunnels, head and tail. They return what the helper of the same name returns to a
// sched_cls program on Linux 6.18: 0 or a negative errno. Kernel: net/core/filter.c.
#pragma once

#include "machine/skb.h"

namespace skep::machine {

[[nodiscard]] std::int64_t skb_vlan_push(Skb& skb, std::uint16_t protocol, std::uint16_t tag);
[[nodiscard]] std::int64_t skb_vlan_pop(Skb& skb);
[[nodiscard]] std::int64_t skb_change_proto(Skb& skb, std::uint16_t protocol, std::uint64_t flags);
[[nodiscard]] std::int64_t skb_change_tail(Skb& skb, std::uint32_t length, std::uint64_t flags);
[[nodiscard]] std::int64_t skb_change_head(Skb& skb, std::uint32_t count, std::uint64_t flags);
[[nodiscard]] std::int64_t skb_adjust_room(Skb& skb, std::int32_t difference, std::uint32_t mode,
                                           std::uint64_t flags);

}  // namespace skep::machine
