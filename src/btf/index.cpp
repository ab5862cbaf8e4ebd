// SPDX-License-Identifier: Apache-2.0
#include "btf/index.h"

#include <algorithm>
#include <tuple>

#include "btf/names.h"

namespace skep::btf {

using namespace abi;

NameIndex::NameIndex(const Types& types, btf_kind kind) {
  for (std::uint32_t id = 1; id < types.count(); ++id) {
    const Type type = types.type(TypeId{id});
    if (type.kind == kind)
      ids_.try_emplace(types.name_prefix(type.name_offset, kMaxNameBytes + 1), TypeId{id});
  }
}

TypeId NameIndex::find(std::string_view name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? kVoid : found->second;
}

namespace {

using Place = std::tuple<TypeId, std::int32_t>;

Place place_of(const Types& types, TypeId tag) {
  const Type type = types.type(tag);
  return {type.target(), type.decl_tag().component_idx};
}

}  // namespace

TagIndex::TagIndex(const Types& types, std::string_view prefix) {
  for (std::uint32_t id = 1; id < types.count(); ++id) {
    const Type type = types.type(TypeId{id});
    if (type.kind == BTF_KIND_DECL_TAG &&
        types.name_prefix(type.name_offset, prefix.size()) == prefix)
      tags_.push_back(TypeId{id});
  }
  std::ranges::sort(tags_, {}, [&](TypeId tag) { return std::tuple(place_of(types, tag), tag); });
}

std::span<const TypeId> TagIndex::on(const Types& types, TypeId type,
                                     std::int32_t component) const {
  const auto found = std::ranges::equal_range(tags_, Place{type, component}, {},
                                              [&](TypeId tag) { return place_of(types, tag); });
  return {found.begin(), found.end()};
}

}  // namespace skep::btf
