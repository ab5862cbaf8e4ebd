// SPDX-License-Identifier: Apache-2.0
// Scans the buffer as text: words, the longest of them, and decimal numbers with their sum.
#include "program.h"

static inline int is_digit(u8 c) { return c >= '0' && c <= '9'; }
static inline int is_letter(u8 c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

unsigned long prog(void* mem, unsigned long len) {
  const u8* characters = mem;
  u64 words = 0;
  u64 longest = 0;
  u64 sum = 0;
  u64 at = 0;
  while (at < len) {
    const u64 begin = at;
    if (is_letter(characters[at])) {
      while (at < len && is_letter(characters[at])) ++at;
      ++words;
      if (at - begin > longest) longest = at - begin;
    } else if (is_digit(characters[at])) {
      u64 value = 0;
      for (; at < len && is_digit(characters[at]); ++at) value = value * 10 + characters[at] - '0';
      sum += value;
    } else {
      ++at;
    }
  }
  return sum ^ words << 32 ^ longest << 56;
}
