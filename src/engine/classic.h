// SPDX-License-Identifier: Apache-2.0
// Runs classic programs as they are, and holds what a socket filter can read besides the packet.
// The same ClassicContext serves their translations on any engine. Nothing here is owned or
// remembered.
#pragma once

#include <cstdint>

#include "engine/engine.h"
#include "isa/classic_check.h"

namespace skep::engine {

// The beginning of struct __sk_buff, as far as a socket filter reads it. Names and orders are ours,
// places and values Linux's: the two protocols are in network order.
struct SocketFields {
  std::uint32_t length = 0;
  std::uint32_t packet_type = 0;  // 0: to this host
  std::uint32_t mark = 0;
  std::uint32_t queue = 0;
  std::uint32_t protocol = 0;
  std::uint32_t vlan_present = 0;
  std::uint32_t vlan_tci = 0;
  std::uint32_t vlan_protocol = 0;
  std::uint32_t priority = 0;
  std::uint32_t ingress_ifindex = 0;
  std::uint32_t ifindex = 0;
  std::uint32_t tc_index = 0;
  std::uint32_t control[5] = {};
  std::uint32_t hash = 0;
};
static_assert(sizeof(SocketFields) == 72 && offsetof(SocketFields, hash) == 68);

struct ClassicContext {
  Packet packet;
  SocketFields fields;
  std::uint32_t cpu = 0;
  std::uint32_t (*random)(void* self) = nullptr;  // 0 without it
  void* random_self = nullptr;
};

// An Ethernet frame that has just arrived: length and protocol are the frame's, everything else is
// 0.
[[nodiscard]] ClassicContext context_of(std::span<const std::byte> frame);

// struct seccomp_data.
struct SeccompData {
  std::int32_t number = 0;
  std::uint32_t arch = 0;
  std::uint64_t instruction_pointer = 0;
  std::uint64_t arguments[6] = {};
};
static_assert(sizeof(SeccompData) == isa::kSeccompBytes);

// The filter must be of that kind. Both always end: classic jumps only go forward.
[[nodiscard]] std::uint32_t run_classic(const isa::ClassicFilter& filter,
                                        const ClassicContext& context);
[[nodiscard]] std::uint32_t run_classic(const isa::ClassicFilter& filter, const SeccompData& data);

// What a translated filter needs: the helpers it may call, and the run's input, to which only
// `regions` has to be added for the checked engine. The argument must outlive the run.
[[nodiscard]] Calls classic_calls();
[[nodiscard]] Input input_of(const ClassicContext& context);
[[nodiscard]] Input input_of(const SeccompData& data);
[[nodiscard]] Region region_of(const ClassicContext& context);
[[nodiscard]] Region region_of(const SeccompData& data);

}  // namespace skep::engine
