// SPDX-License-Identifier: Apache-2.0
// Fields of a value that are more than bytes: locks, timers, pointers to objects. Copies of a value
// pass over them, and they are given back when the element goes. What src/btf finds, reduced to
// what a Region can hold.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "btf/field.h"

namespace skep::maps {

using btf::FieldKind;

struct Field {
  FieldKind kind = FieldKind::spin_lock;
  std::uint32_t offset = 0;
  std::uint32_t bytes = 0;
};

inline constexpr unsigned kMaxFields = 16;

// Sorted by offset, inside the value.
class Fields {
 public:
  [[nodiscard]] bool add(const Field& field) {
    if (count_ == kMaxFields) return false;
    fields_[count_++] = field;
    return true;
  }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] const Field* begin() const { return fields_.data(); }
  [[nodiscard]] const Field* end() const { return fields_.data() + count_; }
  [[nodiscard]] const Field* find(FieldKind kind) const {
    for (const Field& field : *this)
      if (field.kind == kind) return &field;
    return nullptr;
  }

 private:
  std::array<Field, kMaxFields> fields_;
  std::uint32_t count_ = 0;
};

}  // namespace skep::maps
