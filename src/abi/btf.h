// SPDX-License-Identifier: Apache-2.0
// BTF as bytes: the sections .BTF and .BTF.ext as Linux and the compilers write them. Every record
// is made of 32-bit words in the byte order of the header's magic; a type record is followed at
// once by what its kind asks for. Plain data; reading it safely is the work of src/btf.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "abi/name_table.h"
#include "abi/system_macros.h"

namespace skep::abi {

// NOLINTBEGIN(readability-identifier-naming): names of the kernel's interface

inline constexpr std::uint16_t BTF_MAGIC = 0xeb9f;
inline constexpr std::uint8_t BTF_VERSION = 1;

inline constexpr std::uint32_t BTF_MAX_TYPE = 0x000f'ffff;
inline constexpr std::uint32_t BTF_MAX_NAME_OFFSET = 0x00ff'ffff;
inline constexpr std::uint32_t BTF_MAX_VLEN = 0xffff;

struct btf_header {
  std::uint16_t magic;
  std::uint8_t version;
  std::uint8_t flags;
  std::uint32_t hdr_len;
  // Offsets count from the end of the header, that is from hdr_len.
  std::uint32_t type_off;
  std::uint32_t type_len;
  std::uint32_t str_off;
  std::uint32_t str_len;
};
static_assert(sizeof(btf_header) == 24);

struct btf_type {
  std::uint32_t name_off;
  // bits 0-15 vlen, 24-28 kind, 31 kind_flag; the others are zero
  std::uint32_t info;
  union {
    std::uint32_t size;
    std::uint32_t type;
  };
};
static_assert(sizeof(btf_type) == 12);

enum btf_kind : std::uint32_t {
  BTF_KIND_UNKN = 0,
  BTF_KIND_INT = 1,
  BTF_KIND_PTR = 2,
  BTF_KIND_ARRAY = 3,
  BTF_KIND_STRUCT = 4,
  BTF_KIND_UNION = 5,
  BTF_KIND_ENUM = 6,
  BTF_KIND_FWD = 7,
  BTF_KIND_TYPEDEF = 8,
  BTF_KIND_VOLATILE = 9,
  BTF_KIND_CONST = 10,
  BTF_KIND_RESTRICT = 11,
  BTF_KIND_FUNC = 12,
  BTF_KIND_FUNC_PROTO = 13,
  BTF_KIND_VAR = 14,
  BTF_KIND_DATASEC = 15,
  BTF_KIND_FLOAT = 16,
  BTF_KIND_DECL_TAG = 17,
  BTF_KIND_TYPE_TAG = 18,
  BTF_KIND_ENUM64 = 19,
  NR_BTF_KINDS,
  BTF_KIND_MAX = NR_BTF_KINDS - 1,
};

[[nodiscard]] constexpr std::uint32_t BTF_INFO_KIND(std::uint32_t info) {
  return (info >> 24) & 0x1f;
}
[[nodiscard]] constexpr std::uint32_t BTF_INFO_VLEN(std::uint32_t info) { return info & 0xffff; }
[[nodiscard]] constexpr bool BTF_INFO_KFLAG(std::uint32_t info) { return (info >> 31) != 0; }
// What of `info` must be zero.
inline constexpr std::uint32_t BTF_INFO_RESERVED = ~0x9f00'ffffU;

[[nodiscard]] constexpr std::uint32_t btf_info(std::uint32_t kind, std::uint32_t vlen,
                                               bool kind_flag = false) {
  return (kind_flag ? 1U << 31 : 0U) | (kind & 0x1f) << 24 | (vlen & 0xffff);
}

// BTF_KIND_INT is followed by one word: bits 0-7 width, 16-23 bit offset, 24-27 encoding.
[[nodiscard]] constexpr std::uint32_t BTF_INT_ENCODING(std::uint32_t word) {
  return (word >> 24) & 0xf;
}
[[nodiscard]] constexpr std::uint32_t BTF_INT_OFFSET(std::uint32_t word) {
  return (word >> 16) & 0xff;
}
[[nodiscard]] constexpr std::uint32_t BTF_INT_BITS(std::uint32_t word) { return word & 0xff; }
inline constexpr std::uint32_t BTF_INT_RESERVED = ~0x0fff'ffffU;
inline constexpr std::uint32_t BTF_INT_SIGNED = 1U << 0;
inline constexpr std::uint32_t BTF_INT_CHAR = 1U << 1;
inline constexpr std::uint32_t BTF_INT_BOOL = 1U << 2;

struct btf_array {
  std::uint32_t type;
  std::uint32_t index_type;
  std::uint32_t nelems;
};
static_assert(sizeof(btf_array) == 12);

// kind_flag of the struct: `offset` holds the bit offset below 24 bits and the bitfield's width
// above; otherwise it is the bit offset.
struct btf_member {
  std::uint32_t name_off;
  std::uint32_t type;
  std::uint32_t offset;
};
static_assert(sizeof(btf_member) == 12);

[[nodiscard]] constexpr std::uint32_t BTF_MEMBER_BITFIELD_SIZE(std::uint32_t offset) {
  return offset >> 24;
}
[[nodiscard]] constexpr std::uint32_t BTF_MEMBER_BIT_OFFSET(std::uint32_t offset) {
  return offset & 0xff'ffff;
}

struct btf_enum {
  std::uint32_t name_off;
  std::int32_t val;
};
static_assert(sizeof(btf_enum) == 8);

struct btf_enum64 {
  std::uint32_t name_off;
  std::uint32_t val_lo32;
  std::uint32_t val_hi32;
};
static_assert(sizeof(btf_enum64) == 12);

struct btf_param {
  std::uint32_t name_off;
  std::uint32_t type;
};
static_assert(sizeof(btf_param) == 8);

struct btf_var {
  std::uint32_t linkage;
};
static_assert(sizeof(btf_var) == 4);

enum : std::uint32_t {
  BTF_VAR_STATIC = 0,
  BTF_VAR_GLOBAL_ALLOCATED = 1,
  BTF_VAR_GLOBAL_EXTERN = 2,
};

// BTF_KIND_FUNC keeps its linkage in vlen.
enum btf_func_linkage : std::uint32_t {
  BTF_FUNC_STATIC = 0,
  BTF_FUNC_GLOBAL = 1,
  BTF_FUNC_EXTERN = 2,
};

struct btf_var_secinfo {
  std::uint32_t type;
  std::uint32_t offset;
  std::uint32_t size;
};
static_assert(sizeof(btf_var_secinfo) == 12);

struct btf_decl_tag {
  // -1: the tag is of the declaration itself, else of this member or parameter
  std::int32_t component_idx;
};
static_assert(sizeof(btf_decl_tag) == 4);

// .BTF.ext. Each of its three parts is a record size, then for each ELF section a btf_ext_info_sec
// followed by its records. Offsets count from hdr_len.
struct btf_ext_header {
  std::uint16_t magic;
  std::uint8_t version;
  std::uint8_t flags;
  std::uint32_t hdr_len;
  std::uint32_t func_info_off;
  std::uint32_t func_info_len;
  std::uint32_t line_info_off;
  std::uint32_t line_info_len;
  // absent when hdr_len is 24
  std::uint32_t core_relo_off;
  std::uint32_t core_relo_len;
};
static_assert(sizeof(btf_ext_header) == 32);
inline constexpr std::uint32_t kBtfExtHeaderWithoutCore = offsetof(btf_ext_header, core_relo_off);

struct btf_ext_info_sec {
  std::uint32_t sec_name_off;
  std::uint32_t num_info;
};
static_assert(sizeof(btf_ext_info_sec) == 8);

// In .BTF.ext insn_off counts bytes; in bpf(2) it counts 8-byte slots.
struct bpf_func_info {
  std::uint32_t insn_off;
  std::uint32_t type_id;
};
static_assert(sizeof(bpf_func_info) == 8);

struct bpf_line_info {
  std::uint32_t insn_off;
  std::uint32_t file_name_off;
  std::uint32_t line_off;
  // bits 10-31 line, 0-9 column
  std::uint32_t line_col;
};
static_assert(sizeof(bpf_line_info) == 16);

[[nodiscard]] constexpr std::uint32_t BPF_LINE_INFO_LINE_NUM(std::uint32_t line_col) {
  return line_col >> 10;
}
[[nodiscard]] constexpr std::uint32_t BPF_LINE_INFO_LINE_COL(std::uint32_t line_col) {
  return line_col & 0x3ff;
}

enum bpf_core_relo_kind : std::uint32_t {
  BPF_CORE_FIELD_BYTE_OFFSET = 0,
  BPF_CORE_FIELD_BYTE_SIZE = 1,
  BPF_CORE_FIELD_EXISTS = 2,
  BPF_CORE_FIELD_SIGNED = 3,
  BPF_CORE_FIELD_LSHIFT_U64 = 4,
  BPF_CORE_FIELD_RSHIFT_U64 = 5,
  BPF_CORE_TYPE_ID_LOCAL = 6,
  BPF_CORE_TYPE_ID_TARGET = 7,
  BPF_CORE_TYPE_EXISTS = 8,
  BPF_CORE_TYPE_SIZE = 9,
  BPF_CORE_ENUMVAL_EXISTS = 10,
  BPF_CORE_ENUMVAL_VALUE = 11,
  BPF_CORE_TYPE_MATCHES = 12,
};

struct bpf_core_relo {
  std::uint32_t insn_off;
  std::uint32_t type_id;
  std::uint32_t access_str_off;
  std::uint32_t kind;
};
static_assert(sizeof(bpf_core_relo) == 16);

// NOLINTEND(readability-identifier-naming)

struct BtfKind {
  btf_kind number;
  std::string_view name;
};

// Names as bpftool prints them.
inline constexpr auto kBtfKinds = std::to_array<BtfKind>({
    {BTF_KIND_UNKN, "UNKNOWN"},      {BTF_KIND_INT, "INT"},
    {BTF_KIND_PTR, "PTR"},           {BTF_KIND_ARRAY, "ARRAY"},
    {BTF_KIND_STRUCT, "STRUCT"},     {BTF_KIND_UNION, "UNION"},
    {BTF_KIND_ENUM, "ENUM"},         {BTF_KIND_FWD, "FWD"},
    {BTF_KIND_TYPEDEF, "TYPEDEF"},   {BTF_KIND_VOLATILE, "VOLATILE"},
    {BTF_KIND_CONST, "CONST"},       {BTF_KIND_RESTRICT, "RESTRICT"},
    {BTF_KIND_FUNC, "FUNC"},         {BTF_KIND_FUNC_PROTO, "FUNC_PROTO"},
    {BTF_KIND_VAR, "VAR"},           {BTF_KIND_DATASEC, "DATASEC"},
    {BTF_KIND_FLOAT, "FLOAT"},       {BTF_KIND_DECL_TAG, "DECL_TAG"},
    {BTF_KIND_TYPE_TAG, "TYPE_TAG"}, {BTF_KIND_ENUM64, "ENUM64"},
});
static_assert(is_dense(kBtfKinds, NR_BTF_KINDS), "a BTF kind has no row");

[[nodiscard]] constexpr const BtfKind* find_btf_kind(std::uint64_t number) {
  return row_by_number(kBtfKinds, number);
}
[[nodiscard]] constexpr const BtfKind* find_btf_kind(std::string_view name) {
  return row_by_name(kBtfKinds, name);
}

}  // namespace skep::abi
