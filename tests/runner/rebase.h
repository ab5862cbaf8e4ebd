// SPDX-License-Identifier: Apache-2.0
// Writes what was seen into a case as its expectation.
#pragma once

#include "tests/runner/judge.h"

namespace skep::test {

// What each engine saw; fails where they disagree on a case that has one expectation for all.
[[nodiscard]] Status rebase(Case& given, const std::map<std::string, Observed>& seen);
void rebase_linux(Case& given, const LinuxObserved& seen);

}  // namespace skep::test
