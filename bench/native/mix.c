// SPDX-License-Identifier: Apache-2.0
// Helper 1 for the native peers; bench/programs.cpp has the same for the engines.
unsigned long mix(unsigned long a, unsigned long b) { return (a ^ b) * 0x9e3779b97f4a7c15UL; }
