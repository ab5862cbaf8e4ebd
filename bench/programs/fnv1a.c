// SPDX-License-Identifier: Apache-2.0
// FNV-1a, 64 bits, byte by byte.
#include "program.h"

unsigned long prog(void* mem, unsigned long len) {
  const u8* bytes = mem;
  u64 hash = 0xcbf29ce484222325;
  for (u64 i = 0; i < len; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3;
  return hash;
}
