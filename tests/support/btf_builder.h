// SPDX-License-Identifier: Apache-2.0
// Makes the bytes of a BTF, right or wrong: nothing is checked. Ids count from 1 in the order of
// the calls.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "abi/btf.h"
#include "base/hex.h"

namespace skep::test {

struct MemberSpec {
  std::string_view name;
  std::uint32_t type;
  std::uint32_t bit_offset;
  std::uint32_t bits = 0;  // any but 0 sets the struct's kind_flag
};

struct VariableSpec {
  std::uint32_t type;
  std::uint32_t offset;
  std::uint32_t size;
};

struct ParamSpec {
  std::string_view name;
  std::uint32_t type;
};

class BtfBuilder {
 public:
  using Words = std::vector<std::uint32_t>;

  // Where the string is, which is added when it is not yet there.
  std::uint32_t string(std::string_view name);

  // Any record; `info` as abi::btf_info makes it.
  std::uint32_t add(std::string_view name, std::uint32_t info, std::uint32_t size_or_type,
                    const Words& tail = {});

  std::uint32_t integer(std::string_view name, std::uint32_t bytes, std::uint32_t encoding = 0);
  std::uint32_t pointer(std::uint32_t to);
  std::uint32_t array(std::uint32_t of, std::uint32_t index, std::uint32_t count);
  std::uint32_t structure(std::string_view name, std::uint32_t bytes,
                          std::initializer_list<MemberSpec> members = {},
                          abi::btf_kind kind = abi::BTF_KIND_STRUCT);
  std::uint32_t modifier(abi::btf_kind kind, std::uint32_t of, std::string_view name = {});
  std::uint32_t prototype(std::uint32_t returns, std::initializer_list<ParamSpec> params = {});
  std::uint32_t function(std::string_view name, std::uint32_t prototype, std::uint32_t linkage = 0);
  std::uint32_t variable(std::string_view name, std::uint32_t type, std::uint32_t linkage = 1);
  std::uint32_t section(std::string_view name, std::uint32_t bytes,
                        std::initializer_list<VariableSpec> variables);
  std::uint32_t tag(std::string_view value, std::uint32_t type, std::int32_t component = -1);

  // Changes what bytes() would say.
  abi::btf_header& header() { return header_; }
  Words& types() { return types_; }

  [[nodiscard]] Bytes bytes() const;

 private:
  // Lengths and places that are 0 here are filled in by bytes().
  abi::btf_header header_{.magic = abi::BTF_MAGIC,
                          .version = abi::BTF_VERSION,
                          .flags = 0,
                          .hdr_len = sizeof(abi::btf_header),
                          .type_off = 0,
                          .type_len = 0,
                          .str_off = 0,
                          .str_len = 0};
  Words types_;
  std::string strings_ = std::string(1, '\0');
  std::uint32_t last_ = 0;
};

// Right ones to begin with: one with every kind, one with every special field of objects.
[[nodiscard]] BtfBuilder every_kind();
[[nodiscard]] BtfBuilder every_object_field();

}  // namespace skep::test
