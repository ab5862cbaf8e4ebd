// SPDX-License-Identifier: Apache-2.0
// Bytes, instructions and text are three forms of one thing: whichever way they are changed into
// each other, nothing is lost. And the one thing that is no instruction is refused.
#include <doctest/doctest.h>

#include "abi/helper_names.h"
#include "isa/assemble.h"
#include "isa/check.h"
#include "isa/print.h"
#include "tests/support/random_program.h"
#include "tests/support/rounds.h"

namespace skep::test {

namespace {

using isa::Dialect;
using isa::PrintStyle;
using isa::Program;

constexpr isa::HelperNames kNames{.name_of = abi::helper_name, .number_of = abi::helper_number};

std::vector<PrintStyle> all_styles() {
  std::vector<PrintStyle> styles;
  for (const Dialect dialect : {Dialect::kernel, Dialect::llvm})
    for (unsigned bits = 0; bits < 32; ++bits)
      styles.push_back({.dialect = dialect,
                        .names = (bits & 1) != 0 ? kNames : isa::HelperNames{},
                        .labels = (bits & 2) != 0,
                        .index = (bits & 4) != 0,
                        .opcodes = (bits & 8) != 0,
                        .bytes = (bits & 16) != 0});
  return styles;
}

bool survives(const Program& program, const PrintStyle& style) {
  const auto text = isa::print_program(program, style);
  if (!text) return false;
  const auto again = isa::assemble(*text, "printed", kNames);
  return again && *again == program;
}

// One line of why, for a stream that does not survive.
std::string loss(const Program& program, const PrintStyle& style) {
  const auto text = isa::print_program(program, style);
  if (!text) return text.error().what;
  const auto again = isa::assemble(*text, "printed", kNames);
  return *text + (again ? "reads as " + print_hex(isa::encode(*again)) : again.error().what) +
         "\nfrom     " + print_hex(isa::encode(program));
}

void check_survival(std::uint64_t seed, const Program& program, const PrintStyle& style) {
  if (survives(program, style)) return;
  // Streams have jumps that go nowhere, so they are shrunk by halves from both ends.
  Program small = program;
  for (std::size_t at = 0; at < small.size();) {
    const std::size_t slots = isa::is_imm64(small[at]) ? 2 : 1;
    Program less = small;
    less.erase(less.begin() + static_cast<std::ptrdiff_t>(at),
               less.begin() + static_cast<std::ptrdiff_t>(at + slots));
    if (!less.empty() && !survives(less, style))
      small = std::move(less);
    else
      at += slots;
  }
  FAIL("SKEP_SEED=", seed, " SKEP_RUNS=1\n", loss(small, style));
}

}  // namespace

TEST_CASE("decode undoes encode in both byte orders") {
  const std::uint64_t seed = seed_or(1);
  for (std::uint64_t i = 0; i < runs_or(rounds(20'000)); ++i) {
    Random random(seed + i);
    const Program program = random_stream(random, 8);
    for (const std::endian order : {std::endian::little, std::endian::big}) {
      const Bytes bytes = isa::encode(program, order);
      const auto again = isa::decode(bytes, order);
      if (!again || *again != program) FAIL("SKEP_SEED=", seed + i, " ", print_hex(bytes));
    }
  }
}

TEST_CASE("any bytes decode, and encode to themselves") {
  const std::uint64_t seed = seed_or(1);
  for (std::uint64_t i = 0; i < runs_or(rounds(20'000)); ++i) {
    Random random(seed + i);
    Bytes bytes(64);
    for (std::size_t at = 0; at < bytes.size(); ++at) bytes[at] = std::byte(random.next());
    for (const std::endian order : {std::endian::little, std::endian::big}) {
      const auto program = isa::decode(bytes, order);
      if (!program || isa::encode(*program, order) != bytes) FAIL("SKEP_SEED=", seed + i);
    }
  }
}

TEST_CASE("every row survives print and assemble alone in every style") {
  const std::uint64_t seed = seed_or(1);
  const auto styles = all_styles();
  for (std::uint64_t i = 0; i < runs_or(rounds(20)); ++i) {
    Random random(seed + i);
    for (const isa::Op& row : isa::kOps) {
      Program program;
      append_random_insn(random, row, program);
      for (const PrintStyle& style : styles) check_survival(seed + i, program, style);
    }
  }
}

TEST_CASE("streams survive print and assemble in every style") {
  const std::uint64_t seed = seed_or(1);
  const auto styles = all_styles();
  for (std::uint64_t i = 0; i < runs_or(rounds(20'000)); ++i) {
    Random random(seed + i);
    const Program program = random_stream(random, 1 + random.below(24));
    check_survival(seed + i, program, styles[i % styles.size()]);
  }
}

TEST_CASE("executable programs survive print and assemble in every style") {
  const std::uint64_t seed = seed_or(1);
  const auto styles = all_styles();
  Program program;
  for (std::uint64_t i = 0; i < runs_or(rounds(10'000)); ++i) {
    Random random(seed + i);
    random_executable(random, program);
    check_survival(seed + i, program, styles[i % styles.size()]);
  }
}

TEST_CASE("every row is found by its own instructions") {
  Random random(seed_or(1));
  for (std::uint64_t i = 0; i < rounds(1'000); ++i) {
    for (const isa::Op& row : isa::kOps) {
      Program program;
      append_random_insn(random, row, program);
      const auto found = isa::check_insn(program, 0);
      if (!found) FAIL(row.name, ": ", found.error().what);
      if (*found != &row) FAIL(row.name, " is taken for ", (*found)->name);
    }
  }
}

// A changed selector may choose another row; every other reserved field must be refused by name.
TEST_CASE("each reserved field of each row is refused when it is set") {
  struct Field {
    const char* name;
    bool isa::Fields::* used;
    isa::Selector selector;
    void (*set)(isa::Insn&, Random&);
  };
  const Field fields[] = {
      {"destination register", &isa::Fields::dst, isa::Selector::none,
       [](isa::Insn& insn, Random& random) { insn.dst = std::uint8_t(1 + random.below(10)); }},
      {"source register", &isa::Fields::src, isa::Selector::src,
       [](isa::Insn& insn, Random& random) { insn.src = std::uint8_t(1 + random.below(10)); }},
      {"offset", &isa::Fields::offset, isa::Selector::offset,
       [](isa::Insn& insn, Random& random) {
         while (insn.offset == 0) insn.offset = random.offset();
       }},
      {"immediate", &isa::Fields::imm, isa::Selector::imm,
       [](isa::Insn& insn, Random& random) {
         while (insn.imm == 0) insn.imm = random.imm();
       }},
  };
  Random random(seed_or(1));
  for (const isa::Op& row : isa::kOps) {
    for (const Field& field : fields) {
      if (isa::fields_of(row.shape).*field.used) continue;
      const bool selects = field.selector != isa::Selector::none && row.selector == field.selector;
      if (selects) continue;
      for (int i = 0; i < 20; ++i) {
        Program program;
        append_random_insn(random, row, program);
        field.set(program[0], random);
        const auto found = isa::check_insn(program, 0);
        REQUIRE_MESSAGE(!found, row.name, " accepts its ", field.name);
        CHECK_MESSAGE(found.error().what.find(field.name) != std::string::npos, row.name, ": ",
                      found.error().what);
      }
    }
  }
}

TEST_CASE("a selector that no row has is refused") {
  Random random(seed_or(1));
  for (const isa::Op& row : isa::kOps) {
    if (row.selector == isa::Selector::none) continue;
    for (int i = 0; i < 200; ++i) {
      Program program;
      append_random_insn(random, row, program);
      isa::Insn& insn = program[0];
      if (row.selector == isa::Selector::src) insn.src = std::uint8_t(random.below(16));
      if (row.selector == isa::Selector::offset) insn.offset = random.offset();
      if (row.selector == isa::Selector::imm) insn.imm = random.imm();
      const isa::Op* expected = nullptr;
      for (const isa::Op& other : isa::kOps) {
        const std::int64_t value = row.selector == isa::Selector::src      ? insn.src
                                   : row.selector == isa::Selector::offset ? insn.offset
                                                                           : insn.imm;
        if (other.code == row.code && other.selected == value) expected = &other;
      }
      CHECK_MESSAGE(isa::find_op(insn) == expected, row.name);
      if (expected == nullptr) CHECK_MESSAGE(!isa::check_insn(program, 0), row.name);
    }
  }
}

TEST_CASE("registers beyond r10 and a broken second slot are refused") {
  Random random(seed_or(1));
  for (const isa::Op& row : isa::kOps) {
    Program program;
    append_random_insn(random, row, program);
    for (std::uint8_t reg = isa::kRegisters; reg < 16; ++reg) {
      Program bad = program;
      bad[0].dst = reg;
      CHECK_MESSAGE(!isa::check_insn(bad, 0), row.name, " to r", reg);
      bad = program;
      bad[0].src = reg;
      CHECK_MESSAGE(!isa::check_insn(bad, 0), row.name, " from r", reg);
    }
    if (row.shape != isa::Shape::imm64) continue;
    for (const isa::Insn second :
         {isa::Insn{.code = 1}, isa::Insn{.dst = 1}, isa::Insn{.src = 1}, isa::Insn{.offset = 1}}) {
      const Program bad = {program[0], second};
      CHECK_MESSAGE(!isa::check_insn(bad, 0), row.name);
    }
    CHECK(!isa::check_insn(Program{program[0]}, 0));
  }
}

}  // namespace skep::test
