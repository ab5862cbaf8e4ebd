// SPDX-License-Identifier: Apache-2.0
// What every measured program includes. A file defines `prog` first and its static functions after
// it, uses no data of its own but the buffer and the stack, and does the same work on each run. The
// buffer is 64 KiB of noise; a program that changes it must not depend on what it left there.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

unsigned long prog(void* mem, unsigned long len);

#define CALLED static __attribute__((noinline))

// Helper 1 of the bench: natively a function of another file, so that both sides make a real call.
#ifdef __bpf__
static unsigned long (*const mix)(unsigned long, unsigned long) = (void*)1;
#else
unsigned long mix(unsigned long a, unsigned long b);
#endif
