// SPDX-License-Identifier: Apache-2.0
// Counts primes by trial division.
#include "program.h"

unsigned long prog(void* mem, unsigned long len) {
  u64 count = 0;
  (void)mem;
  for (u64 n = 3; n < len >> 3; n += 2) {
    u64 divisor = 3;
    while (divisor * divisor <= n && n % divisor != 0) divisor += 2;
    if (divisor * divisor > n) ++count;
  }
  return count;
}
