// SPDX-License-Identifier: Apache-2.0
#include "tests/support/btf_cases.h"

#include <cerrno>
#include <span>
#include <string>

#include "abi/limits.h"
#include "tests/support/btf_builder.h"

namespace skep::test {

using namespace abi;

namespace {

struct Row {
  std::string_view rule;
  int sys;
  void (*build)(BtfBuilder& btf);  // int is type 1, u64 type 2
};

std::uint32_t info(btf_kind kind, std::uint32_t vlen = 0, bool flag = false) {
  return btf_info(kind, vlen, flag);
}

constexpr Row kHeader[] = {
    {"magic", EINVAL, [](BtfBuilder& b) { b.header().magic = 0xeb9e; }},
    {"other byte order", EINVAL, [](BtfBuilder& b) { b.header().magic = 0x9feb; }},
    {"version", ENOTSUPP, [](BtfBuilder& b) { b.header().version = 2; }},
    {"flags", ENOTSUPP, [](BtfBuilder& b) { b.header().flags = 1; }},
    {"short header", EINVAL, [](BtfBuilder& b) { b.header().hdr_len = 20; }},
    {"header says more", E2BIG, [](BtfBuilder& b) { b.header().hdr_len = 28; }},
    {"header beyond the end", EINVAL, [](BtfBuilder& b) { b.header().hdr_len = 1 << 20; }},
    {"types elsewhere", EINVAL, [](BtfBuilder& b) { b.header().type_off = 4; }},
    {"types too long", EINVAL, [](BtfBuilder& b) { b.header().type_len = 1 << 20; }},
    {"types too short", EINVAL, [](BtfBuilder& b) { b.header().type_len = 16; }},
    {"strings too short", EINVAL, [](BtfBuilder& b) { b.header().str_len = 1; }},
    {"strings too long", EINVAL, [](BtfBuilder& b) { b.header().str_len = 1 << 20; }},
    {"gap", EINVAL, [](BtfBuilder& b) { b.header().str_off = 44; }},
};

constexpr Row kRecords[] = {
    {"every rule kept", 0, [](BtfBuilder&) {}},
    {"unknown bits in info", EINVAL, [](BtfBuilder& b) { b.add({}, 1U << 16 | 2U << 24, 1); }},
    {"kind 0", EINVAL, [](BtfBuilder& b) { b.add({}, 0, 0); }},
    {"kind 20", EINVAL, [](BtfBuilder& b) { b.add({}, 20U << 24, 0); }},
    {"name outside", EINVAL,
     [](BtfBuilder& b) {
       b.pointer(1);
       b.types()[b.types().size() - 3] = 0x1000;
     }},
    {"record cut", EINVAL, [](BtfBuilder& b) { b.add("x", info(BTF_KIND_INT), 4); }},
    {"int with vlen", EINVAL, [](BtfBuilder& b) { b.add("x", info(BTF_KIND_INT, 1), 4, {32}); }},
    {"int with flag", EINVAL,
     [](BtfBuilder& b) { b.add("x", info(BTF_KIND_INT, 0, true), 4, {32}); }},
    {"int wider than it is", EINVAL,
     [](BtfBuilder& b) { b.add("x", info(BTF_KIND_INT), 4, {33}); }},
    {"int of 136 bits", EINVAL, [](BtfBuilder& b) { b.add("x", info(BTF_KIND_INT), 32, {136}); }},
    {"int of two encodings", ENOTSUPP, [](BtfBuilder& b) { b.integer("x", 4, 3); }},
    {"int of unknown encoding", ENOTSUPP, [](BtfBuilder& b) { b.integer("x", 4, 8); }},
    {"int with reserved bits", EINVAL, [](BtfBuilder& b) { b.integer("x", 4, 16); }},
    {"int with bits that mean nothing", 0,
     [](BtfBuilder& b) { b.add("x", info(BTF_KIND_INT), 4, {0xff20}); }},
    {"int without a name", 0, [](BtfBuilder& b) { b.integer({}, 4); }},
    {"pointer with a name", EINVAL, [](BtfBuilder& b) { b.add("p", info(BTF_KIND_PTR), 1); }},
    {"pointer to a large id", EINVAL, [](BtfBuilder& b) { b.pointer(1 << 20); }},
    {"pointer to nothing", EINVAL, [](BtfBuilder& b) { b.pointer(9); }},
    {"pointer to void", 0, [](BtfBuilder& b) { b.pointer(0); }},
    {"array with a size", EINVAL,
     [](BtfBuilder& b) { b.add({}, info(BTF_KIND_ARRAY), 4, {1, 1, 1}); }},
    {"array of void", EINVAL, [](BtfBuilder& b) { b.array(0, 1, 1); }},
    {"array without an index", EINVAL, [](BtfBuilder& b) { b.array(1, 0, 1); }},
    {"struct called with a space", EINVAL, [](BtfBuilder& b) { b.structure("a b", 4); }},
    {"struct called with a dot", 0, [](BtfBuilder& b) { b.structure(".a.b", 4); }},
    {"struct called in Latin-1", 0, [](BtfBuilder& b) { b.structure("\xe4\xff", 4); }},
    {"struct called by a times sign", EINVAL, [](BtfBuilder& b) { b.structure("\xd7", 4); }},
    {"name of 512", 0, [](BtfBuilder& b) { b.structure(std::string(512, 'a'), 4); }},
    {"name of 513", EINVAL, [](BtfBuilder& b) { b.structure(std::string(513, 'a'), 4); }},
    {"member of void", EINVAL, [](BtfBuilder& b) { b.structure("s", 4, {{"a", 0, 0}}); }},
    {"member called 1", EINVAL, [](BtfBuilder& b) { b.structure("s", 4, {{"1", 1, 0}}); }},
    {"members not in order", EINVAL,
     [](BtfBuilder& b) { b.structure("s", 8, {{"a", 1, 32}, {"b", 1, 0}}); }},
    {"member behind the struct", EINVAL,
     [](BtfBuilder& b) { b.structure("s", 8, {{"a", 1, 72}}); }},
    {"union member not at 0", EINVAL,
     [](BtfBuilder& b) { b.structure("u", 8, {{"a", 1, 32}}, BTF_KIND_UNION); }},
    {"enum of 3 bytes", EINVAL, [](BtfBuilder& b) { b.add("e", info(BTF_KIND_ENUM), 3); }},
    {"enum of 16 bytes", EINVAL, [](BtfBuilder& b) { b.add("e", info(BTF_KIND_ENUM), 16); }},
    {"enum value without a name", EINVAL,
     [](BtfBuilder& b) { b.add("e", info(BTF_KIND_ENUM, 1), 4, {0, 1}); }},
    {"enum64 value without a name", EINVAL,
     [](BtfBuilder& b) { b.add("e", info(BTF_KIND_ENUM64, 1), 8, {0, 1, 1}); }},
    {"fwd without a name", EINVAL, [](BtfBuilder& b) { b.add({}, info(BTF_KIND_FWD), 0); }},
    {"fwd to a type", EINVAL, [](BtfBuilder& b) { b.add("f", info(BTF_KIND_FWD), 1); }},
    {"typedef without a name", EINVAL, [](BtfBuilder& b) { b.modifier(BTF_KIND_TYPEDEF, 1); }},
    {"const with a name", EINVAL, [](BtfBuilder& b) { b.modifier(BTF_KIND_CONST, 1, "c"); }},
    {"type tag without a text", EINVAL, [](BtfBuilder& b) { b.modifier(BTF_KIND_TYPE_TAG, 1); }},
    {"type tag with a flag", 0,
     [](BtfBuilder& b) { b.add("a b", info(BTF_KIND_TYPE_TAG, 0, true), 1); }},
    {"function of linkage 3", EINVAL, [](BtfBuilder& b) { b.function("f", b.prototype(1), 3); }},
    {"prototype with a name", EINVAL,
     [](BtfBuilder& b) { b.add("p", info(BTF_KIND_FUNC_PROTO), 1); }},
    {"variable of void", EINVAL, [](BtfBuilder& b) { b.variable("v", 0); }},
    {"variable of linkage extern", EINVAL, [](BtfBuilder& b) { b.variable("v", 1, 2); }},
    {"section of 0 bytes", EINVAL, [](BtfBuilder& b) { b.section(".d", 0, {}); }},
    {"section with a space", 0, [](BtfBuilder& b) { b.section("a b", 4, {}); }},
    {"section with a tab", EINVAL, [](BtfBuilder& b) { b.section("a\tb", 4, {}); }},
    {"variable behind its section", EINVAL,
     [](BtfBuilder& b) { b.section(".d", 4, {{b.variable("v", 1), 4, 4}}); }},
    {"variable of 0 bytes", EINVAL,
     [](BtfBuilder& b) { b.section(".d", 4, {{b.variable("v", 1), 0, 0}}); }},
    {"float of 3 bytes", EINVAL, [](BtfBuilder& b) { b.add("f", info(BTF_KIND_FLOAT), 3); }},
    {"float of 12 bytes", 0, [](BtfBuilder& b) { b.add("f", info(BTF_KIND_FLOAT), 12); }},
    {"decl tag on part -2", EINVAL, [](BtfBuilder& b) { b.tag("t", 1, -2); }},
};

constexpr Row kReferences[] = {
    {"const of itself", EEXIST, [](BtfBuilder& b) { b.modifier(BTF_KIND_CONST, 3); }},
    {"struct in itself", EEXIST, [](BtfBuilder& b) { b.structure("s", 8, {{"s", 3, 0}}); }},
    {"struct with a pointer to itself", 0,
     [](BtfBuilder& b) {
       b.structure("s", 8, {{"s", 4, 0}});
       b.pointer(3);
     }},
    {"32 modifiers from the front", 0,
     [](BtfBuilder& b) {
       for (std::uint32_t i = 0; i < 32; ++i) b.modifier(BTF_KIND_CONST, 4 + i);
       b.integer("last", 4);
     }},
    {"33 modifiers from the front", E2BIG,
     [](BtfBuilder& b) {
       for (std::uint32_t i = 0; i < 33; ++i) b.modifier(BTF_KIND_CONST, 4 + i);
       b.integer("last", 4);
     }},
    {"34 modifiers from behind", 0,
     [](BtfBuilder& b) {
       for (std::uint32_t i = 0; i < 33; ++i) b.modifier(BTF_KIND_CONST, i == 0 ? 1 : 2 + i);
       b.modifier(BTF_KIND_CONST, 35);
     }},
    {"tag behind const", EINVAL,
     [](BtfBuilder& b) { b.modifier(BTF_KIND_CONST, b.modifier(BTF_KIND_TYPE_TAG, 1, "t")); }},
    {"index that is no integer", EINVAL,
     [](BtfBuilder& b) { b.array(1, b.add("f", info(BTF_KIND_FLOAT), 4), 1); }},
    {"array of 4 GB", EINVAL, [](BtfBuilder& b) { b.array(1, 1, 1U << 30); }},
    {"array of nearly 4 GB", 0, [](BtfBuilder& b) { b.array(1, 1, (1U << 30) - 1); }},
    {"array of bits", EINVAL,
     [](BtfBuilder& b) { b.array(b.add("x", info(BTF_KIND_INT), 4, {7}), 1, 1); }},
    {"variable of a forward", EINVAL,
     [](BtfBuilder& b) { b.variable("v", b.add("f", info(BTF_KIND_FWD), 0)); }},
    {"section of types", EINVAL, [](BtfBuilder& b) { b.section(".d", 4, {{1, 0, 4}}); }},
    {"variable larger than its place", EINVAL,
     [](BtfBuilder& b) { b.section(".d", 4, {{b.variable("v", 2), 0, 4}}); }},
    {"member larger than the struct", EINVAL,
     [](BtfBuilder& b) { b.structure("s", 7, {{"a", 2, 0}}); }},
    {"member of a function", EINVAL,
     [](BtfBuilder& b) { b.structure("s", 8, {{"a", b.prototype(1), 0}}); }},
    {"bitfield of 33 bits", EINVAL, [](BtfBuilder& b) { b.structure("s", 8, {{"a", 1, 0, 33}}); }},
    {"bitfield of a pointer", EINVAL,
     [](BtfBuilder& b) { b.structure("s", 8, {{"a", b.pointer(1), 0, 3}}); }},
    {"float at 4 of 8", EINVAL,
     [](BtfBuilder& b) { b.structure("s", 16, {{"a", b.add("f", info(BTF_KIND_FLOAT), 8), 32}}); }},
    {"function of an int", EINVAL, [](BtfBuilder& b) { b.function("f", 1); }},
    {"argument without a name", EINVAL,
     [](BtfBuilder& b) { b.function("f", b.prototype(0, {{{}, 1}})); }},
    {"argument of void", EINVAL, [](BtfBuilder& b) { b.prototype(0, {{"a", 0}, {"b", 1}}); }},
    {"varargs with a name", EINVAL, [](BtfBuilder& b) { b.prototype(0, {{"a", 1}, {"b", 0}}); }},
    {"decl tag on an int", EINVAL, [](BtfBuilder& b) { b.tag("t", 1); }},
    {"decl tag on member 1 of 1", EINVAL,
     [](BtfBuilder& b) { b.tag("t", b.structure("s", 4, {{"a", 1, 0}}), 1); }},
    {"decl tag on a part of a variable", EINVAL,
     [](BtfBuilder& b) { b.tag("t", b.variable("v", 1), 0); }},
};

std::uint32_t head_of(BtfBuilder& b, std::string_view contains) {
  const auto lock = b.structure("bpf_spin_lock", 4, {{"x", 1, 0}});
  const auto head = b.structure("bpf_list_head", 16, {{"x", 2, 0}});
  const auto node = b.structure("bpf_list_node", 24, {{"x", 2, 0}});
  b.structure("item", 24, {{"node", node, 0}});
  const auto list = b.structure("list", 24, {{"lock", lock, 0}, {"head", head, 64}});
  if (!contains.empty()) b.tag(contains, list, 1);
  return list;
}

std::uint32_t kptr(BtfBuilder& b, std::uint32_t to) {
  return b.pointer(b.modifier(BTF_KIND_TYPE_TAG, to, "kptr"));
}

constexpr Row kFields[] = {
    {"list", 0, [](BtfBuilder& b) { head_of(b, "contains:item:node"); }},
    {"list of nothing said", EINVAL, [](BtfBuilder& b) { head_of(b, ""); }},
    {"list of nothing known", ENOENT, [](BtfBuilder& b) { head_of(b, "contains:other:node"); }},
    {"list by no member", ENOENT, [](BtfBuilder& b) { head_of(b, "contains:item:other"); }},
    {"list by an unnamed member", EINVAL, [](BtfBuilder& b) { head_of(b, "contains:item:"); }},
    {"list without a colon", EINVAL, [](BtfBuilder& b) { head_of(b, "contains:item"); }},
    {"list without a colon, long", EINVAL,
     [](BtfBuilder& b) { head_of(b, "contains:" + std::string(600, 'a')); }},
    {"list with a late colon", ENOENT,
     [](BtfBuilder& b) { head_of(b, "contains:" + std::string(600, 'a') + ":b"); }},
    {"list said twice", EINVAL,
     [](BtfBuilder& b) { b.tag("contains:item:x", head_of(b, "contains:item:node"), 1); }},
    {"two locks", E2BIG,
     [](BtfBuilder& b) {
       const auto lock = b.structure("bpf_spin_lock", 4, {{"x", 1, 0}});
       b.structure("s", 8, {{"a", lock, 0}, {"b", lock, 32}});
     }},
    {"lock between bytes of 4", EFAULT,
     [](BtfBuilder& b) {
       const auto lock = b.structure("bpf_spin_lock", 4, {{"x", 1, 0}});
       b.structure("s", 8, {{"a", lock, 8}});
     }},
    {"lock of 8 bytes", EFAULT,
     [](BtfBuilder& b) {
       const auto lock = b.structure("bpf_spin_lock", 8, {{"x", 1, 0}});
       b.structure("s", 8, {{"a", lock, 0}});
     }},
    {"lock and a bitfield", EINVAL,
     [](BtfBuilder& b) {
       const auto lock = b.structure("bpf_spin_lock", 4, {{"x", 1, 0}});
       b.structure("s", 8, {{"a", lock, 0}, {"b", 1, 33, 3}});
     }},
    {"node of a list and of a tree", EINVAL,
     [](BtfBuilder& b) {
       const auto list = b.structure("bpf_list_node", 24, {{"x", 2, 0}});
       const auto tree = b.structure("bpf_rb_node", 32, {{"x", 2, 0}});
       b.structure("s", 56, {{"a", list, 0}, {"b", tree, 192}});
     }},
    {"11 kptrs", 0,
     [](BtfBuilder& b) {
       b.structure(
           "s", 88,
           {{"a", b.array(kptr(b, b.structure("t", 8)), 1, 10), 0}, {"b", kptr(b, 5), 640}});
     }},
    {"12 kptrs", E2BIG,
     [](BtfBuilder& b) {
       b.structure(
           "s", 96,
           {{"a", b.array(kptr(b, b.structure("t", 8)), 1, 11), 0}, {"b", kptr(b, 3), 704}});
     }},
    {"two kptrs at one place", EEXIST,
     [](BtfBuilder& b) {
       const auto pointer = kptr(b, b.structure("t", 8));
       b.structure("s", 8, {{"a", pointer, 0}, {"b", pointer, 0}});
     }},
    {"kptr beside one with two tags", EINVAL,
     [](BtfBuilder& b) {
       const auto good = kptr(b, b.structure("t", 8));
       b.structure("s", 16,
                   {{"a", good, 0}, {"b", kptr(b, b.modifier(BTF_KIND_TYPE_TAG, 3, "kptr")), 64}});
     }},
    {"kptr beside one to an int", EINVAL,
     [](BtfBuilder& b) {
       const auto good = kptr(b, b.structure("t", 8));
       b.structure("s", 16, {{"a", good, 0}, {"b", kptr(b, 1), 64}});
     }},
};

void append(std::vector<BtfCase>& cases, std::span<const Row> rows) {
  for (const Row& row : rows) {
    BtfBuilder btf;
    btf.integer("int", 4, BTF_INT_SIGNED);
    btf.integer("u64", 8);
    row.build(btf);
    cases.push_back({row.rule, row.sys, btf.bytes()});
  }
}

}  // namespace

std::vector<BtfCase> btf_cases() {
  std::vector<BtfCase> cases;
  append(cases, kHeader);
  append(cases, kRecords);
  append(cases, kReferences);
  append(cases, kFields);
  cases.push_back({"every kind", 0, every_kind().bytes()});
  cases.push_back({"every object field", 0, every_object_field().bytes()});
  cases.push_back({"nothing", EINVAL, {}});
  cases.push_back({"no strings", EINVAL, Bytes(24)});
  cases.push_back({"16 MB and more", E2BIG, Bytes((16U << 20) + 1)});
  return cases;
}

}  // namespace skep::test
