// SPDX-License-Identifier: Apache-2.0
// SipHash-2-4 over whole words with a fixed key: adds, rotations, exclusive ors.
#include "program.h"

struct State {
  u64 a, b, c, d;
};

static inline u64 rotate(u64 value, u64 by) { return value << by | value >> (64 - by); }

static inline void mix_round(struct State* s) {
  s->a += s->b;
  s->b = rotate(s->b, 13) ^ s->a;
  s->a = rotate(s->a, 32);
  s->c += s->d;
  s->d = rotate(s->d, 16) ^ s->c;
  s->a += s->d;
  s->d = rotate(s->d, 21) ^ s->a;
  s->c += s->b;
  s->b = rotate(s->b, 17) ^ s->c;
  s->c = rotate(s->c, 32);
}

static inline void take(struct State* s, u64 word) {
  s->d ^= word;
  mix_round(s);
  mix_round(s);
  s->a ^= word;
}

unsigned long prog(void* mem, unsigned long len) {
  const u64* words = mem;
  struct State s = {0x736f6d6570736575 ^ 7, 0x646f72616e646f6d ^ 9, 0x6c7967656e657261 ^ 7,
                    0x7465646279746573 ^ 9};
  for (u64 i = 0; i < len / 8; ++i) take(&s, words[i]);
  take(&s, len << 56);
  s.c ^= 0xff;
  for (u64 i = 0; i < 4; ++i) mix_round(&s);
  return s.a ^ s.b ^ s.c ^ s.d;
}
