// SPDX-License-Identifier: Apache-2.0
#include "btf/program_info.h"

#include <doctest/doctest.h>

#include "tests/support/btf_builder.h"

namespace skep::btf {

using namespace abi;

namespace {

struct Functions {
  test::BtfBuilder builder;
  std::uint32_t integer = builder.integer("int", 4);
  std::uint32_t returns_int = builder.function("f", builder.prototype(integer));
  std::uint32_t returns_nothing = builder.function("g", builder.prototype(0));
  Btf btf = *Btf::read(builder.bytes());
};

RecordTable table_of(std::span<const std::uint32_t> words, std::uint32_t record_bytes) {
  return {.bytes = std::as_bytes(words),
          .record_bytes = record_bytes,
          .count = static_cast<std::uint32_t>(words.size_bytes() / record_bytes)};
}

template <class T>
int errno_of(const Result<T>& result) {
  return result ? 0 : result.error().sys;
}

int errno_of_functions(std::vector<std::uint32_t> words, std::uint32_t record_bytes = 8) {
  const Functions functions;
  return errno_of(read_func_info(functions.btf, table_of(words, record_bytes)));
}

int errno_of_lines(std::vector<std::uint32_t> words, std::vector<Subprogram> subprograms = {{}}) {
  const Functions functions;
  const std::uint8_t opcodes[] = {0x18, 0, 0xb7, 0x95};
  return errno_of(read_line_info(functions.btf, table_of(words, 16), opcodes, subprograms));
}

}  // namespace

TEST_CASE("func_info: records") {
  CHECK(errno_of_functions({0, 3, 2, 5}) == 0);
  CHECK(errno_of_functions({1, 3}) == EINVAL);
  CHECK(errno_of_functions({0, 3, 0, 5}) == EINVAL);
  CHECK(errno_of_functions({0, 1}) == EINVAL);
  CHECK(errno_of_functions({0, 99}) == EINVAL);
  CHECK(errno_of_functions({0, 3, 0}, 12) == 0);
  CHECK(errno_of_functions({0, 3, 1}, 12) == E2BIG);
  CHECK(errno_of_functions({0, 3}, 4) == EINVAL);
  const Functions functions;
  CHECK(check_record_bytes(252, 8));
  CHECK(errno_of(check_record_bytes(256, 8)) == EINVAL);
  CHECK(errno_of(check_record_bytes(9, 8)) == EINVAL);
  CHECK(errno_of(read_func_info(functions.btf, {.bytes = {}, .record_bytes = 8, .count = 1})) ==
        EFAULT);
}

TEST_CASE("func_info: subprograms") {
  const Functions functions;
  const bpf_func_info infos[] = {{0, functions.returns_int}, {2, functions.returns_nothing}};
  const Subprogram right[] = {{}, {.start = 2}};
  CHECK(check_func_info(functions.btf, infos, right));
  const Subprogram elsewhere[] = {{}, {.start = 3}};
  CHECK(errno_of(check_func_info(functions.btf, infos, elsewhere)) == EINVAL);
  CHECK(errno_of(check_func_info(functions.btf, infos, std::span(right).first(1))) == EINVAL);
  const Subprogram tail[] = {{}, {.start = 2, .makes_tail_call = true}};
  CHECK(errno_of(check_func_info(functions.btf, infos, tail)) == EINVAL);
  CHECK(errno_of(check_func_info(functions.btf, {}, tail)) == EINVAL);
  CHECK(check_func_info(functions.btf, {}, right));
  const bpf_func_info integers[] = {{0, functions.returns_int}, {2, functions.returns_int}};
  CHECK(check_func_info(functions.btf, integers, tail));
}

TEST_CASE("line_info: order, places and subprograms") {
  CHECK(errno_of_lines({0, 1, 1, 0, 2, 1, 1, 0}) == 0);
  CHECK(errno_of_lines({0, 1, 1, 0, 0, 1, 1, 0}) == EINVAL);
  CHECK(errno_of_lines({0, 1, 1, 0, 4, 1, 1, 0}) == EINVAL);
  CHECK(errno_of_lines({0, 1, 1, 0, 1, 1, 1, 0}) == EINVAL);
  CHECK(errno_of_lines({0, 1, 999, 0}) == EINVAL);
  CHECK(errno_of_lines({0, 999, 1, 0}) == EINVAL);
  CHECK(errno_of_lines({2, 1, 1, 0}) == EINVAL);
  CHECK(errno_of_lines({0, 1, 1, 0}, {{}, {.start = 2}}) == EINVAL);
  CHECK(errno_of_lines({0, 1, 1, 0, 2, 1, 1, 0}, {{}, {.start = 2}}) == 0);
  CHECK(errno_of_lines({0, 1, 1, 0, 3, 1, 1, 0}, {{}, {.start = 2}}) == EINVAL);
}

}  // namespace skep::btf
