// SPDX-License-Identifier: Apache-2.0
// Helpers that read and write a packet's bytes and keep its checksums right. They return what the
// helper of the same name returns on Linux 6.18: a value, or a negative errno. Kernel:
// net/core/filter.c.
#pragma once

#include "machine/skb.h"

namespace skep::machine {

// What cannot be read becomes zero.
[[nodiscard]] std::int64_t skb_load_bytes(Skb& skb, std::uint32_t offset, std::span<std::byte> to);
[[nodiscard]] std::int64_t skb_load_bytes_relative(Skb& skb, std::uint32_t offset,
                                                   std::span<std::byte> to,
                                                   std::uint32_t start_header);
[[nodiscard]] std::int64_t skb_store_bytes(Skb& skb, std::uint32_t offset,
                                           std::span<const std::byte> from, std::uint64_t flags);
[[nodiscard]] std::int64_t skb_pull_data(Skb& skb, std::uint32_t length);

[[nodiscard]] std::int64_t l3_csum_replace(Skb& skb, std::uint32_t offset, std::uint64_t from,
                                           std::uint64_t to, std::uint64_t flags);
[[nodiscard]] std::int64_t l4_csum_replace(Skb& skb, std::uint32_t offset, std::uint64_t from,
                                           std::uint64_t to, std::uint64_t flags);
[[nodiscard]] std::int64_t csum_update(Skb& skb, std::uint32_t sum);
[[nodiscard]] std::int64_t csum_level(Skb& skb, std::uint64_t what);

}  // namespace skep::machine
