// SPDX-License-Identifier: Apache-2.0
// The first pass over a BTF's types: each record by itself, without the types that it refers to.
#pragma once

#include <cstdint>

#include "btf/header.h"
#include "btf/types.h"

namespace skep::btf {

class RecordReader {
 public:
  // Fills `types`, whose bytes are there and nothing else.
  [[nodiscard]] static Status read(Types& types, const Layout& layout);

 private:
  RecordReader(const Types& types, std::uint32_t id, std::uint64_t left)
      : types_(types), id_(id), left_(left) {}

  // The bytes that the record takes.
  [[nodiscard]] Result<std::uint32_t> check(const abi::btf_type& record, const Type& type) const;
  [[nodiscard]] Status check_rules(const Type& type) const;
  [[nodiscard]] Status check_name(const Type& type) const;
  [[nodiscard]] Status check_int(const Type& type) const;
  [[nodiscard]] Status check_array(const Type& type) const;
  [[nodiscard]] Status check_composite(const Type& type) const;
  [[nodiscard]] Status check_values(const Type& type) const;
  [[nodiscard]] Status check_value_name(const Type& type, std::uint32_t at,
                                        std::uint32_t name_offset) const;
  [[nodiscard]] Status check_var(const Type& type) const;
  [[nodiscard]] Status check_datasec(const Type& type) const;
  [[nodiscard]] Status check_float(const Type& type) const;
  [[nodiscard]] Status check_decl_tag(const Type& type) const;

  template <class... Args>
  [[nodiscard]] std::unexpected<Error> wrong(const Type& type, fmt::format_string<Args...> format,
                                             Args&&... args) const;

  const Types& types_;
  std::uint32_t id_;
  std::uint64_t left_;
};

}  // namespace skep::btf
