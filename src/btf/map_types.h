// SPDX-License-Identifier: Apache-2.0
// May a map have this key and this value by BTF? Sizes, what each map type asks of its key, and
// which special fields its values may have; errno as of BPF_MAP_CREATE.
#pragma once

#include <cstdint>

#include "abi/map_types.h"
#include "btf/btf.h"

namespace skep::btf {

struct MapTypes {
  abi::bpf_map_type type = abi::BPF_MAP_TYPE_UNSPEC;
  std::uint32_t flags = 0;
  std::uint32_t key_bytes = 0;
  std::uint32_t value_bytes = 0;
  std::uint32_t max_entries = 0;
  TypeId key = kVoid;  // some map types go without
  TypeId value = kVoid;
};

// What BPF_MAP_CREATE checks when a value type is given; gives the value's special fields. A value
// whose fields are wrong has none, as in Linux: the map is made, and no program can use the fields.
[[nodiscard]] Result<Fields> check_map_types(const Btf& btf, const KernelTypes& kernel,
                                             const MapTypes& map);

// EOPNOTSUPP when values of such a map cannot have one of the fields, EACCES when programs may only
// read or only write the map.
[[nodiscard]] Status check_map_fields(abi::bpf_map_type type, std::uint32_t flags,
                                      const Fields& fields);

}  // namespace skep::btf
