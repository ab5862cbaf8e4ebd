// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <optional>

#include "btf/fields.h"
#include "btf/kptr.h"
#include "btf/refuse.h"

namespace skep::btf {

using namespace abi;

namespace {

constexpr std::uint32_t kPageBytes = 4096;

constexpr FieldKinds kValueKinds = kKptrs | kRoots | kLocks | FieldKind::timer |
                                   FieldKind::workqueue | FieldKind::refcount | FieldKind::uptr |
                                   FieldKind::task_work;
constexpr FieldKinds kObjectKinds = kKptrs | kRoots | kNodes | kLocks | FieldKind::refcount;

// A member of one of these types makes its struct an object.
constexpr std::string_view kMarks[] = {"bpf_spin_lock", "bpf_list_head", "bpf_list_node",
                                       "bpf_rb_root",   "bpf_rb_node",   "bpf_refcount"};

// By type id; empty when no type is a mark. Of several structs by one name the first counts.
std::vector<bool> marks_of(const Types& types) {
  std::vector<bool> marks;
  std::array<bool, std::size(kMarks)> seen{};
  for (std::uint32_t id = 1; id < types.count(); ++id) {
    const Type type = types.type(TypeId{id});
    bool is_mark = false;
    if (type.kind == BTF_KIND_STRUCT) {
      for (std::size_t row = 0; row < std::size(kMarks); ++row) {
        if (seen[row] || !types.name_is(type.name_offset, kMarks[row])) continue;
        seen[row] = true;
        is_mark = true;
      }
    } else if (type.kind == BTF_KIND_PTR || type.kind == BTF_KIND_VOLATILE) {
      const auto kptr = read_kptr(types, TypeId{id}, kKptrs);
      is_mark = kptr && kptr->has_value();
    }
    if (!is_mark) continue;
    if (marks.empty()) marks.resize(types.count());
    marks[id] = true;
  }
  return marks;
}

bool has_mark(const Type& type, const std::vector<bool>& marks) {
  for (std::uint32_t at = 0; at < type.vlen; ++at)
    if (marks[std::to_underlying(member_of(type, at).type)]) return true;
  return false;
}

Status check_uptr(const Btf& btf, const Field& field) {
  if (field.in_kernel) return refuse(EINVAL, "uptr at {} to a struct of the kernel", field.offset);
  const std::uint32_t bytes = btf.type(field.target).size();
  if (bytes == 0) return refuse(EINVAL, "uptr at {} to a struct of 0 bytes", field.offset);
  if (bytes > kPageBytes)
    return refuse(E2BIG, "uptr at {} to a struct of {} bytes, more than a page", field.offset,
                  bytes);
  return {};
}

}  // namespace

Result<std::vector<Object>> find_objects(const Btf& btf, const KernelTypes& kernel) {
  std::vector<Object> objects;
  const std::vector<bool> marks = marks_of(btf);
  if (marks.empty()) return objects;
  FieldFinder finder(btf, kernel, kObjectKinds);
  for (std::uint32_t id = 1; id < btf.count(); ++id) {
    const Type type = btf.type(TypeId{id});
    if (type.kind != BTF_KIND_STRUCT || !has_mark(type, marks)) continue;
    Fields fields = SKEP_TRY(in(btf.describe(TypeId{id}), finder.find(TypeId{id}, type.size())));
    if (fields.empty())
      return refuse(EFAULT, "{}: has the type of a special field, which is none for its place",
                    btf.describe(TypeId{id}));
    objects.push_back({.type = TypeId{id}, .fields = std::move(fields)});
  }
  return objects;
}

Result<Fields> find_value_fields(const Btf& btf, const KernelTypes& kernel, TypeId value,
                                 std::uint32_t value_bytes) {
  return FieldFinder(btf, kernel, kValueKinds).find(value, value_bytes);
}

// An object that is itself in a list or tree contains no object that owns others: so no chain of
// owners closes.
Status check_ownership(const Btf& btf, const Fields& fields) {
  const FieldKinds kinds = kinds_of(fields);
  for (const Field& field : fields) {
    if (field.kind == FieldKind::uptr) SKEP_TRY(check_uptr(btf, field));
    if (!kRoots.has(field.kind)) continue;
    const Object* contained = btf.object(field.target);
    if (contained == nullptr)
      return refuse(EFAULT, "{}: is contained and is no object", btf.describe(field.target));
    if (kinds.has_any(kNodes) && kinds_of(contained->fields).has_any(kRoots))
      return refuse(ELOOP, "{}: owns objects, and so does what contains it",
                    btf.describe(field.target));
  }
  return {};
}

}  // namespace skep::btf
