// SPDX-License-Identifier: Apache-2.0
#include "btf/btf.h"

#include <algorithm>

#include "btf/fields.h"
#include "btf/records.h"
#include "btf/tags.h"

namespace skep::btf {

Result<Types> Types::read_records(std::span<const std::byte> bytes) {
  const Layout layout = SKEP_TRY(read_layout(bytes));
  Types types;
  types.bytes_.assign(bytes.begin(), bytes.end());
  SKEP_TRY(RecordReader::read(types, layout));
  return types;
}

Result<Btf> Btf::read(std::span<const std::byte> bytes, const KernelTypes& kernel) {
  Types types = SKEP_TRY(read_records(bytes));
  Btf btf(std::move(types));
  btf.resolution_ = SKEP_TRY(Resolver(btf).run());
  SKEP_TRY(check_type_tags(btf));
  btf.objects_ = SKEP_TRY(find_objects(btf, kernel));
  for (const Object& object : btf.objects_) SKEP_TRY(check_ownership(btf, object.fields));
  return btf;
}

const Object* Btf::object(TypeId id) const {
  const auto found = std::ranges::lower_bound(objects_, id, {}, &Object::type);
  return found != objects_.end() && found->type == id ? &*found : nullptr;
}

}  // namespace skep::btf
