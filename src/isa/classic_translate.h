// SPDX-License-Identifier: Apache-2.0
// Classic BPF to eBPF. A socket filter becomes a program of type BPF_PROG_TYPE_SOCKET_FILTER, with
// struct __sk_buff in r1; a seccomp filter gets struct seccomp_data in r1. A is r0, X is r7, M lies
// on the stack. The result has no instruction that cannot be reached, so Linux's verifier takes it.
#pragma once

#include "isa/classic_check.h"

namespace skep::isa {

[[nodiscard]] Program translate_classic(const ClassicFilter& filter);

}  // namespace skep::isa
