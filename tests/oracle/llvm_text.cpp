// SPDX-License-Identifier: Apache-2.0
// The llvm dialect is llvm's: objdump shows what we print, clang assembles it to our bytes, and we
// read objdump's whole output back. What differs is listed with its reason.
#include <doctest/doctest.h>

#include "isa/assemble.h"
#include "isa/check.h"
#include "isa/print.h"
#include "tests/oracle/llvm_tools.h"
#include "tests/support/random_program.h"
#include "tests/support/rounds.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

using isa::Insn;
using isa::Op;
using isa::Program;
using isa::Shape;

constexpr std::size_t kInsns = 3000;

// What llvm has no text for, so that ours is our own.
bool is_ours_alone(const Op& row, const Insn& insn) {
  switch (row.shape) {
    case Shape::call_local:  // objdump writes "call 0x5" for helpers and local calls alike
    case Shape::call_kfunc:  // as above
      return true;
    case Shape::imm64:  // objdump writes all kinds but plain values as "ld_pseudo", without the
      return row.action != isa::Action::value;  // second half, and clang does not read that
    case Shape::packet_ind:                     // objdump drops the immediate
      return insn.imm != 0;
    default:
      return false;
  }
}

// clang's assembler takes 16 bits as a distance by number, for gotol as well.
bool clang_reads(const Op& row, const Insn& insn) {
  return row.shape != Shape::jump_long || insn.imm == static_cast<std::int16_t>(insn.imm);
}

struct Stream {
  Program program;
  std::vector<std::size_t> places;
  std::vector<const Op*> rows;

  [[nodiscard]] std::string line(std::size_t i) const {
    return isa::print_insn(program, places[i], *rows[i], {.dialect = isa::Dialect::llvm});
  }
};

template <class Wanted>
Stream random_rows(std::uint64_t seed, Wanted wanted) {
  Random random(seed);
  Stream stream;
  while (stream.rows.size() < kInsns) {
    const Op& row = random.one_of(isa::kOps);
    const std::size_t at = stream.program.size();
    append_random_insn(random, row, stream.program);
    if (!wanted(row, stream.program[at])) {
      stream.program.resize(at);
      continue;
    }
    stream.places.push_back(at);
    stream.rows.push_back(&row);
  }
  return stream;
}

bool is_shared(const Op& row, const Insn& insn) { return !is_ours_alone(row, insn); }

}  // namespace

TEST_CASE("llvm-objdump shows what we print in its dialect") {
  if (const auto& why = why_no_llvm()) return skip(*why);
  const std::uint64_t seed = seed_or(1);
  for (std::uint64_t i = 0; i < runs_or(rounds(4)); ++i) {
    const Stream stream = random_rows(seed + i, is_shared);
    const auto dump = objdump(stream.program);
    if (!dump) FAIL(dump.error().what);
    const auto lines = parse_objdump(*dump);
    REQUIRE(lines.size() == stream.rows.size());
    for (std::size_t n = 0; n < lines.size(); ++n) {
      CHECK(lines[n].at == stream.places[n]);
      CHECK_MESSAGE(lines[n].text == stream.line(n), stream.rows[n]->name,
                    ", SKEP_SEED=", seed + i);
    }
  }
}

TEST_CASE("what llvm has no text for is as listed") {
  if (const auto& why = why_no_llvm()) return skip(*why);
  const Stream stream = random_rows(seed_or(1), is_ours_alone);
  const auto dump = objdump(stream.program);
  if (!dump) FAIL(dump.error().what);
  const auto lines = parse_objdump(*dump);
  REQUIRE(lines.size() == stream.rows.size());
  for (std::size_t n = 0; n < lines.size(); ++n) CHECK(lines[n].text != stream.line(n));
}

TEST_CASE("llvm-objdump's whole output assembles to the bytes it was made from") {
  if (const auto& why = why_no_llvm()) return skip(*why);
  const std::uint64_t seed = seed_or(1);
  for (std::uint64_t i = 0; i < runs_or(rounds(4)); ++i) {
    const Stream stream = random_rows(seed + i, is_shared);
    const auto dump = objdump(stream.program);
    if (!dump) FAIL(dump.error().what);
    const auto again = isa::assemble(*dump, "dump", {});
    if (!again) FAIL(again.error().what, ", SKEP_SEED=", seed + i);
    CHECK(*again == stream.program);
  }
}

TEST_CASE("clang assembles what we print in llvm's dialect to our bytes") {
  if (const auto& why = why_no_llvm()) return skip(*why);
  const std::uint64_t seed = seed_or(1);
  for (std::uint64_t i = 0; i < runs_or(rounds(4)); ++i) {
    const Stream stream = random_rows(seed + i, [](const Op& row, const Insn& insn) {
      return is_shared(row, insn) && clang_reads(row, insn);
    });
    std::string source;
    for (std::size_t n = 0; n < stream.rows.size(); ++n) source += stream.line(n) + "\n";
    const auto bytes = assemble_by_clang(source);
    if (!bytes) FAIL(bytes.error().what, ", SKEP_SEED=", seed + i);
    const auto program = isa::decode(*bytes);
    REQUIRE(program);
    for (std::size_t n = 0; n < std::min(program->size(), stream.program.size()); ++n)
      if ((*program)[n] != stream.program[n])
        FAIL("insn ", n, ", SKEP_SEED=", seed + i, ": clang reads ",
             print_hex(isa::encode(std::span(*program).subspan(n, 1))), ", we ",
             print_hex(isa::encode(std::span(stream.program).subspan(n, 1))));
    CHECK(program->size() == stream.program.size());
  }
}

}  // namespace skep::test
