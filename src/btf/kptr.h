// SPDX-License-Identifier: Apache-2.0
// Pointers that a type tag makes special: kptr, kptr_untrusted, percpu_kptr, uptr.
#pragma once

#include <optional>

#include "btf/field.h"

namespace skep::btf {

// Reads the type of a variable or member: the kind of kptr that it is and the struct that it points
// to. Nothing when it is no tagged pointer or none of `wanted`; fails when the tag is unknown, not
// alone, or not on a pointer to a struct.
[[nodiscard]] Result<std::optional<Field>> read_kptr(const Types& types, TypeId id,
                                                     FieldKinds wanted);

}  // namespace skep::btf
