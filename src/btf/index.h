// SPDX-License-Identifier: Apache-2.0
// Finds types by name and declaration tags by what they tag without walking all types each time.
// Made once from a BTF; points into its names and must not outlive it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "btf/types.h"

namespace skep::btf {

class NameIndex {
 public:
  NameIndex() = default;
  // Of the types of one kind.
  NameIndex(const Types& types, abi::btf_kind kind);

  // The first by that name, else kVoid.
  [[nodiscard]] TypeId find(std::string_view name) const;

 private:
  std::unordered_map<std::string_view, TypeId> ids_;
};

class TagIndex {
 public:
  static constexpr std::int32_t kWhole = -1;  // the type itself, not a part of it

  TagIndex() = default;
  // Of the tags that begin so.
  TagIndex(const Types& types, std::string_view prefix);

  // The tags on a part of a type, in the order of their ids.
  [[nodiscard]] std::span<const TypeId> on(const Types& types, TypeId type,
                                           std::int32_t component) const;

 private:
  std::vector<TypeId> tags_;  // sorted by type, part, id
};

}  // namespace skep::btf
