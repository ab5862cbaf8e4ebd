// SPDX-License-Identifier: Apache-2.0
// The Internet checksum (RFC 1071) over 16-bit words.
#include "program.h"

unsigned long prog(void* mem, unsigned long len) {
  const u16* words = mem;
  u32 sum = 0;
  for (u64 i = 0; i < len / 2; ++i) sum += words[i];
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (u16)~sum;
}
