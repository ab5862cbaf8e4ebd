// SPDX-License-Identifier: Apache-2.0
// The actions of `skep map`, by file: maps as wholes, and their elements.
#pragma once

#include "apps/skep/machine_objects.h"

namespace skep::cli {

Status show_maps(Request& request);
Status create_map(Request& request);
Status pin_map(Request& request);
Status freeze_map(Request& request);

Status dump_map(Request& request);
Status look_up(Request& request);
Status update_element(Request& request);
Status delete_element(Request& request);
Status next_key(Request& request);
Status peek_element(Request& request);
Status push_element(Request& request);
Status pop_element(Request& request);

// DATA := { [hex] BYTES }: exactly so many.
[[nodiscard]] Result<Bytes> read_data(Words& words, std::size_t bytes, std::string_view what);
// VALUE := { DATA | MAP | PROG }: an element as bpf(2) takes it, each CPU's value the same.
struct Value {
  Bytes bytes;
  // What a descriptor in the bytes is of.
  std::optional<Map> map{};
  std::optional<Program> program{};
};
[[nodiscard]] Result<Value> read_value(Request& request, const Map& map);

void show_element(Request& request, const Map& map, std::span<const std::byte> key,
                  std::span<const std::byte> value);

}  // namespace skep::cli
