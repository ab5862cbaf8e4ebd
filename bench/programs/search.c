// SPDX-License-Identifier: Apache-2.0
// Binary search of pseudo-random keys in a sorted table of 8192 words.
#include "program.h"

enum { kWords = 8192 };

unsigned long prog(void* mem, unsigned long len) {
  u32* table = mem;
  u64 found = 0;
  u32 key = 1;
  (void)len;
  for (u64 i = 0; i < kWords; ++i) table[i] = (u32)i * 5;
  for (u64 round = 0; round < 2048; ++round) {
    u64 low = 0;
    u64 high = kWords;
    key = key * 1664525 + 1013904223;
    const u32 wanted = key >> 16;
    while (low < high) {
      const u64 middle = (low + high) / 2;
      if (table[middle] < wanted)
        low = middle + 1;
      else
        high = middle;
    }
    if (low < kWords && table[low] == wanted) found += low;
  }
  return found;
}
