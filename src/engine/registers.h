// SPDX-License-Identifier: Apache-2.0
// Where the registers of a program live while the interpreter runs it, and how one handler, the
// code of an instruction, goes on to the next. A handler is a function that ends by jumping to
// another, and what it hands on is best kept in registers of the machine: r0 to r9, the place in
// the program and the Run are twelve values. The calling convention passes six of them; for the
// other six g++ gives up registers in the entire source file. So this file is included before all
// others, there only, and nothing but the handlers and their one caller changes those variables.
// Elsewhere (clang has no such registers) r0 to r9 live in the Run, which is slower and no
// different. g++ makes these calls jumps from -O2 on, see cmake/exceptions.cmake; clang promises
// it.
#pragma once

#if defined(__GNUC__) && !defined(__clang__) && (defined(__x86_64__) || defined(__aarch64__))
#define SKEP_MACHINE_REGISTERS
#endif

namespace skep::engine {

namespace {

struct Cell;
struct Run;

#if defined(SKEP_MACHINE_REGISTERS)

// Those that calls preserve, as helpers must leave them alone.
#if defined(__x86_64__)
#define SKEP_PRESERVED(a64, x86) asm(x86)
#else
#define SKEP_PRESERVED(a64, x86) asm(a64)
#endif
register const Cell* pc SKEP_PRESERVED("x19", "r12");
register unsigned long r0 SKEP_PRESERVED("x20", "rbp");
register unsigned long r6 SKEP_PRESERVED("x21", "rbx");
register unsigned long r7 SKEP_PRESERVED("x22", "r13");
register unsigned long r8 SKEP_PRESERVED("x23", "r14");
register unsigned long r9 SKEP_PRESERVED("x24", "r15");
#undef SKEP_PRESERVED

#define STATE                                                               \
  [[maybe_unused]] unsigned long r1, [[maybe_unused]] unsigned long r2,     \
      [[maybe_unused]] unsigned long r3, [[maybe_unused]] unsigned long r4, \
      [[maybe_unused]] unsigned long r5, [[maybe_unused]] Run *run
#define PASS_ON r1, r2, r3, r4, r5, run
#define GO_TO return

// By number, which is known when the handler is compiled.
#define READ(number)    \
  ((number) == 0   ? r0 \
   : (number) == 1 ? r1 \
   : (number) == 2 ? r2 \
   : (number) == 3 ? r3 \
   : (number) == 4 ? r4 \
   : (number) == 5 ? r5 \
   : (number) == 6 ? r6 \
   : (number) == 7 ? r7 \
   : (number) == 8 ? r8 \
   : (number) == 9 ? r9 \
                   : run->r[10])
#define WRITE(number, ...)                              \
  do {                                                  \
    const std::uint64_t written = (__VA_ARGS__);        \
    if constexpr ((number) == 0) r0 = written;          \
    if constexpr ((number) == 1) r1 = written;          \
    if constexpr ((number) == 2) r2 = written;          \
    if constexpr ((number) == 3) r3 = written;          \
    if constexpr ((number) == 4) r4 = written;          \
    if constexpr ((number) == 5) r5 = written;          \
    if constexpr ((number) == 6) r6 = written;          \
    if constexpr ((number) == 7) r7 = written;          \
    if constexpr ((number) == 8) r8 = written;          \
    if constexpr ((number) == 9) r9 = written;          \
    if constexpr ((number) == 10) run->r[10] = written; \
  } while (false)

// To the Run and back, for code that takes registers by numbers not known before.
#define TO_RUN() run->r = {r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, run->r[10]}
#define FROM_RUN()  \
  do {              \
    r0 = run->r[0]; \
    r1 = run->r[1]; \
    r2 = run->r[2]; \
    r3 = run->r[3]; \
    r4 = run->r[4]; \
    r5 = run->r[5]; \
    r6 = run->r[6]; \
    r7 = run->r[7]; \
    r8 = run->r[8]; \
    r9 = run->r[9]; \
  } while (false)

#else

#define STATE [[maybe_unused]] const Cell *pc, [[maybe_unused]] Run *run
#define PASS_ON pc, run
#if defined(__clang__)
#define GO_TO [[clang::musttail]] return
#else
#define GO_TO return
#endif
#define READ(number) run->r[number]
#define WRITE(number, ...) run->r[number] = (__VA_ARGS__)
#define TO_RUN() static_cast<void>(run)
#define FROM_RUN() static_cast<void>(run)

#endif

using Handler = void (*)(STATE);

}  // namespace

}  // namespace skep::engine
