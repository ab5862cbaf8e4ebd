// SPDX-License-Identifier: Apache-2.0
#include "tests/support/btf_builder.h"

#include <algorithm>
#include <cstring>

namespace skep::test {

using namespace abi;

std::uint32_t BtfBuilder::string(std::string_view name) {
  if (name.empty()) return 0;
  const std::string wanted = std::string(1, '\0') + std::string(name) + '\0';
  const auto found = strings_.find(wanted);
  if (found != strings_.npos) return static_cast<std::uint32_t>(found + 1);
  const auto at = static_cast<std::uint32_t>(strings_.size());
  strings_ += wanted.substr(1);
  return at;
}

std::uint32_t BtfBuilder::add(std::string_view name, std::uint32_t info, std::uint32_t size_or_type,
                              const Words& tail) {
  types_.insert(types_.end(), {string(name), info, size_or_type});
  types_.insert(types_.end(), tail.begin(), tail.end());
  return ++last_;
}

std::uint32_t BtfBuilder::integer(std::string_view name, std::uint32_t bytes,
                                  std::uint32_t encoding) {
  return add(name, btf_info(BTF_KIND_INT, 0), bytes, {encoding << 24 | bytes * 8});
}

std::uint32_t BtfBuilder::pointer(std::uint32_t to) {
  return add({}, btf_info(BTF_KIND_PTR, 0), to);
}

std::uint32_t BtfBuilder::array(std::uint32_t of, std::uint32_t index, std::uint32_t count) {
  return add({}, btf_info(BTF_KIND_ARRAY, 0), 0, {of, index, count});
}

std::uint32_t BtfBuilder::structure(std::string_view name, std::uint32_t bytes,
                                    std::initializer_list<MemberSpec> members, btf_kind kind) {
  const bool has_bitfield =
      std::ranges::any_of(members, [](const MemberSpec& member) { return member.bits != 0; });
  Words tail;
  for (const MemberSpec& member : members)
    tail.insert(tail.end(),
                {string(member.name), member.type, member.bits << 24 | member.bit_offset});
  return add(name, btf_info(kind, static_cast<std::uint32_t>(members.size()), has_bitfield), bytes,
             tail);
}

std::uint32_t BtfBuilder::modifier(btf_kind kind, std::uint32_t of, std::string_view name) {
  return add(name, btf_info(kind, 0), of);
}

std::uint32_t BtfBuilder::prototype(std::uint32_t returns,
                                    std::initializer_list<ParamSpec> params) {
  Words tail;
  for (const ParamSpec& param : params) tail.insert(tail.end(), {string(param.name), param.type});
  return add({}, btf_info(BTF_KIND_FUNC_PROTO, static_cast<std::uint32_t>(params.size())), returns,
             tail);
}

std::uint32_t BtfBuilder::function(std::string_view name, std::uint32_t prototype,
                                   std::uint32_t linkage) {
  return add(name, btf_info(BTF_KIND_FUNC, linkage), prototype);
}

std::uint32_t BtfBuilder::variable(std::string_view name, std::uint32_t type,
                                   std::uint32_t linkage) {
  return add(name, btf_info(BTF_KIND_VAR, 0), type, {linkage});
}

std::uint32_t BtfBuilder::section(std::string_view name, std::uint32_t bytes,
                                  std::initializer_list<VariableSpec> variables) {
  Words tail;
  for (const VariableSpec& variable : variables)
    tail.insert(tail.end(), {variable.type, variable.offset, variable.size});
  return add(name, btf_info(BTF_KIND_DATASEC, static_cast<std::uint32_t>(variables.size())), bytes,
             tail);
}

std::uint32_t BtfBuilder::tag(std::string_view value, std::uint32_t type, std::int32_t component) {
  return add(value, btf_info(BTF_KIND_DECL_TAG, 0), type, {static_cast<std::uint32_t>(component)});
}

Bytes BtfBuilder::bytes() const {
  const auto type_bytes = static_cast<std::uint32_t>(types_.size() * sizeof(types_[0]));
  btf_header header = header_;
  if (header.type_len == 0) header.type_len = type_bytes;
  if (header.str_off == 0) header.str_off = type_bytes;
  if (header.str_len == 0) header.str_len = static_cast<std::uint32_t>(strings_.size());
  Bytes out(sizeof(header) + type_bytes + strings_.size());
  std::memcpy(out.data(), &header, sizeof(header));
  if (type_bytes != 0) std::memcpy(out.data() + sizeof(header), types_.data(), type_bytes);
  std::memcpy(out.data() + sizeof(header) + type_bytes, strings_.data(), strings_.size());
  return out;
}

BtfBuilder every_kind() {
  BtfBuilder btf;
  const auto i32 = btf.integer("int", 4, BTF_INT_SIGNED);
  const auto u64 = btf.integer("u64", 8);
  const auto text = btf.pointer(btf.modifier(BTF_KIND_CONST, btf.integer("char", 1, BTF_INT_CHAR)));
  const auto array = btf.array(i32, i32, 4);
  const auto wide = btf.modifier(BTF_KIND_TYPEDEF, u64, "wide_t");
  const auto number = btf.add("number", btf_info(BTF_KIND_FLOAT, 0), 8);
  const auto colour = btf.add("colour", btf_info(BTF_KIND_ENUM, 2), 4,
                              {btf.string("red"), 0, btf.string("green"), 1});
  const auto large = btf.add("large", btf_info(BTF_KIND_ENUM64, 1), 8, {btf.string("huge"), 1, 2});
  const auto forward = btf.add("later", btf_info(BTF_KIND_FWD, 0), 0);
  const auto either = btf.structure("either", 8, {{"a", i32, 0}, {"b", wide, 0}}, BTF_KIND_UNION);
  const auto pair =
      btf.structure("pair", 64,
                    {{"next", btf.pointer(btf.modifier(BTF_KIND_VOLATILE, forward)), 0},
                     {"numbers", array, 64},
                     {{}, either, 192},
                     {"share", number, 256},
                     {"colour", colour, 320},
                     {"name", text, 384},
                     {"large", large, 448}});
  btf.structure("flags", 8, {{"low", i32, 0, 3}, {"high", colour, 3, 5}, {"rest", i32, 32, 32}});
  btf.pointer(btf.modifier(BTF_KIND_TYPE_TAG, btf.modifier(BTF_KIND_RESTRICT, pair), "user"));
  const auto main = btf.prototype(i32, {{"first", btf.pointer(pair)}, {"second", wide}, {{}, 0}});
  const auto function = btf.function("main", main, BTF_FUNC_GLOBAL);
  const auto counter = btf.variable("counter", wide);
  const auto table = btf.variable("table", array, BTF_VAR_STATIC);
  btf.section(".data", 32, {{counter, 0, 8}, {table, 8, 16}});
  btf.tag("first of two", pair, 0);
  btf.tag("hot", function);
  btf.tag("arg", function, 1);
  btf.tag("kept", counter);
  return btf;
}

BtfBuilder every_object_field() {
  BtfBuilder btf;
  const auto u32 = btf.integer("u32", 4);
  const auto u64 = btf.integer("u64", 8);
  const auto opaque = [&](std::string_view name, std::uint32_t bytes) {
    return btf.structure(name, bytes, {{"opaque", bytes == 4 ? u32 : u64, 0}});
  };
  const auto lock = opaque("bpf_spin_lock", 4);
  const auto head = opaque("bpf_list_head", 16);
  const auto list_node = opaque("bpf_list_node", 24);
  const auto root = opaque("bpf_rb_root", 16);
  const auto rb_node = opaque("bpf_rb_node", 32);
  const auto refcount = opaque("bpf_refcount", 4);
  const auto leaf = btf.structure("leaf", 72,
                                  {{"in_list", list_node, 0},
                                   {"in_tree", rb_node, 192},
                                   {"count", refcount, 448},
                                   {"value", u64, 512}});
  const auto owned = btf.pointer(btf.modifier(BTF_KIND_TYPE_TAG, leaf, "kptr"));
  const auto seen = btf.pointer(btf.modifier(BTF_KIND_TYPE_TAG, leaf, "kptr_untrusted"));
  const auto inner = btf.structure("inner", 16, {{"seen", seen, 0}, {"x", u64, 64}});
  const auto outer = btf.structure("outer", 88,
                                   {{"lock", lock, 0},
                                    {"list", head, 64},
                                    {"tree", root, 192},
                                    {"owned", owned, 320},
                                    {"inner", btf.array(inner, u32, 2), 384},
                                    {"count", refcount, 640}});
  btf.tag("contains:leaf:in_list", outer, 1);
  btf.tag("contains:leaf:in_tree", outer, 2);
  opaque("bpf_timer", 16);
  opaque("bpf_wq", 16);
  return btf;
}

}  // namespace skep::test
