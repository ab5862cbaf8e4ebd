// SPDX-License-Identifier: Apache-2.0
// Helpers over packets: arguments of programs become those of the functions in skb_*.h and xdp.h.
// A program that runs without a packet gets EOPNOTSUPP.
#include <cerrno>
#include <cstring>

#include "abi/helper_flags.h"
#include "abi/map_types.h"
#include "abi/return_codes.h"
#include "machine/checksum.h"
#include "machine/helper_functions.h"
#include "machine/skb_bytes.h"
#include "machine/skb_marks.h"
#include "machine/skb_shape.h"
#include "machine/xdp.h"

namespace skep::machine::helper {

using u64 = std::uint64_t;
using u32 = std::uint32_t;
using u16 = std::uint16_t;

namespace {

u32 low(u64 value) { return static_cast<u32>(value); }
u16 lowest(u64 value) { return static_cast<u16>(value); }
std::int32_t signed_low(u64 value) { return static_cast<std::int32_t>(value); }

std::span<std::byte> room_at(u64 at, u64 bytes) { return {pointer<std::byte>(at), low(bytes)}; }
std::span<const std::byte> bytes_at(u64 at, u64 bytes) {
  return {pointer<const std::byte>(at), low(bytes)};
}

template <class Use>
u64 on_skb(void* context, Use use) {
  Skb* skb = run_of(context).skb;
  return result(skb == nullptr ? -EOPNOTSUPP : static_cast<long>(use(*skb)));
}

template <class Use>
u64 on_xdp(void* context, Use use) {
  XdpBuffer* xdp = run_of(context).xdp;  // NOLINT(misc-const-correctness): some uses change it
  return result(xdp == nullptr ? -EOPNOTSUPP : static_cast<long>(use(*xdp)));
}

Devices devices_of(const Run& run) { return run.devices == nullptr ? Devices{} : *run.devices; }

// Verdicts of sk_skb programs.
u64 redirect_to_socket(void* context, u64 map, const void* key, u64 flags) {
  const Run& run = run_of(context);
  auto* sockets = pointer<maps::Map>(map);
  if ((flags & ~abi::BPF_F_INGRESS) != 0 || run.skb == nullptr) return abi::SK_DROP;
  if (sockets->lookup(run.caller, key) == nullptr) return abi::SK_DROP;
  run.skb->redirect = {.way = Redirect::Way::map, .ifindex = 0, .flags = flags, .map = sockets};
  return abi::SK_PASS;
}

}  // namespace

u64 skb_load_bytes(u64, u64 offset, u64 to, u64 bytes, u64, void* context) {
  return on_skb(context, [&](Skb& skb) {
    return machine::skb_load_bytes(skb, low(offset), room_at(to, bytes));
  });
}

u64 skb_load_bytes_relative(u64, u64 offset, u64 to, u64 bytes, u64 header, void* context) {
  return on_skb(context, [&](Skb& skb) {
    return machine::skb_load_bytes_relative(skb, low(offset), room_at(to, bytes), low(header));
  });
}

u64 skb_store_bytes(u64, u64 offset, u64 from, u64 bytes, u64 flags, void* context) {
  return on_skb(context, [&](Skb& skb) {
    return machine::skb_store_bytes(skb, low(offset), bytes_at(from, bytes), flags);
  });
}

u64 skb_pull_data(u64, u64 length, u64, u64, u64, void* context) {
  return on_skb(context, [&](Skb& skb) { return machine::skb_pull_data(skb, low(length)); });
}

u64 l3_csum_replace(u64, u64 offset, u64 from, u64 to, u64 flags, void* context) {
  return on_skb(context, [&](Skb& skb) {
    return machine::l3_csum_replace(skb, low(offset), from, to, flags);
  });
}

u64 l4_csum_replace(u64, u64 offset, u64 from, u64 to, u64 flags, void* context) {
  return on_skb(context, [&](Skb& skb) {
    return machine::l4_csum_replace(skb, low(offset), from, to, flags);
  });
}

u64 csum_diff(u64 from, u64 from_bytes, u64 to, u64 to_bytes, u64 seed, void*) {
  if ((low(from_bytes) | low(to_bytes)) % 4 != 0) return result(-EINVAL);
  return result(machine::csum_diff(bytes_at(from, from_bytes), bytes_at(to, to_bytes), low(seed)));
}

u64 csum_update(u64, u64 sum, u64, u64, u64, void* context) {
  return on_skb(context, [&](Skb& skb) { return machine::csum_update(skb, low(sum)); });
}

u64 csum_level(u64, u64 what, u64, u64, u64, void* context) {
  return on_skb(context, [&](Skb& skb) { return machine::csum_level(skb, what); });
}

u64 skb_vlan_push(u64, u64 protocol, u64 tag, u64, u64, void* context) {
  return on_skb(context, [&](Skb& skb) {
    return machine::skb_vlan_push(skb, lowest(protocol), lowest(tag));
  });
}

u64 skb_vlan_pop(u64, u64, u64, u64, u64, void* context) {
  return on_skb(context, [](Skb& skb) { return machine::skb_vlan_pop(skb); });
}

u64 skb_change_proto(u64, u64 protocol, u64 flags, u64, u64, void* context) {
  return on_skb(context,
                [&](Skb& skb) { return machine::skb_change_proto(skb, lowest(protocol), flags); });
}

u64 skb_change_type(u64, u64 kind, u64, u64, u64, void* context) {
  return on_skb(context, [&](Skb& skb) { return machine::skb_change_type(skb, low(kind)); });
}

u64 skb_change_tail(u64, u64 length, u64 flags, u64, u64, void* context) {
  return on_skb(context,
                [&](Skb& skb) { return machine::skb_change_tail(skb, low(length), flags); });
}

u64 skb_change_head(u64, u64 count, u64 flags, u64, u64, void* context) {
  return on_skb(context,
                [&](Skb& skb) { return machine::skb_change_head(skb, low(count), flags); });
}

u64 skb_adjust_room(u64, u64 difference, u64 mode, u64 flags, u64, void* context) {
  return on_skb(context, [&](Skb& skb) {
    return machine::skb_adjust_room(skb, signed_low(difference), low(mode), flags);
  });
}

u64 get_hash_recalc(u64, u64, u64, u64, u64, void* context) {
  return on_skb(context, [](Skb& skb) { return machine::get_hash_recalc(skb); });
}

u64 set_hash(u64, u64 hash, u64, u64, u64, void* context) {
  return on_skb(context, [&](Skb& skb) { return skb_set_hash(skb, low(hash)); });
}

u64 set_hash_invalid(u64, u64, u64, u64, u64, void* context) {
  return on_skb(context, [](Skb& skb) { return skb_set_hash_invalid(skb); });
}

u64 skb_ecn_set_ce(u64, u64, u64, u64, u64, void* context) {
  return on_skb(context, [](Skb& skb) { return machine::skb_ecn_set_ce(skb); });
}

u64 skb_set_tstamp(u64, u64 time, u64 clock, u64, u64, void* context) {
  return on_skb(context, [&](Skb& skb) { return machine::skb_set_tstamp(skb, time, low(clock)); });
}

u64 check_mtu(u64, u64 ifindex, u64 length, u64 difference, u64 flags, void* context) {
  const Run& run = run_of(context);
  u32 mtu = 0;
  std::memcpy(&mtu, pointer<void>(length), sizeof(mtu));
  std::int64_t checked = -EOPNOTSUPP;
  if (run.skb != nullptr)
    checked =
        skb_check_mtu(*run.skb, devices_of(run), low(ifindex), mtu, signed_low(difference), flags);
  else if (run.xdp != nullptr)
    checked =
        xdp_check_mtu(*run.xdp, devices_of(run), low(ifindex), mtu, signed_low(difference), flags);
  std::memcpy(pointer<void>(length), &mtu, sizeof(mtu));
  return result(checked);
}

u64 redirect(u64 ifindex, u64 flags, u64, u64, u64, void* context) {
  const Run& run = run_of(context);
  if (run.xdp != nullptr) return result(xdp_redirect(*run.xdp, low(ifindex), flags));
  return on_skb(context, [&](Skb& skb) { return skb_redirect(skb, low(ifindex), flags); });
}

u64 redirect_map(u64 map, u64 key, u64 flags, u64, u64, void* context) {
  const Run& run = run_of(context);
  auto* targets = pointer<maps::Map>(map);
  const u32 index = low(key);
  const u32 type = targets->spec().type;
  const RedirectMap target{
      .map = targets,
      .has_key = targets->lookup(run.caller, &index) != nullptr,
      .holds_devices = type == abi::BPF_MAP_TYPE_DEVMAP || type == abi::BPF_MAP_TYPE_DEVMAP_HASH};
  return on_xdp(context,
                [&](XdpBuffer& xdp) { return xdp_redirect_map(xdp, target, index, flags); });
}

u64 sk_redirect_map(u64, u64 map, u64 key, u64 flags, u64, void* context) {
  const u32 index = low(key);
  return redirect_to_socket(context, map, &index, flags);
}

u64 sk_redirect_hash(u64, u64 map, u64 key, u64 flags, u64, void* context) {
  return redirect_to_socket(context, map, pointer<const void>(key), flags);
}

u64 redirect_peer(u64 ifindex, u64 flags, u64, u64, u64, void* context) {
  return on_skb(context, [&](Skb& skb) { return skb_redirect_peer(skb, low(ifindex), flags); });
}

u64 redirect_neigh(u64 ifindex, u64, u64 bytes, u64 flags, u64, void* context) {
  return on_skb(context,
                [&](Skb& skb) { return skb_redirect_neigh(skb, low(ifindex), low(bytes), flags); });
}

u64 clone_redirect(u64, u64 ifindex, u64 flags, u64, u64, void* context) {
  const Run& run = run_of(context);
  std::vector<SentClone> unsent;
  return on_skb(context, [&](Skb& skb) {
    return machine::clone_redirect(skb, devices_of(run), low(ifindex), flags,
                                   run.clones == nullptr ? unsent : *run.clones);
  });
}

u64 xdp_adjust_head(u64, u64 distance, u64, u64, u64, void* context) {
  return on_xdp(context, [&](XdpBuffer& xdp) { return xdp.adjust_head(signed_low(distance)); });
}

u64 xdp_adjust_meta(u64, u64 distance, u64, u64, u64, void* context) {
  return on_xdp(context, [&](XdpBuffer& xdp) { return xdp.adjust_meta(signed_low(distance)); });
}

u64 xdp_adjust_tail(u64, u64 distance, u64, u64, u64, void* context) {
  return on_xdp(context, [&](XdpBuffer& xdp) { return xdp.adjust_tail(signed_low(distance)); });
}

u64 xdp_get_buff_len(u64, u64, u64, u64, u64, void* context) {
  return on_xdp(context, [](const XdpBuffer& xdp) { return xdp.length(); });
}

u64 xdp_load_bytes(u64, u64 offset, u64 to, u64 bytes, u64, void* context) {
  return on_xdp(context, [&](const XdpBuffer& xdp) {
    return xdp.load_bytes(low(offset), room_at(to, bytes));
  });
}

u64 xdp_store_bytes(u64, u64 offset, u64 from, u64 bytes, u64, void* context) {
  return on_xdp(
      context, [&](XdpBuffer& xdp) { return xdp.store_bytes(low(offset), bytes_at(from, bytes)); });
}

}  // namespace skep::machine::helper
