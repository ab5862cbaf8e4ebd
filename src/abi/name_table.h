// SPDX-License-Identifier: Apache-2.0
// Looking up rows of the tables here: rows are ordered by `number` without a gap, and each has a
// `name` of its own. A table asserts both where it stands. Plain data, safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace skep::abi {

// Row i has number i, there are `count` rows, and no name is empty or twice there.
template <class Table>
[[nodiscard]] constexpr bool is_dense(const Table& table, std::size_t count) {
  if (table.size() != count) return false;
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (table[i].number != i || table[i].name.empty()) return false;
    for (std::size_t before = 0; before < i; ++before)
      if (table[before].name == table[i].name) return false;
  }
  return true;
}

// Null when there is no such row.
template <class Table>
[[nodiscard]] constexpr auto row_by_number(const Table& table, std::uint64_t number) {
  return number < table.size() ? &table[number] : nullptr;
}

template <class Table>
[[nodiscard]] constexpr auto row_by_name(const Table& table, std::string_view name) {
  const typename Table::value_type* found = nullptr;
  for (const auto& row : table)
    if (row.name == name) found = &row;
  return found;
}

}  // namespace skep::abi
