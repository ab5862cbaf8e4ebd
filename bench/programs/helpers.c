// SPDX-License-Identifier: Apache-2.0
// Calls a helper for each word of the buffer.
#include "program.h"

unsigned long prog(void* mem, unsigned long len) {
  const u64* words = mem;
  u64 sum = 0;
  for (u64 i = 0; i < len / 8; ++i) sum = mix(sum, words[i]);
  return sum;
}
