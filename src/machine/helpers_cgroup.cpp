// SPDX-License-Identifier: Apache-2.0
// Programs of control groups: return values, sysctl names and values.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "abi/helper_flags.h"
#include "machine/helper_functions.h"
#include "machine/sysctl_values.h"

namespace skep::machine::helper {

using u64 = std::uint64_t;

namespace {

// A text with its zero into a buffer; what does not fit is cut, and E2BIG.
long copy_text(u64 to, u64 bytes, std::string_view text) {
  const auto room = static_cast<std::uint32_t>(bytes);
  if (to == 0) return -EINVAL;
  if (room == 0) return -E2BIG;
  auto* out = pointer<char>(to);
  const std::size_t count = std::min<std::size_t>(text.size(), room - 1);
  std::memcpy(out, text.data(), count);
  std::memset(out + count, 0, room - count);
  return text.size() >= room ? -E2BIG : static_cast<long>(text.size());
}

long refuse_text(u64 to, u64 bytes) {
  if (to != 0) std::memset(pointer<void>(to), 0, static_cast<std::uint32_t>(bytes));
  return -EINVAL;
}

}  // namespace

u64 get_retval(u64, u64, u64, u64, u64, void* context) { return result(run_of(context).retval); }

u64 set_retval(u64 value, u64, u64, u64, u64, void* context) {
  run_of(context).retval = static_cast<std::int32_t>(value);
  return 0;
}

u64 sysctl_get_name(u64, u64 to, u64 bytes, u64 flags, u64, void* context) {
  const SysctlValues* values = run_of(context).sysctl;
  if ((flags & ~abi::BPF_F_SYSCTL_BASE_NAME) != 0 || values == nullptr) return result(-EINVAL);
  std::string_view name = values->name;
  if ((flags & abi::BPF_F_SYSCTL_BASE_NAME) != 0) name.remove_prefix(name.rfind('/') + 1);
  return result(copy_text(to, bytes, name));
}

u64 sysctl_get_current_value(u64, u64 to, u64 bytes, u64, u64, void* context) {
  const SysctlValues* values = run_of(context).sysctl;
  if (values == nullptr || values->current.empty()) return result(refuse_text(to, bytes));
  return result(copy_text(to, bytes, values->current));
}

u64 sysctl_get_new_value(u64, u64 to, u64 bytes, u64, u64, void* context) {
  const SysctlValues* values = run_of(context).sysctl;
  if (values == nullptr || !values->write) return result(refuse_text(to, bytes));
  return result(copy_text(to, bytes, values->written));
}

u64 sysctl_set_new_value(u64, u64 from, u64 bytes, u64, u64, void* context) {
  SysctlValues* values = run_of(context).sysctl;
  const auto count = static_cast<std::uint32_t>(bytes);
  if (values == nullptr || !values->write || from == 0 || count == 0) return result(-EINVAL);
  if (count > SysctlValues::kMostBytes - 1) return result(-E2BIG);
  values->written.assign(pointer<const char>(from), count);
  values->updated = true;
  return 0;
}

}  // namespace skep::machine::helper
