// SPDX-License-Identifier: Apache-2.0
// The types of one BTF as a table: records by id, their parts and their names, decoded from the
// bytes when asked for. Types owns the bytes; a Type and the names point into them and stay valid
// when the Types moves. Ids and offsets may come from anybody: what does not exist is void or "".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi/btf.h"
#include "base/cursor.h"
#include "base/hex.h"

namespace skep::btf {

enum class TypeId : std::uint32_t {};
inline constexpr TypeId kVoid{0};

// The records that follow a type, one after the other, at any alignment.
template <class Record>
class Records {
 public:
  Records() = default;
  Records(const std::byte* first, std::uint32_t count) : first_(first), count_(count) {}

  [[nodiscard]] std::uint32_t size() const { return count_; }
  [[nodiscard]] Record operator[](std::uint32_t at) const {
    SKEP_ASSERT(at < count_);
    return load<Record>(first_ + std::size_t{at} * sizeof(Record));
  }

 private:
  const std::byte* first_ = nullptr;
  std::uint32_t count_ = 0;
};

struct Type {
  abi::btf_kind kind = abi::BTF_KIND_UNKN;  // which is void
  bool kind_flag = false;
  std::uint32_t vlen = 0;
  std::uint32_t name_offset = 0;
  std::uint32_t size_or_type = 0;
  const std::byte* tail = nullptr;

  [[nodiscard]] TypeId target() const { return TypeId{size_or_type}; }
  [[nodiscard]] std::uint32_t size() const { return size_or_type; }

  // Each is for its kind alone.
  [[nodiscard]] std::uint32_t int_word() const { return load<std::uint32_t>(tail); }
  [[nodiscard]] abi::btf_array array() const { return load<abi::btf_array>(tail); }
  [[nodiscard]] abi::btf_var var() const { return load<abi::btf_var>(tail); }
  [[nodiscard]] abi::btf_decl_tag decl_tag() const { return load<abi::btf_decl_tag>(tail); }
  [[nodiscard]] Records<abi::btf_enum> enums() const { return {tail, vlen}; }
  [[nodiscard]] Records<abi::btf_enum64> enums64() const { return {tail, vlen}; }
  [[nodiscard]] Records<abi::btf_param> params() const { return {tail, vlen}; }
  [[nodiscard]] Records<abi::btf_var_secinfo> variables() const { return {tail, vlen}; }
  [[nodiscard]] Records<abi::btf_member> members() const { return {tail, vlen}; }
};

// A member of a struct or union, with what its kind_flag means sorted out.
struct Member {
  std::uint32_t name_offset = 0;
  TypeId type = kVoid;
  std::uint32_t bit_offset = 0;
  std::uint32_t bits = 0;  // of a bitfield declared by kind_flag, else 0
};

[[nodiscard]] Member member_of(const Type& type, std::uint32_t at);

// Families of kinds.
[[nodiscard]] bool is_modifier(abi::btf_kind kind);  // typedef, const, volatile, restrict, type tag
[[nodiscard]] bool is_composite(abi::btf_kind kind);  // struct, union
[[nodiscard]] bool is_enum(abi::btf_kind kind);       // enum, enum64
[[nodiscard]] bool has_own_size(abi::btf_kind kind);  // the record says the size
[[nodiscard]] bool has_no_size(abi::btf_kind kind);   // void, fwd, func, func_proto, decl tag
[[nodiscard]] bool refers_only(
    abi::btf_kind kind);  // var, datasec, decl tag: no type is made of it
[[nodiscard]] std::string_view kind_name(abi::btf_kind kind);

// An integer of 1, 2, 4, 8 or 16 whole bytes.
[[nodiscard]] bool is_regular_int(const Type& type);

class Types {
 public:
  // Void included, so that ids are below it.
  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(at_.size()); }
  [[nodiscard]] bool contains(TypeId id) const { return std::to_underlying(id) < count(); }
  [[nodiscard]] Type type(TypeId id) const;

  // Up to the NUL. What a tag says may be as long as the section: prefer starts_with for those.
  [[nodiscard]] std::string_view name_at(std::uint32_t offset) const;
  [[nodiscard]] std::string_view name(TypeId id) const { return name_at(type(id).name_offset); }
  // The name's first characters, at most `length` of them.
  [[nodiscard]] std::string_view name_prefix(std::uint32_t offset, std::size_t length) const;
  [[nodiscard]] bool name_is(std::uint32_t offset, std::string_view name) const;

  // The type below typedefs, qualifiers and tags.
  [[nodiscard]] TypeId skip_modifiers(TypeId id) const;

  // The first by that name, kVoid when there is none. Walks all types; see Index.
  [[nodiscard]] TypeId find(std::string_view name, abi::btf_kind kind) const;

  // "struct foo" or "int (anonymous)", for messages.
  [[nodiscard]] std::string describe(TypeId id) const;

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::uint32_t string_bytes() const { return string_bytes_; }

 protected:
  // Reads header and records and checks each record by itself; references are not looked at.
  [[nodiscard]] static Result<Types> read_records(std::span<const std::byte> bytes);

 private:
  friend class RecordReader;

  Bytes bytes_;
  std::uint32_t strings_at_ = 0;
  std::uint32_t string_bytes_ = 0;
  std::vector<std::uint32_t> at_ = {0};  // where in the bytes each type is; not used for void
};

}  // namespace skep::btf
