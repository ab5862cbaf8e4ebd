// SPDX-License-Identifier: Apache-2.0
// Type tags stand outermost in a chain of modifiers, and chains are short.
#pragma once

#include "btf/types.h"

namespace skep::btf {

[[nodiscard]] Status check_type_tags(const Types& types);

}  // namespace skep::btf
