// SPDX-License-Identifier: Apache-2.0
#include "btf/fields.h"

#include <algorithm>

#include "abi/limits.h"
#include "abi/value_fields.h"
#include "btf/kptr.h"
#include "btf/names.h"
#include "btf/refuse.h"

namespace skep::btf {

using namespace abi;

namespace {

constexpr std::uint32_t kMaxLevels = 32;  // of arrays of arrays, and of structs in structs
constexpr std::string_view kContains = "contains:";

// Kinds that are known by the name of their struct.
struct StructRow {
  FieldKind kind;
  OpaqueType type;
  bool is_single;  // one in a struct at most
};
consteval StructRow row(FieldKind kind, bool is_single) {
  return {kind, *find_value_field(field_kind_name(kind)), is_single};
}
constexpr StructRow kStructs[] = {
    row(FieldKind::spin_lock, true),  row(FieldKind::res_spin_lock, true),
    row(FieldKind::timer, true),      row(FieldKind::workqueue, true),
    row(FieldKind::task_work, true),  row(FieldKind::list_head, false),
    row(FieldKind::list_node, false), row(FieldKind::rb_root, false),
    row(FieldKind::rb_node, false),   row(FieldKind::refcount, false)};
static_assert(std::size(kStructs) == std::size(kValueFields), "a special field has no row");
constexpr StructRow kPointerRow = {FieldKind::kptr, {"", 8, 8}, false};

// What may stand in an array.
constexpr FieldKinds kRepeatable = kKptrs | kRoots | FieldKind::uptr;

const StructRow& row_of(FieldKind kind) {
  for (const StructRow& row : kStructs)
    if (row.kind == kind) return row;
  return kPointerRow;
}

const StructRow* find_row(const Types& types, const Type& type, FieldKinds wanted) {
  if (types.name_prefix(type.name_offset, 4) != "bpf_") return nullptr;
  for (const StructRow& row : kStructs)
    if (wanted.has(row.kind) && types.name_is(type.name_offset, row.type.name)) return &row;
  return nullptr;
}

}  // namespace

FieldFinder::FieldFinder(const Btf& btf, const KernelTypes& kernel, FieldKinds wanted)
    : btf_(btf),
      kernel_(kernel),
      wanted_(wanted),
      structs_(btf, BTF_KIND_STRUCT),
      contains_(btf, kContains) {}

Result<Fields> FieldFinder::find(TypeId type, std::uint32_t value_bytes) {
  const btf_kind kind = btf_.type(type).kind;
  if (kind == BTF_KIND_STRUCT) {
    const Contents* contents = SKEP_TRY(look_into(type, 0));
    return complete(contents->fields, value_bytes);
  }
  if (kind == BTF_KIND_DATASEC) {
    const Contents contents = SKEP_TRY(look_into_section(type));
    return complete(contents.fields, value_bytes);
  }
  return refuse(EINVAL, "{}: has no members", btf_.describe(type));
}

Result<const FieldFinder::Contents*> FieldFinder::look_into(TypeId structure, std::uint32_t level) {
  if (const auto known = known_.find(structure); known != known_.end()) {
    if (level + known->second.levels >= kMaxLevels)
      return refuse(E2BIG, "{}: structs nested deeper than {}", btf_.describe(structure),
                    kMaxLevels);
    return &known->second;
  }
  const Type type = btf_.type(structure);
  Contents contents;
  FieldKinds seen;
  for (std::uint32_t at = 0; at < type.vlen; ++at) {
    const Member member = member_of(type, at);
    if (member.bit_offset % 8 != 0)
      return refuse(EINVAL, "{}: member {} at bit {}", btf_.describe(structure), at,
                    member.bit_offset);
    SKEP_TRY(add_part({.tagged = structure,
                       .component = static_cast<std::int32_t>(at),
                       .type = member.type,
                       .offset = member.bit_offset / 8},
                      level, seen, contents));
  }
  return &known_.try_emplace(structure, std::move(contents)).first->second;
}

Result<FieldFinder::Contents> FieldFinder::look_into_section(TypeId section) {
  const Type type = btf_.type(section);
  Contents contents;
  FieldKinds seen;
  for (std::uint32_t at = 0; at < type.vlen; ++at) {
    const btf_var_secinfo record = type.variables()[at];
    const TypeId var{record.type};
    SKEP_TRY(add_part({.tagged = var,
                       .type = btf_.type(var).target(),
                       .offset = record.offset,
                       .expected_bytes = record.size},
                      0, seen, contents));
  }
  return contents;
}

Status FieldFinder::add_part(const Part& part, std::uint32_t level, FieldKinds& seen,
                             Contents& out) {
  TypeId id = part.type;
  Type type = btf_.type(id);
  std::uint32_t count = 1;
  std::uint32_t dimensions = 0;
  for (; dimensions < kMaxLevels && type.kind == BTF_KIND_ARRAY; ++dimensions) {
    const btf_array array = type.array();
    count *= array.nelems;
    id = TypeId{array.type};
    type = btf_.type(id);
  }
  if (dimensions == kMaxLevels)
    return refuse(E2BIG, "{}: an array of {} dimensions", btf_.describe(part.type), dimensions);
  if (count == 0) return {};

  if (const StructRow* row = find_row(btf_, type, wanted_)) {
    if (row->is_single && seen.has(row->kind))
      return refuse(E2BIG, "{}: a second {}", btf_.describe(part.tagged), row->type.name);
    if (row->is_single) seen = seen | row->kind;
    return add_field(row->kind, id, part, count, out);
  }
  if (type.kind == BTF_KIND_STRUCT) {
    if (part.expected_bytes != 0 && part.expected_bytes != type.size() * count) return {};
    return add_struct(id, part, count, level, out);
  }
  if (!wanted_.has_any(kKptrs | FieldKind::uptr)) return {};
  return add_field(FieldKind::kptr, id, part, count, out);
}

namespace {

template <class Found>
Status repeat(std::vector<Found>& out, std::size_t first, std::uint32_t count,
              std::uint32_t stride) {
  const std::size_t each = out.size() - first;
  for (std::size_t at = first; at < out.size(); ++at)
    if (!kRepeatable.has(out[at].field.kind))
      return refuse(EINVAL, "an array of {}", field_kind_name(out[at].field.kind));
  if (std::uint64_t{each} * count > BTF_FIELDS_MAX - first)
    return refuse(E2BIG, "more than {} fields", BTF_FIELDS_MAX);
  for (std::uint32_t round = 1; round < count; ++round)
    for (std::size_t at = 0; at < each; ++at) {
      Found copy = out[first + at];
      copy.field.offset += round * stride;
      out.push_back(copy);
    }
  return {};
}

}  // namespace

Status FieldFinder::add_struct(TypeId structure, const Part& part, std::uint32_t count,
                               std::uint32_t level, Contents& out) {
  if (level + 1 >= kMaxLevels)
    return refuse(E2BIG, "{}: structs nested deeper than {}", btf_.describe(structure), kMaxLevels);
  const Contents* inside = SKEP_TRY(look_into(structure, level + 1));
  out.levels = std::max(out.levels, inside->levels + 1);
  const std::size_t first = out.fields.size();
  if (inside->fields.empty()) return {};
  if (inside->fields.size() > BTF_FIELDS_MAX - first)
    return refuse(E2BIG, "{}: more than {} fields", btf_.describe(part.tagged), BTF_FIELDS_MAX);
  for (Found found : inside->fields) {
    found.field.offset += part.offset;
    out.fields.push_back(found);
  }
  if (count == 1) return {};
  return in(btf_.describe(part.tagged),
            repeat(out.fields, first, count, btf_.type(structure).size()));
}

Status FieldFinder::add_field(FieldKind kind, TypeId type, const Part& part, std::uint32_t count,
                              Contents& out) {
  const StructRow& row = row_of(kind);
  if (part.expected_bytes != 0 && part.expected_bytes != row.type.bytes * count) return {};
  if (part.offset % row.type.alignment != 0) return {};
  Found found{.field = {.kind = kind, .offset = part.offset, .size = row.type.bytes},
              .node_name = {}};
  const bool is_one = SKEP_TRY(is_field(part, type, found));
  if (!is_one) return {};
  const std::size_t first = out.fields.size();
  if (first == BTF_FIELDS_MAX)
    return refuse(E2BIG, "{}: more than {} fields", btf_.describe(part.tagged), BTF_FIELDS_MAX);
  out.fields.push_back(found);
  if (count == 1) return {};
  return in(btf_.describe(part.tagged), repeat(out.fields, first, count, row.type.bytes));
}

Result<bool> FieldFinder::is_field(const Part& part, TypeId type, Found& found) const {
  if (found.field.kind == FieldKind::kptr) {
    const auto read = SKEP_TRY(read_kptr(btf_, type, wanted_));
    if (!read) return false;
    found.field.kind = read->kind;
    found.field.target = read->target;
    return true;
  }
  const Type structure = btf_.type(type);
  if (structure.kind != BTF_KIND_STRUCT || structure.size() != found.field.size) return false;
  if (kRoots.has(found.field.kind)) SKEP_TRY(read_root(part, found));
  return true;
}

// "contains:STRUCT:NODE" on the root.
Status FieldFinder::read_root(const Part& part, Found& found) const {
  const auto tags = contains_.on(btf_, part.tagged, part.component);
  if (tags.size() != 1)
    return refuse(EINVAL, "{}: {} 'contains:' tags on a {}", btf_.describe(part.tagged),
                  tags.size(), field_kind_name(found.field.kind));
  const std::uint32_t offset =
      btf_.type(tags.front()).name_offset + static_cast<std::uint32_t>(kContains.size());
  std::string_view value = btf_.name_prefix(offset, kMaxNameBytes + 1);
  std::size_t colon = value.find(':');
  // As long as no name can be; whether a colon comes at all decides the errno.
  if (colon == value.npos && value.size() > kMaxNameBytes) {
    value = btf_.name_at(offset);
    colon = value.find(':');
  }
  if (colon == value.npos)
    return refuse(EINVAL, "{}: does not say which member", btf_.describe(tags.front()));
  const TypeId target = structs_.find(value.substr(0, colon));
  if (target == kVoid) return refuse(ENOENT, "{}: no such struct", btf_.describe(tags.front()));
  found.node_name =
      btf_.name_prefix(offset + static_cast<std::uint32_t>(colon) + 1, kMaxNameBytes + 1);
  if (found.node_name.empty())
    return refuse(EINVAL, "{}: does not say which member", btf_.describe(tags.front()));
  found.field.target = target;
  return {};
}

Result<Fields> FieldFinder::complete(const std::vector<Found>& found, std::uint32_t value_bytes) {
  Fields fields;
  std::uint32_t end = 0;
  for (const Found& each : found) {
    Field field = each.field;
    if (std::uint64_t{field.offset} + field.size > value_bytes)
      return refuse(EFAULT, "{} at {} of {} bytes", field_kind_name(field.kind), field.offset,
                    value_bytes);
    if (field.offset < end)
      return refuse(EEXIST, "{} at {} overlaps the field in front of it, which ends at {}",
                    field_kind_name(field.kind), field.offset, end);
    end = field.offset + field.size;
    if (kRoots.has(field.kind)) SKEP_TRY(complete_root(field, each.node_name));
    if ((kKptrs | FieldKind::uptr).has(field.kind)) SKEP_TRY(complete_kptr(field));
    fields.push_back(field);
  }
  const FieldKinds kinds = kinds_of(fields);
  if (kinds.has(FieldKind::spin_lock) && kinds.has(FieldKind::res_spin_lock))
    return refuse(EINVAL, "bpf_spin_lock and bpf_res_spin_lock together");
  if (kinds.has_any(kRoots) && !kinds.has_any(kLocks))
    return refuse(EINVAL, "a list head or tree root without a lock beside it");
  if (kinds.has(FieldKind::list_node) && kinds.has(FieldKind::rb_node) &&
      !kinds.has(FieldKind::refcount))
    return refuse(EINVAL, "nodes of a list and of a tree without a bpf_refcount");
  return fields;
}

Status FieldFinder::complete_kptr(Field& field) const {
  const Type target = btf_.type(field.target);
  if (kernel_.structs == nullptr || target.name_offset == 0) return {};
  const std::string_view name = btf_.name(field.target);
  const TypeId kernels = kernel_.structs->find(name);
  if (kernels == kVoid) return {};
  if (field.kind == FieldKind::kptr &&
      std::ranges::find(kernel_.releasable, name) == kernel_.releasable.end())
    return refuse(ENOENT, "kptr to struct {}, which the kernel cannot release", name);
  field.target = kernels;
  field.in_kernel = true;
  return {};
}

const FieldFinder::MemberNames& FieldFinder::member_names(TypeId structure) {
  const auto [place, is_new] = member_names_.try_emplace(structure);
  if (!is_new) return place->second;
  const Type type = btf_.type(structure);
  for (std::uint32_t at = 0; at < type.vlen; ++at) {
    const auto [member, is_first] = place->second.try_emplace(
        btf_.name_prefix(member_of(type, at).name_offset, kMaxNameBytes + 1),
        NamedMember{.at = at});
    if (!is_first) member->second.is_twice = true;
  }
  return place->second;
}

Status FieldFinder::complete_root(Field& field, std::string_view node_name) {
  const auto& names = member_names(field.target);
  const auto found = names.find(node_name);
  if (found == names.end())
    return refuse(ENOENT, "{}: no member {}", btf_.describe(field.target), node_name);
  if (found->second.is_twice)
    return refuse(EINVAL, "{}: two members {}", btf_.describe(field.target), node_name);
  const FieldKind node_kind =
      field.kind == FieldKind::list_head ? FieldKind::list_node : FieldKind::rb_node;
  const StructRow& row = row_of(node_kind);
  const Member member = member_of(btf_.type(field.target), found->second.at);
  const Type node = btf_.type(member.type);
  if (node.kind != BTF_KIND_STRUCT || !btf_.name_is(node.name_offset, row.type.name))
    return refuse(EINVAL, "{}: {} is {}, not {}", btf_.describe(field.target), node_name,
                  btf_.describe(member.type), row.type.name);
  if (member.bit_offset % (row.type.alignment * 8) != 0)
    return refuse(EINVAL, "{}: {} at bit {}", btf_.describe(field.target), node_name,
                  member.bit_offset);
  field.node_offset = member.bit_offset / 8;
  return {};
}

}  // namespace skep::btf
