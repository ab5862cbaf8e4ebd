// SPDX-License-Identifier: Apache-2.0
// A BTF that has passed all checks of BPF_BTF_LOAD, and so can be walked without fear: every
// reference exists and every size is known. Owns its bytes; after reading it is never changed, so
// threads may share it.
#pragma once

#include <optional>
#include <span>

#include "btf/field.h"
#include "btf/resolve.h"
#include "btf/types.h"

namespace skep::btf {

class Btf : public Types {
 public:
  // Copies the bytes. Errors carry the errno that Linux gives for them.
  [[nodiscard]] static Result<Btf> read(std::span<const std::byte> bytes,
                                        const KernelTypes& kernel = {});

  // What a type is below modifiers and its size; nothing when it has none.
  [[nodiscard]] std::optional<Sized> sized(TypeId id) const { return resolution_.sized(*this, id); }

  // The special fields of a struct that programs may allocate; null for any other.
  [[nodiscard]] const Object* object(TypeId id) const;
  [[nodiscard]] std::span<const Object> objects() const { return objects_; }

 private:
  explicit Btf(Types types) : Types(std::move(types)) {}

  Resolution resolution_;
  std::vector<Object> objects_;
};

}  // namespace skep::btf
