// SPDX-License-Identifier: Apache-2.0
// CRC-32 (the reflected polynomial of IEEE 802.3), bit by bit over an eighth of the buffer.
#include "program.h"

unsigned long prog(void* mem, unsigned long len) {
  const u8* bytes = mem;
  u32 crc = 0xffffffff;
  for (u64 i = 0; i < len / 8; ++i) {
    crc ^= bytes[i];
    for (u32 bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
  }
  return (u32)~crc;
}
