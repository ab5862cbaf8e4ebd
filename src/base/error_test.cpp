// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <doctest/doctest.h>

#include <cerrno>

namespace skep {

namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(Code::invalid, "{} is odd", number);
  return number / 2;
}

Result<int> quarter(int number) {
  const int first = SKEP_TRY(half(number));
  return SKEP_TRY(half(first));
}

Status only_even(int number) {
  (void)SKEP_TRY(half(number));
  return {};
}

}  // namespace

TEST_CASE("error: SKEP_TRY gives the value or leaves with the error") {
  CHECK(quarter(12).value_or(0) == 3);
  CHECK(quarter(6).error().what == "3 is odd");
  CHECK(quarter(5).error().what == "5 is odd");
  CHECK(only_even(2).has_value());
  CHECK(only_even(3).error().code == Code::invalid);
}

TEST_CASE("error: places are added on the way up") {
  CHECK(in("file", in("line 3", half(1))).error().what == "file: line 3: 1 is odd");
  CHECK(in("file", half(4)).value_or(0) == 2);
}

TEST_CASE("error: errno becomes a code, a number and words") {
  const Error missing = system_error("cannot open x", ENOENT);
  CHECK(missing.code == Code::not_found);
  CHECK(missing.sys == ENOENT);
  CHECK(missing.what == "cannot open x: No such file or directory");
  CHECK(system_error("x", EPERM).code == Code::denied);
  CHECK(system_error("x", E2BIG).code == Code::limit);
  CHECK(system_error("x", ENOSYS).code == Code::unsupported);
  CHECK(system_error("x", EINVAL).code == Code::invalid);
  CHECK(system_error("x", EIO).code == Code::io);
}

}  // namespace skep
