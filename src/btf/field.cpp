// SPDX-License-Identifier: Apache-2.0
#include "btf/field.h"

#include <algorithm>

namespace skep::btf {

FieldKinds kinds_of(std::span<const Field> fields) {
  FieldKinds kinds;
  for (const Field& field : fields) kinds = kinds | field.kind;
  return kinds;
}

const Field* find_field(std::span<const Field> fields, FieldKind kind) {
  const auto found = std::ranges::find(fields, kind, &Field::kind);
  return found == fields.end() ? nullptr : &*found;
}

}  // namespace skep::btf
