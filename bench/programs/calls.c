// SPDX-License-Identifier: Apache-2.0
// Greatest common divisors: static functions that are really called, two deep, with a few
// instructions each.
#include "program.h"

CALLED u64 remainder(u64 a, u64 b);
CALLED u64 gcd(u64 a, u64 b);

unsigned long prog(void* mem, unsigned long len) {
  u64 sum = 0;
  (void)mem;
  for (u64 i = 1; i < len >> 4; ++i) sum += gcd(len - i, i * 3);
  return sum;
}

CALLED u64 gcd(u64 a, u64 b) {
  while (b != 0) {
    const u64 rest = remainder(a, b);
    a = b;
    b = rest;
  }
  return a;
}

CALLED u64 remainder(u64 a, u64 b) { return a % b; }
