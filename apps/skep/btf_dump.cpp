// SPDX-License-Identifier: Apache-2.0
#include "apps/skep/btf_dump.h"

#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/format.h"

namespace skep::cli {

namespace {

using btf::Type;
using btf::TypeId;
using btf::Types;

struct Field {
  std::string_view name;
  std::variant<std::uint64_t, std::int64_t, std::string_view> value;
};

// A type or a part of one; the same for text and JSON.
struct Row {
  std::vector<Field> fields;
  std::string_view list{};  // what its parts are called
  std::vector<Row> parts{};
};

std::string_view shown_name(const Types& types, std::uint32_t offset) {
  const std::string_view name = types.name_at(offset);
  return name.empty() ? "(anon)" : name;
}

std::string_view int_encoding(std::uint32_t word) {
  switch (abi::BTF_INT_ENCODING(word)) {
    case 0:
      return "(none)";
    case abi::BTF_INT_SIGNED:
      return "SIGNED";
    case abi::BTF_INT_CHAR:
      return "CHAR";
    case abi::BTF_INT_BOOL:
      return "BOOL";
    default:
      return "UNKN";
  }
}

// Of variables and of functions.
std::string_view linkage_name(std::uint32_t linkage) {
  switch (linkage) {
    case abi::BTF_FUNC_STATIC:
      return "static";
    case abi::BTF_FUNC_GLOBAL:
      return "global";
    case abi::BTF_FUNC_EXTERN:
      return "extern";
    default:
      return "(unknown)";
  }
}

std::uint64_t id(TypeId type) { return std::to_underlying(type); }

void add_members(Row& row, const Types& types, const Type& type) {
  row.list = "members";
  for (std::uint32_t i = 0; i < type.vlen; ++i) {
    const btf::Member member = member_of(type, i);
    Row part{.fields = {{"name", shown_name(types, member.name_offset)},
                        {"type_id", id(member.type)},
                        {"bits_offset", std::uint64_t{member.bit_offset}}}};
    if (member.bits != 0) part.fields.push_back({"bitfield_size", std::uint64_t{member.bits}});
    row.parts.push_back(std::move(part));
  }
}

void add_values(Row& row, const Types& types, const Type& type) {
  row.list = "values";
  for (std::uint32_t i = 0; i < type.vlen; ++i) {
    Row part;
    if (type.kind == abi::BTF_KIND_ENUM) {
      const abi::btf_enum one = type.enums()[i];
      const auto wide = std::int64_t{one.val};
      part.fields = {{"name", shown_name(types, one.name_off)}};
      if (type.kind_flag)
        part.fields.push_back({"val", wide});
      else
        part.fields.push_back({"val", std::uint64_t{static_cast<std::uint32_t>(one.val)}});
    } else {
      const abi::btf_enum64 one = type.enums64()[i];
      const std::uint64_t wide = std::uint64_t{one.val_hi32} << 32 | one.val_lo32;
      part.fields = {{"name", shown_name(types, one.name_off)}};
      if (type.kind_flag)
        part.fields.push_back({"val", static_cast<std::int64_t>(wide)});
      else
        part.fields.push_back({"val", wide});
    }
    row.parts.push_back(std::move(part));
  }
}

void add_params(Row& row, const Types& types, const Type& type) {
  row.list = "params";
  for (std::uint32_t i = 0; i < type.vlen; ++i) {
    const abi::btf_param param = type.params()[i];
    row.parts.push_back({.fields = {{"name", shown_name(types, param.name_off)},
                                    {"type_id", std::uint64_t{param.type}}}});
  }
}

void add_variables(Row& row, const Type& type) {
  row.list = "vars";
  for (std::uint32_t i = 0; i < type.vlen; ++i) {
    const abi::btf_var_secinfo one = type.variables()[i];
    row.parts.push_back({.fields = {{"type_id", std::uint64_t{one.type}},
                                    {"offset", std::uint64_t{one.offset}},
                                    {"size", std::uint64_t{one.size}}}});
  }
}

Row describe(const Types& types, std::uint32_t number) {
  const Type type = types.type(TypeId{number});
  Row row{.fields = {{"id", std::uint64_t{number}},
                     {"kind", btf::kind_name(type.kind)},
                     {"name", shown_name(types, type.name_offset)}}};
  auto& fields = row.fields;
  const auto add = [&](std::string_view name, std::uint64_t value) {
    fields.push_back({name, value});
  };
  switch (type.kind) {
    case abi::BTF_KIND_INT:
      add("size", type.size());
      add("bits_offset", abi::BTF_INT_OFFSET(type.int_word()));
      add("nr_bits", abi::BTF_INT_BITS(type.int_word()));
      fields.push_back({"encoding", int_encoding(type.int_word())});
      break;
    case abi::BTF_KIND_ARRAY:
      add("type_id", type.array().type);
      add("index_type_id", type.array().index_type);
      add("nr_elems", type.array().nelems);
      break;
    case abi::BTF_KIND_STRUCT:
    case abi::BTF_KIND_UNION:
      add("size", type.size());
      add("vlen", type.vlen);
      add_members(row, types, type);
      break;
    case abi::BTF_KIND_ENUM:
    case abi::BTF_KIND_ENUM64:
      fields.push_back({"encoding", std::string_view(type.kind_flag ? "SIGNED" : "UNSIGNED")});
      add("size", type.size());
      add("vlen", type.vlen);
      add_values(row, types, type);
      break;
    case abi::BTF_KIND_FWD:
      fields.push_back({"fwd_kind", std::string_view(type.kind_flag ? "union" : "struct")});
      break;
    case abi::BTF_KIND_FUNC:
      add("type_id", id(type.target()));
      fields.push_back({"linkage", linkage_name(type.vlen)});
      break;
    case abi::BTF_KIND_FUNC_PROTO:
      add("ret_type_id", id(type.target()));
      add("vlen", type.vlen);
      add_params(row, types, type);
      break;
    case abi::BTF_KIND_VAR:
      add("type_id", id(type.target()));
      fields.push_back({"linkage", linkage_name(type.var().linkage)});
      break;
    case abi::BTF_KIND_DATASEC:
      add("size", type.size());
      add("vlen", type.vlen);
      add_variables(row, type);
      break;
    case abi::BTF_KIND_FLOAT:
      add("size", type.size());
      break;
    case abi::BTF_KIND_DECL_TAG:
      add("type_id", id(type.target()));
      fields.push_back({"component_idx", std::int64_t{type.decl_tag().component_idx}});
      break;
    default:
      add("type_id", id(type.target()));
  }
  return row;
}

std::string value_text(const Field& field) {
  return std::visit([](const auto& value) { return text("{}", value); }, field.value);
}

void write_json(JsonWriter& writer, const Row& row) {
  writer.begin_object();
  for (const Field& field : row.fields)
    std::visit([&](const auto& value) { writer.member(field.name, value); }, field.value);
  if (!row.list.empty()) {
    writer.key(row.list);
    writer.begin_array();
    for (const Row& part : row.parts) write_json(writer, part);
    writer.end_array();
  }
  writer.end_object();
}

// "'name' a=1 b=2"; a part without a name begins with its first field.
void write_fields(std::string& out, std::span<const Field> fields, std::string_view between) {
  bool first = true;
  for (const Field& field : fields) {
    if (field.name == "name")
      append_text(out, "{}'{}'", first ? "" : " ", value_text(field));
    else
      append_text(out, "{}{}={}",
                  first                 ? ""
                  : out.ends_with('\'') ? " "
                                        : between,
                  field.name, value_text(field));
    first = false;
  }
}

void write_text(std::string& out, const Types& types, std::uint32_t number) {
  const Row row = describe(types, number);
  append_text(out, "[{}] {} ", number, value_text(row.fields[1]));
  const Type type = types.type(TypeId{number});
  const bool is_variable = type.kind == abi::BTF_KIND_VAR;
  write_fields(out, std::span(row.fields).subspan(2), is_variable ? ", " : " ");
  out += '\n';
  for (const Row& part : row.parts) {
    out += '\t';
    write_fields(out, part.fields, " ");
    if (type.kind == abi::BTF_KIND_ENUM64) out += type.kind_flag ? "LL" : "ULL";
    if (row.list == "vars") {
      const TypeId variable{
          static_cast<std::uint32_t>(std::get<std::uint64_t>(part.fields.front().value))};
      append_text(out, " ({} '{}')", btf::kind_name(types.type(variable).kind),
                  shown_name(types, types.type(variable).name_offset));
    }
    out += '\n';
  }
}

}  // namespace

std::string dump_text(const Types& types) {
  std::string out;
  for (std::uint32_t number = 1; number < types.count(); ++number) write_text(out, types, number);
  return out;
}

void dump_json(JsonWriter& writer, const Types& types) {
  writer.begin_object();
  writer.key("types");
  writer.begin_array();
  for (std::uint32_t number = 1; number < types.count(); ++number)
    write_json(writer, describe(types, number));
  writer.end_array();
  writer.end_object();
}

}  // namespace skep::cli
