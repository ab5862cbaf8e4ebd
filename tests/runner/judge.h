// SPDX-License-Identifier: Apache-2.0
// Compares what was seen with what the case says; every difference is a line for people.
#pragma once

#include "tests/runner/run.h"

namespace skep::test {

using Differences = std::vector<std::string>;

void compare(const Case& given, const std::string& engine, const Observed& seen,
             Differences& differences);
void compare_linux(const Case& given, const LinuxObserved& seen, Differences& differences);

// The line of a verifier's log that says why.
[[nodiscard]] std::string reason_in(std::string_view log);

// What is printed assembles to the same bytes, in both dialects, with labels and without.
void compare_text(const isa::Program& program, Differences& differences);

}  // namespace skep::test
