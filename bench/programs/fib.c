// SPDX-License-Identifier: Apache-2.0
// Fibonacci numbers modulo 2^64 by addition: dependent adds and moves.
#include "program.h"

unsigned long prog(void* mem, unsigned long len) {
  u64 sum = 0;
  (void)mem;
  for (u64 round = 0; round < 64; ++round) {
    u64 a = round;
    u64 b = 1;
    for (u64 i = 0; i < len >> 6; ++i) {
      const u64 next = a + b;
      a = b;
      b = next;
    }
    sum ^= a;
  }
  return sum;
}
