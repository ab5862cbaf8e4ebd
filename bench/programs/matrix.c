// SPDX-License-Identifier: Apache-2.0
// Multiplies two 40 x 40 matrices of 32-bit words in the buffer; the product stands behind them.
#include "program.h"

enum { kSide = 40 };

unsigned long prog(void* mem, unsigned long len) {
  const u32* a = mem;
  const u32* b = a + kSide * kSide;
  u32* product = (u32*)mem + 2 * kSide * kSide;
  u32 trace = 0;
  (void)len;
  for (u64 row = 0; row < kSide; ++row) {
    for (u64 column = 0; column < kSide; ++column) {
      u32 sum = 0;
      for (u64 i = 0; i < kSide; ++i) sum += a[row * kSide + i] * b[i * kSide + column];
      product[row * kSide + column] = sum;
      if (row == column) trace += sum;
    }
  }
  return trace;
}
