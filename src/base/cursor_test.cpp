// SPDX-License-Identifier: Apache-2.0
#include "base/cursor.h"

#include <doctest/doctest.h>

#include <array>
#include <limits>

namespace skep {

namespace {

constexpr std::array<std::byte, 7> kSeven = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                                             std::byte{5}, std::byte{6}, std::byte{7}};

}  // namespace

TEST_CASE("cursor: reads move on and stop at the end") {
  Cursor cursor(kSeven);
  const auto first = cursor.read<std::uint32_t>();
  REQUIRE(first);
  CHECK(*first == 0x04030201);
  CHECK(cursor.offset() == 4);
  CHECK(cursor.left() == 3);
  const auto second = cursor.read<std::uint32_t>();
  REQUIRE(!second);
  CHECK(second.error().what == "truncated: need 4 bytes at 4, have 3");
  CHECK(cursor.offset() == 4);
  CHECK(cursor.read<std::uint16_t>().value_or(0) == 0x0605);
  CHECK(cursor.read<std::uint8_t>().value_or(0) == 7);
  CHECK(cursor.left() == 0);
}

TEST_CASE("cursor: ranges are checked without overflow") {
  const Cursor cursor(kSeven);
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  CHECK(cursor.sub(0, 7).has_value());
  CHECK(cursor.sub(7, 0).has_value());
  CHECK(cursor.sub(3, 2)->size() == 2);
  for (const auto& [offset, length] : {std::pair{0ULL, 8ULL}, {8, 0}, {1, 7}})
    CHECK(!cursor.sub(offset, length));
  CHECK(!cursor.sub(kMost, 1));
  CHECK(!cursor.sub(1, kMost));
  CHECK(cursor.sub(3, 9).error().what == "range [3, +9) lies outside the 7 bytes there are");
}

TEST_CASE("cursor: unaligned loads and stores, and network order") {
  std::array<std::byte, 9> bytes{};
  store(bytes.data() + 1, std::uint64_t{0x1122334455667788});
  CHECK(load<std::uint64_t>(bytes.data() + 1) == 0x1122334455667788);
  CHECK(load<std::uint8_t>(bytes.data() + 1) == 0x88);
  CHECK(big_endian(std::uint16_t{0x1234}) == 0x3412);
  CHECK(big_endian(std::uint8_t{0x12}) == 0x12);
}

}  // namespace skep
