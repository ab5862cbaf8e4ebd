// SPDX-License-Identifier: Apache-2.0
#include "engine/calls.h"

namespace skep::engine {

HelperFunction Resolver::helper(std::uint32_t) const { return nullptr; }

HelperFunction Resolver::kfunc(std::int32_t, std::int16_t) const { return nullptr; }

std::optional<std::uint64_t> Resolver::value(const isa::Insn&, const isa::Insn&) const {
  return std::nullopt;
}

HelperFunction Calls::find_helper(std::uint32_t number) const {
  // A tail call is no function: nothing could be returned to.
  if (number == kTailCallHelper) return nullptr;
  if (resolver != nullptr)
    if (const HelperFunction found = resolver->helper(number)) return found;
  return helper != nullptr ? helper(number) : nullptr;
}

HelperFunction Calls::find_kfunc(std::int32_t btf_id, std::int16_t btf_index) const {
  if (resolver != nullptr)
    if (const HelperFunction found = resolver->kfunc(btf_id, btf_index)) return found;
  return kfunc != nullptr ? kfunc(btf_id, btf_index) : nullptr;
}

std::optional<std::uint64_t> Calls::find_value(const isa::Insn& low, const isa::Insn& high) const {
  return resolver != nullptr ? resolver->value(low, high) : std::nullopt;
}

}  // namespace skep::engine
