// SPDX-License-Identifier: Apache-2.0
#include "btf/types.h"

#include <algorithm>
#include <cstring>

#include "base/position.h"

namespace skep::btf {

using namespace abi;

Member member_of(const Type& type, std::uint32_t at) {
  const btf_member record = type.members()[at];
  Member member{.name_offset = record.name_off,
                .type = TypeId{record.type},
                .bit_offset = record.offset,
                .bits = 0};
  if (type.kind_flag) {
    member.bit_offset = BTF_MEMBER_BIT_OFFSET(record.offset);
    member.bits = BTF_MEMBER_BITFIELD_SIZE(record.offset);
  }
  return member;
}

bool is_modifier(btf_kind kind) {
  return kind == BTF_KIND_TYPEDEF || kind == BTF_KIND_VOLATILE || kind == BTF_KIND_CONST ||
         kind == BTF_KIND_RESTRICT || kind == BTF_KIND_TYPE_TAG;
}

bool is_composite(btf_kind kind) { return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION; }

bool is_enum(btf_kind kind) { return kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64; }

bool has_own_size(btf_kind kind) {
  return is_composite(kind) || is_enum(kind) || kind == BTF_KIND_INT || kind == BTF_KIND_FLOAT ||
         kind == BTF_KIND_DATASEC;
}

bool has_no_size(btf_kind kind) {
  return kind == BTF_KIND_UNKN || kind == BTF_KIND_FWD || kind == BTF_KIND_FUNC ||
         kind == BTF_KIND_FUNC_PROTO || kind == BTF_KIND_DECL_TAG;
}

bool refers_only(btf_kind kind) {
  return kind == BTF_KIND_VAR || kind == BTF_KIND_DATASEC || kind == BTF_KIND_DECL_TAG;
}

std::string_view kind_name(btf_kind kind) {
  const BtfKind* row = find_btf_kind(kind);
  return row == nullptr ? "UNKNOWN" : row->name;
}

bool is_regular_int(const Type& type) {
  const std::uint32_t word = type.int_word();
  const std::uint32_t bits = BTF_INT_BITS(word);
  return BTF_INT_OFFSET(word) == 0 &&
         (bits == 8 || bits == 16 || bits == 32 || bits == 64 || bits == 128);
}

Type Types::type(TypeId id) const {
  if (id == kVoid || !contains(id)) return {};
  const std::byte* place = bytes_.data() + at_[std::to_underlying(id)];
  const auto record = load<btf_type>(place);
  return {.kind = static_cast<btf_kind>(BTF_INFO_KIND(record.info)),
          .kind_flag = BTF_INFO_KFLAG(record.info),
          .vlen = BTF_INFO_VLEN(record.info),
          .name_offset = record.name_off,
          .size_or_type = record.size,
          .tail = place + sizeof(record)};
}

std::string_view Types::name_at(std::uint32_t offset) const {
  return name_prefix(offset, string_bytes_);
}

std::string_view Types::name_prefix(std::uint32_t offset, std::size_t length) const {
  if (offset >= string_bytes_) return {};
  const auto* first = reinterpret_cast<const char*>(bytes_.data()) + strings_at_ + offset;
  return {first, ::strnlen(first, std::min<std::size_t>(length, string_bytes_ - offset))};
}

bool Types::name_is(std::uint32_t offset, std::string_view name) const {
  return name_prefix(offset, name.size() + 1) == name;
}

TypeId Types::skip_modifiers(TypeId id) const {
  for (std::uint32_t steps = 0; steps < count(); ++steps) {
    const Type here = type(id);
    if (!is_modifier(here.kind)) break;
    id = here.target();
  }
  return id;
}

TypeId Types::find(std::string_view name, btf_kind kind) const {
  for (std::uint32_t id = 1; id < count(); ++id) {
    const Type candidate = type(TypeId{id});
    if (candidate.kind == kind && name_is(candidate.name_offset, name)) return TypeId{id};
  }
  return kVoid;
}

std::string Types::describe(TypeId id) const {
  const Type described = type(id);
  const std::uint32_t number = std::to_underlying(id);
  if (described.name_offset == 0) return text("type {} ({})", number, kind_name(described.kind));
  return text("type {} ({} '{}')", number, kind_name(described.kind),
              printable(name_prefix(described.name_offset, 64)));
}

}  // namespace skep::btf
