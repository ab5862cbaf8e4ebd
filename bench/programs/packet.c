// SPDX-License-Identifier: Apache-2.0
// Takes the buffer as 1024 slots of 64 bytes, makes each a frame of one of four kinds, and parses
// it as a packet filter does: Ethernet, an optional VLAN tag, IPv4 with options, TCP or UDP, ports.
#include "program.h"

enum { kSlotBytes = 64, kIpv4 = 0x0800, kVlan = 0x8100, kTcp = 6, kUdp = 17 };

static inline u16 swapped(u16 value) { return __builtin_bswap16(value); }

static inline u16 load16(const u8* at) { return swapped(*(const u16*)at); }
static inline void store16(u8* at, u16 value) { *(u16*)at = swapped(value); }

static inline void make_frame(u8* frame, u64 kind) {
  u8* type = frame + 12;
  store16(type, kind & 1 ? kVlan : kIpv4);
  if (kind & 1) store16(type += 4, kIpv4);
  type[2] = kind & 2 ? 0x46 : 0x45;
  type[11] = kind & 2 ? kUdp : kTcp;
}

// The destination port, or 0 for what is not understood.
static inline u64 port_of(const u8* frame, const u8* end) {
  const u8* type = frame + 12;
  if (type + 2 > end) return 0;
  if (load16(type) == kVlan) type += 4;
  const u8* ip = type + 2;
  if (ip + 20 > end || load16(type) != kIpv4) return 0;
  const u64 header_bytes = (ip[0] & 0xfu) * 4;
  if (ip[0] >> 4 != 4 || header_bytes < 20) return 0;
  const u8* transport = ip + header_bytes;
  if (transport + 4 > end || (ip[9] != kTcp && ip[9] != kUdp)) return 0;
  return load16(transport + 2);
}

unsigned long prog(void* mem, unsigned long len) {
  u8* frames = mem;
  u64 sum = 0;
  u64 low = 0;
  for (u64 at = 0; at < len; at += kSlotBytes) make_frame(frames + at, at / kSlotBytes % 4);
  for (u64 round = 0; round < 4; ++round) {
    for (u64 at = 0; at < len; at += kSlotBytes) {
      const u64 port = port_of(frames + at, frames + at + kSlotBytes - round * 10);
      sum += port * (round + 1);
      if (port != 0 && port < 1024) ++low;
    }
  }
  return sum ^ low << 48;
}
