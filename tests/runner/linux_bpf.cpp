// SPDX-License-Identifier: Apache-2.0
// The sources of tests/support are compiled into doctest programs alone.
#include "tests/support/linux_bpf.cpp"  // NOLINT(bugprone-suspicious-include)
