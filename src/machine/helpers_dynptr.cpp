// SPDX-License-Identifier: Apache-2.0
// Dynptrs over memory, and what all kinds of them can do.
#include <cerrno>

#include "machine/dynptr.h"
#include "machine/helper_functions.h"

namespace skep::machine::helper {

using u64 = std::uint64_t;

u64 dynptr_from_mem(u64 data, u64 bytes, u64 flags, u64 to, u64, void*) {
  const auto size = static_cast<std::uint32_t>(bytes);
  Dynptr& made = Dynptr::at(to);
  made.clear();
  if (size > Dynptr::kMaxBytes) return result(-E2BIG);
  if (flags != 0) return result(-EINVAL);
  made = Dynptr(DynptrKind::memory, pointer<void>(data), size);
  return 0;
}

u64 dynptr_read(u64 to, u64 bytes, u64 from, u64 offset, u64 flags, void*) {
  const Dynptr& source = Dynptr::at(from);
  const auto size = static_cast<std::uint32_t>(bytes);
  const auto at = static_cast<std::uint32_t>(offset);
  if (source.is_null() || flags != 0) return result(-EINVAL);
  if (!source.holds(at, size)) return result(-E2BIG);
  return result(source.read({pointer<std::byte>(to), size}, at));
}

u64 dynptr_write(u64 to, u64 offset, u64 from, u64 bytes, u64 flags, void*) {
  Dynptr& target = Dynptr::at(to);
  const auto size = static_cast<std::uint32_t>(bytes);
  const auto at = static_cast<std::uint32_t>(offset);
  if (target.is_null() || target.read_only()) return result(-EINVAL);
  if (!target.holds(at, size)) return result(-E2BIG);
  return result(target.write(at, {pointer<const std::byte>(from), size}, flags));
}

u64 dynptr_data(u64 of, u64 offset, u64 bytes, u64, u64, void*) {
  const Dynptr& source = Dynptr::at(of);
  const auto size = static_cast<std::uint32_t>(bytes);
  const auto at = static_cast<std::uint32_t>(offset);
  const bool plain = source.kind() == DynptrKind::memory || source.kind() == DynptrKind::ringbuf;
  if (source.is_null() || source.read_only() || !plain || !source.holds(at, size)) return 0;
  return address_of(source.slice(at, size));
}

}  // namespace skep::machine::helper
