// SPDX-License-Identifier: Apache-2.0
// One BTF for each rule of BPF_BTF_LOAD, with the errno that follows from it: the unit test reads
// them, the oracle asks Linux.
#pragma once

#include <string_view>
#include <vector>

#include "base/hex.h"

namespace skep::test {

struct BtfCase {
  std::string_view rule;
  int sys = 0;  // 0: accepted
  Bytes bytes;
};

[[nodiscard]] std::vector<BtfCase> btf_cases();

}  // namespace skep::test
