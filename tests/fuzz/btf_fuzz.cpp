// SPDX-License-Identifier: Apache-2.0
// Any bytes as BTF: read or refused with a reason; what is accepted can be walked in all its parts,
// and its structs searched for special fields.
#include <cstdlib>

#include "abi/limits.h"
#include "btf/btf.h"
#include "btf/fields.h"
#include "btf/map_types.h"
#include "btf/program_info.h"

namespace {

using namespace skep;
using namespace skep::btf;

void must(bool holds) {
  if (!holds) std::abort();
}

void walk_parts(const Btf& types, const Type& type) {
  if (is_composite(type.kind)) {
    for (std::uint32_t at = 0; at < type.vlen; ++at) {
      const Member member = member_of(type, at);
      const auto member_size = types.sized(member.type);
      must(member_size.has_value());
      must(member.bit_offset / 8 <= type.size());
      (void)types.name_at(member.name_offset);
    }
  }
  if (type.kind == abi::BTF_KIND_ARRAY) must(types.sized(TypeId{type.array().type}).has_value());
  if (type.kind == abi::BTF_KIND_VAR) must(types.sized(type.target()).has_value());
  if (type.kind == abi::BTF_KIND_FUNC)
    must(types.type(type.target()).kind == abi::BTF_KIND_FUNC_PROTO);
}

void walk(const Btf& types) {
  for (std::uint32_t number = 1; number < types.count(); ++number) {
    const TypeId id{number};
    const Type type = types.type(id);
    must(!types.describe(id).empty());
    must(!is_modifier(types.type(types.skip_modifiers(id)).kind));
    const auto sized = types.sized(id);
    if (sized) must(types.contains(sized->id));
    walk_parts(types, type);
    const auto fields = find_value_fields(types, {}, id, type.size());
    if (fields) must(fields->size() <= abi::BTF_FIELDS_MAX);
    (void)check_map_types(types, {},
                          {.type = abi::BPF_MAP_TYPE_HASH,
                           .key_bytes = 4,
                           .value_bytes = sized ? sized->bytes : 0,
                           .key = TypeId{1},
                           .value = id});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto types = Btf::read(bytes);
  if (!types) {
    must(types.error().sys != 0 && !types.error().what.empty());
    return 0;
  }
  walk(*types);
  const RecordTable table{.bytes = bytes, .record_bytes = 8, .count = 4};
  (void)read_func_info(*types, table);
  return 0;
}
