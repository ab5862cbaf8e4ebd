// SPDX-License-Identifier: Apache-2.0
#include "base/position.h"

#include <doctest/doctest.h>

namespace skep {

TEST_CASE("position: lines and columns count from 1") {
  CHECK(position_of("ab\ncd", 0) == Position{1, 1});
  CHECK(position_of("ab\ncd", 2) == Position{1, 3});
  CHECK(position_of("ab\ncd", 3) == Position{2, 1});
  CHECK(position_of("ab\ncd", 5) == Position{2, 3});
  CHECK(position_of("ab\ncd", 99) == Position{2, 3});
  CHECK(position_of("", 0) == Position{1, 1});
}

TEST_CASE("position: a character is shown so that a terminal survives it") {
  CHECK(quoted_character("a\x1b\n", 0) == "'a'");
  CHECK(quoted_character("a\x1b\n", 1) == "'\\x1b'");
  CHECK(quoted_character("a\x1b\n", 2) == "end of line");
  CHECK(quoted_character("a\x1b\n", 3) == "end of text");
  CHECK(quoted_character("\xff", 0) == "'\\xff'");
}

TEST_CASE("position: outside text is escaped and cut") {
  CHECK(printable("plain") == "plain");
  CHECK(printable("a\x07") == "a\\x07");
  CHECK(printable("abcdef", 3) == "abc...");
  CHECK(printable("abc", 3) == "abc");
}

}  // namespace skep
