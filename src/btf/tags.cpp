// SPDX-License-Identifier: Apache-2.0
#include "btf/tags.h"

#include "btf/refuse.h"

namespace skep::btf {

using namespace abi;

namespace {

constexpr std::uint32_t kMaxChain = 32;

// Follows one chain, as far as types that were looked at before.
Status check_chain(const Types& types, TypeId first, std::uint32_t last_good) {
  TypeId id = first;
  bool in_tags = true;
  for (std::uint32_t length = 0; is_modifier(types.type(id).kind); ++length) {
    if (length == kMaxChain)
      return refuse(ELOOP, "{}: more than {} modifiers", types.describe(first), kMaxChain);
    const bool is_tag = types.type(id).kind == BTF_KIND_TYPE_TAG;
    if (is_tag && !in_tags)
      return refuse(EINVAL, "{}: {} comes after another modifier", types.describe(first),
                    types.describe(id));
    in_tags = is_tag;
    if (std::to_underlying(id) <= last_good) break;
    id = types.type(id).target();
  }
  return {};
}

}  // namespace

Status check_type_tags(const Types& types) {
  std::uint32_t last_good = 0;
  for (std::uint32_t id = 1; id < types.count(); ++id) {
    if (!is_modifier(types.type(TypeId{id}).kind)) continue;
    SKEP_TRY(check_chain(types, TypeId{id}, last_good));
    last_good = id;
  }
  return {};
}

}  // namespace skep::btf
