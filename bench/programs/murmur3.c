// SPDX-License-Identifier: Apache-2.0
// MurmurHash3, the 32-bit variant, over whole words.
#include "program.h"

static inline u32 rotate(u32 value, u32 by) { return value << by | value >> (32 - by); }

unsigned long prog(void* mem, unsigned long len) {
  const u32* words = mem;
  u32 hash = 42;
  for (u64 i = 0; i < len / 4; ++i) {
    hash ^= rotate(words[i] * 0xcc9e2d51, 15) * 0x1b873593;
    hash = rotate(hash, 13) * 5 + 0xe6546b64;
  }
  hash ^= (u32)len;
  hash = (hash ^ hash >> 16) * 0x85ebca6b;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35;
  return hash ^ hash >> 16;
}
