// SPDX-License-Identifier: Apache-2.0
// What stands inside objects that programs allocate, and in map values beside them: pointers to
// objects, lists and trees of objects. Whoever frees a thing frees what it owns first. The second
// argument of bpf_obj_new and its like is an ObjectType, which must live as long as its objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "machine/objects.h"

namespace skep::machine {

struct ObjectType;

struct ObjectField {
  enum class Kind : std::uint8_t { owned, owned_percpu, list, tree };
  Kind kind = Kind::owned;
  std::uint32_t offset = 0;
  const ObjectType* target = nullptr;  // of what it points to or contains
  std::uint32_t node_offset = 0;       // of the node inside what a list or tree contains
};

struct ObjectType {
  std::uint64_t bytes = 0;
  std::vector<ObjectField> fields;
};

// Drops one reference, and with the last one the object and what it owns. Null is fine.
void drop_object(Objects& objects, void* object, const ObjectType* type);
// Empties a field of a value or object, wherever it stands.
void drop_object_field(Objects& objects, const ObjectField& field, std::byte* at);

}  // namespace skep::machine
