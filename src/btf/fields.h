// SPDX-License-Identifier: Apache-2.0
// Finds the special fields of a struct or of the variables of a section, with Linux's rules and
// errno. Time is bounded by the size of the BTF, however its structs are nested: each struct is
// looked through once.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "btf/btf.h"
#include "btf/field.h"
#include "btf/index.h"

namespace skep::btf {

// Points into the BTF. One search goes for one set of kinds.
class FieldFinder {
 public:
  FieldFinder(const Btf& btf, const KernelTypes& kernel, FieldKinds wanted);

  // The fields in a struct or section, of which there are `value_bytes`.
  [[nodiscard]] Result<Fields> find(TypeId type, std::uint32_t value_bytes);

 private:
  // A field on the way: a root's node is still a name.
  struct Found {
    Field field;
    std::string_view node_name;
  };
  struct Contents {
    std::vector<Found> fields;
    std::uint32_t levels = 0;  // of structs inside
  };
  // A variable or member, as far as finding fields goes.
  struct Part {
    TypeId tagged = kVoid;                      // the type that a tag on it names,
    std::int32_t component = TagIndex::kWhole;  // and the part of that type
    TypeId type = kVoid;
    std::uint32_t offset = 0;
    std::uint32_t expected_bytes = 0;  // 0: any
  };
  struct NamedMember {
    std::uint32_t at = 0;
    bool is_twice = false;
  };
  using MemberNames = std::unordered_map<std::string_view, NamedMember>;

  [[nodiscard]] Result<const Contents*> look_into(TypeId structure, std::uint32_t level);
  [[nodiscard]] Result<Contents> look_into_section(TypeId section);
  [[nodiscard]] Status add_part(const Part& part, std::uint32_t level, FieldKinds& seen,
                                Contents& out);
  [[nodiscard]] Status add_struct(TypeId structure, const Part& part, std::uint32_t count,
                                  std::uint32_t level, Contents& out);
  [[nodiscard]] Status add_field(FieldKind kind, TypeId type, const Part& part, std::uint32_t count,
                                 Contents& out);
  [[nodiscard]] Result<bool> is_field(const Part& part, TypeId type, Found& found) const;
  [[nodiscard]] Status read_root(const Part& part, Found& found) const;

  [[nodiscard]] Result<Fields> complete(const std::vector<Found>& found, std::uint32_t value_bytes);
  [[nodiscard]] Status complete_kptr(Field& field) const;
  [[nodiscard]] Status complete_root(Field& field, std::string_view node_name);
  [[nodiscard]] const MemberNames& member_names(TypeId structure);

  const Btf& btf_;
  const KernelTypes& kernel_;
  FieldKinds wanted_;
  NameIndex structs_;
  TagIndex contains_;
  std::unordered_map<TypeId, Contents> known_;
  std::unordered_map<TypeId, MemberNames> member_names_;
};

// What a map's value is searched for.
[[nodiscard]] Result<Fields> find_value_fields(const Btf& btf, const KernelTypes& kernel,
                                               TypeId value, std::uint32_t value_bytes);

// The structs that programs may allocate or that hold what they allocate; what Linux works out
// when a BTF is loaded, sorted by type.
[[nodiscard]] Result<std::vector<Object>> find_objects(const Btf& btf, const KernelTypes& kernel);

// Roots contain objects, no object may in the end own itself, and what a uptr points to fits a
// page. For map values too.
[[nodiscard]] Status check_ownership(const Btf& btf, const Fields& fields);

}  // namespace skep::btf
