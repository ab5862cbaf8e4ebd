// SPDX-License-Identifier: Apache-2.0
// Shell sort of 4096 pseudo-random words.
#include "program.h"

enum { kWords = 4096 };

static inline void fill(u32* words) {
  u32 seed = 1;
  for (u64 i = 0; i < kWords; ++i) {
    seed = seed * 1664525 + 1013904223;
    words[i] = seed;
  }
}

unsigned long prog(void* mem, unsigned long len) {
  u32* words = mem;
  (void)len;
  fill(words);
  for (u64 gap = kWords / 2 - 1; gap > 0; gap /= 2) {
    for (u64 i = gap; i < kWords; ++i) {
      const u32 value = words[i];
      u64 at = i;
      for (; at >= gap && words[at - gap] > value; at -= gap) words[at] = words[at - gap];
      words[at] = value;
    }
  }
  return words[0] ^ words[kWords / 2] ^ words[kWords - 1];
}
