// SPDX-License-Identifier: Apache-2.0
// Special fields: members of a map value or of an allocated object that the kernel itself works
// with. Plain data; fields.h finds them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "btf/types.h"

namespace skep::btf {

class Btf;
class NameIndex;

// Bits, so that a set of kinds is their sum. The numbers are those of Linux.
enum class FieldKind : std::uint32_t {
  spin_lock = 1U << 0,
  timer = 1U << 1,
  kptr_untrusted = 1U << 2,
  kptr = 1U << 3,
  kptr_percpu = 1U << 4,
  list_head = 1U << 5,
  list_node = 1U << 6,
  rb_root = 1U << 7,
  rb_node = 1U << 8,
  refcount = 1U << 9,
  workqueue = 1U << 10,
  uptr = 1U << 11,
  res_spin_lock = 1U << 12,
  task_work = 1U << 13,
};

// As BTF names the struct or the tag.
[[nodiscard]] constexpr std::string_view field_kind_name(FieldKind kind) {
  switch (kind) {
    case FieldKind::spin_lock:
      return "bpf_spin_lock";
    case FieldKind::timer:
      return "bpf_timer";
    case FieldKind::kptr_untrusted:
      return "kptr_untrusted";
    case FieldKind::kptr:
      return "kptr";
    case FieldKind::kptr_percpu:
      return "percpu_kptr";
    case FieldKind::list_head:
      return "bpf_list_head";
    case FieldKind::list_node:
      return "bpf_list_node";
    case FieldKind::rb_root:
      return "bpf_rb_root";
    case FieldKind::rb_node:
      return "bpf_rb_node";
    case FieldKind::refcount:
      return "bpf_refcount";
    case FieldKind::workqueue:
      return "bpf_wq";
    case FieldKind::uptr:
      return "uptr";
    case FieldKind::res_spin_lock:
      return "bpf_res_spin_lock";
    case FieldKind::task_work:
      return "bpf_task_work";
  }
  return "unknown";
}

class FieldKinds {
 public:
  constexpr FieldKinds() = default;
  constexpr FieldKinds(FieldKind kind) : bits_(static_cast<std::uint32_t>(kind)) {}

  [[nodiscard]] constexpr bool has(FieldKind kind) const {
    return (bits_ & static_cast<std::uint32_t>(kind)) != 0;
  }
  [[nodiscard]] constexpr bool has_any(FieldKinds kinds) const {
    return (bits_ & kinds.bits_) != 0;
  }
  [[nodiscard]] constexpr FieldKinds operator|(FieldKinds other) const {
    FieldKinds sum;
    sum.bits_ = bits_ | other.bits_;
    return sum;
  }
  constexpr bool operator==(const FieldKinds&) const = default;

 private:
  std::uint32_t bits_ = 0;
};
[[nodiscard]] constexpr FieldKinds operator|(FieldKind a, FieldKind b) {
  return FieldKinds(a) | FieldKinds(b);
}

inline constexpr FieldKinds kKptrs =
    FieldKind::kptr_untrusted | FieldKind::kptr | FieldKind::kptr_percpu;
inline constexpr FieldKinds kRoots = FieldKind::list_head | FieldKind::rb_root;
inline constexpr FieldKinds kNodes = FieldKind::list_node | FieldKind::rb_node;
inline constexpr FieldKinds kLocks = FieldKind::spin_lock | FieldKind::res_spin_lock;

struct Field {
  FieldKind kind = FieldKind::spin_lock;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  // Of a kptr or uptr the struct that it points to; of a root the struct that it contains.
  TypeId target = kVoid;
  bool in_kernel = false;         // the target is a type of the kernel's BTF, not of this one
  std::uint32_t node_offset = 0;  // of a root: where its node is in the target

  bool operator==(const Field&) const = default;
};

// Sorted by offset.
using Fields = std::vector<Field>;

[[nodiscard]] FieldKinds kinds_of(std::span<const Field> fields);
// The first of that kind, else null.
[[nodiscard]] const Field* find_field(std::span<const Field> fields, FieldKind kind);

// A struct that programs may allocate, with its fields.
struct Object {
  TypeId type = kVoid;
  Fields fields;
};

// What the kernel knows of types by itself: a kptr to a struct with a name of the kernel's is a
// pointer to the kernel's struct. Without `structs` there is none, and all kptrs point to objects
// of programs.
struct KernelTypes {
  const NameIndex* structs = nullptr;
  // Those that a kptr may own, because the kernel knows how to release them.
  std::span<const std::string_view> releasable;
};

}  // namespace skep::btf
