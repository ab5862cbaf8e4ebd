// SPDX-License-Identifier: Apache-2.0
// The longest Collatz chain below a bound: shifts, multiply-adds, a branch nobody can predict.
#include "program.h"

unsigned long prog(void* mem, unsigned long len) {
  u64 longest = 0;
  (void)mem;
  for (u64 start = 1; start < len >> 4; ++start) {
    u64 n = start;
    u64 steps = 0;
    while (n != 1) {
      n = n & 1 ? 3 * n + 1 : n >> 1;
      ++steps;
    }
    if (steps > longest) longest = steps;
  }
  return longest;
}
