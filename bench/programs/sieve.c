// SPDX-License-Identifier: Apache-2.0
// The sieve of Eratosthenes with a byte for each number.
#include "program.h"

unsigned long prog(void* mem, unsigned long len) {
  u8* composite = mem;
  u64 count = 0;
  for (u64 i = 0; i < len; ++i) composite[i] = 0;
  for (u64 n = 2; n < len; ++n) {
    if (composite[n] != 0) continue;
    ++count;
    for (u64 multiple = n * n; multiple < len; multiple += n) composite[multiple] = 1;
  }
  return count;
}
