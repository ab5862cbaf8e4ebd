// SPDX-License-Identifier: Apache-2.0
// The second pass over a BTF's types: follows every reference, so that no type contains itself,
// every modifier leads somewhere, members fit and sizes are known. Works with a stack of 32, like
// Linux, whose order of visits it keeps: the order decides what is too deep.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "btf/types.h"

namespace skep::btf {

// A type that has a size: `id` is what a modifier or variable leads to.
struct Sized {
  TypeId id = kVoid;
  std::uint32_t bytes = 0;
};

// By type id: what modifiers, pointers and variables lead to, and the sizes of arrays.
struct Resolution {
  std::vector<TypeId> targets;
  std::vector<std::uint32_t> array_bytes;

  [[nodiscard]] std::optional<Sized> sized(const Types& types, TypeId id) const;
};

// Does the member at `offset` (the record's word) of `owner` fit, its type being `member`?
[[nodiscard]] Status check_member_fits(const Type& owner, std::uint32_t offset, const Type& member,
                                       std::uint32_t member_bytes);

class Resolver {
 public:
  explicit Resolver(const Types& types);

  [[nodiscard]] Result<Resolution> run();

 private:
  static constexpr std::size_t kMaxDepth = 32;

  enum class Visit : std::uint8_t { none, open, done };
  // What is being resolved at the bottom of the stack decides where it may stop: a pointer may lead
  // back to the struct that holds it, a member may not.
  enum class Mode : std::uint8_t { any, pointer, contents };
  struct Frame {
    TypeId id = kVoid;
    std::uint32_t next = 0;  // member to go on with
  };

  [[nodiscard]] bool needs_resolving(const Type& type) const;
  [[nodiscard]] bool may_stop_at(const Type& type) const;
  [[nodiscard]] Visit& visit(TypeId id) { return visits_[std::to_underlying(id)]; }
  [[nodiscard]] Type type(TypeId id) const { return types_.type(id); }
  [[nodiscard]] std::optional<Sized> sized(TypeId id) const {
    return resolution_.sized(types_, id);
  }

  [[nodiscard]] Status resolve(TypeId id);
  [[nodiscard]] Status resolve_once(TypeId id);
  [[nodiscard]] Status push(TypeId id);
  void pop(TypeId target, std::uint32_t array_bytes = 0);
  // True when the top of the stack has to wait for `id`, which is then above it.
  [[nodiscard]] Result<bool> waits_for(TypeId id);
  [[nodiscard]] Result<bool> waits_for_pointer_behind(TypeId id);

  [[nodiscard]] Status step();
  [[nodiscard]] Status step_reference(TypeId id, const Type& top);
  [[nodiscard]] Status step_array(TypeId id, const Type& top);
  [[nodiscard]] Status step_composite(TypeId id, const Type& top);
  [[nodiscard]] Status step_datasec(TypeId id, const Type& top);
  [[nodiscard]] Status step_func(TypeId id, const Type& top);
  [[nodiscard]] Status step_decl_tag(TypeId id, const Type& top);

  [[nodiscard]] Status check_member(TypeId id, const Type& owner, std::uint32_t at) const;
  [[nodiscard]] Status check_index(TypeId id, TypeId index) const;
  [[nodiscard]] Status check_proto(TypeId id);
  [[nodiscard]] Status check_proto_type(TypeId id, TypeId part);

  const Types& types_;
  Resolution resolution_;
  std::vector<Visit> visits_;
  std::array<Frame, kMaxDepth> stack_{};
  std::size_t depth_ = 0;
  Mode mode_ = Mode::any;
};

}  // namespace skep::btf
