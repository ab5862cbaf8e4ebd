// SPDX-License-Identifier: Apache-2.0
#include "btf/kptr.h"

#include "btf/refuse.h"

namespace skep::btf {

using namespace abi;

namespace {

constexpr std::uint32_t kPointerBytes = 8;

struct TagRow {
  std::string_view tag;
  FieldKind kind;
};
constexpr TagRow kTags[] = {{"kptr_untrusted", FieldKind::kptr_untrusted},
                            {"kptr", FieldKind::kptr},
                            {"percpu_kptr", FieldKind::kptr_percpu},
                            {"uptr", FieldKind::uptr}};

const TagRow* find_tag(const Types& types, const Type& tag) {
  for (const TagRow& row : kTags)
    if (types.name_is(tag.name_offset, row.tag)) return &row;
  return nullptr;
}

}  // namespace

Result<std::optional<Field>> read_kptr(const Types& types, TypeId id, FieldKinds wanted) {
  Type pointer = types.type(id);
  if (pointer.kind == BTF_KIND_VOLATILE) pointer = types.type(pointer.target());
  if (pointer.kind != BTF_KIND_PTR) return std::nullopt;
  const Type tag = types.type(pointer.target());
  // kind_flag makes it an attribute of another sort.
  if (tag.kind != BTF_KIND_TYPE_TAG || tag.kind_flag) return std::nullopt;
  if (types.type(tag.target()).kind == BTF_KIND_TYPE_TAG)
    return refuse(EINVAL, "{}: two tags on one pointer", types.describe(id));
  const TagRow* row = find_tag(types, tag);
  if (row == nullptr)
    return refuse(EINVAL, "{}: {} on a pointer", types.describe(id),
                  types.describe(pointer.target()));
  if (!wanted.has(row->kind)) return std::nullopt;
  const TypeId target = types.skip_modifiers(tag.target());
  if (types.type(target).kind != BTF_KIND_STRUCT)
    return refuse(EINVAL, "{}: {} points to {}, not to a struct", types.describe(id), row->tag,
                  types.describe(target));
  return Field{.kind = row->kind, .size = kPointerBytes, .target = target};
}

}  // namespace skep::btf
