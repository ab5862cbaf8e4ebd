// SPDX-License-Identifier: Apache-2.0
// What BPF_MAP_CREATE asks beyond the numbers: BTF of keys and values, the map that inner maps must
// be like; and what may become an element of a map of objects. Results are 0 or a negative errno.
#pragma once

#include "abi/bpf_attr.h"
#include "machine/map_object.h"

namespace skep::machine {

class Program;

// The type's own check; may settle fields of the spec.
[[nodiscard]] long check_map(Machine& machine, maps::MapSpec& spec);
// The template of a map of maps, for which a reference is taken.
[[nodiscard]] long find_inner_map(Machine& machine, std::uint32_t fd, maps::MapSpec& spec);
// Key and value types, and the special fields of the value.
[[nodiscard]] long find_map_btf(Machine& machine, const abi::bpf_attr& attr, MapBirth& birth);

// Gives back what the two took, of a map that was not made.
void drop_references(Machine& machine, const MapBirth& birth);

// Whether a map may go into that map of maps.
[[nodiscard]] long check_inner_map(Machine& machine, const maps::MapSpec& outer,
                                   const maps::MapSpec& inner);
// Whether a program may go into that array of programs.
[[nodiscard]] long check_tail_target(Machine& machine, const maps::Map& array,
                                     const Program& program);

}  // namespace skep::machine
