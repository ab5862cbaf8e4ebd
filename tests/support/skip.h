// SPDX-License-Identifier: Apache-2.0
// A doctest case that cannot run here says so and returns: `return skip("no llvm-mc");`. The case
// is then counted as skipped, and the reason is printed as a line "skipped: <reason>".
#pragma once

#include <string_view>

namespace skep::test {

void skip(std::string_view why);

}  // namespace skep::test
