// SPDX-License-Identifier: Apache-2.0
// What check_insn refuses, Linux refuses, and the other way round. The differences are listed here
// and in docs/isa.md, and a difference that goes away fails the test as well.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "isa/check.h"
#include "tests/oracle/kernel_surroundings.h"
#include "tests/support/linux_bpf.h"
#include "tests/support/random_program.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

using isa::Action;
using isa::Fields;
using isa::Insn;
using isa::Op;
using isa::Selector;
using isa::Shape;
using Names = std::set<std::string>;

// Rows that Linux refuses in every program of this shape: it never runs callx, and the others want
// an arena, a kernel function, a kernel variable or a table of map fds.
constexpr std::string_view kWantMore[] = {"addr_space_cast", "call_kfunc",
                                          "callx",           "imm64_variable",
                                          "imm64_map_index", "imm64_map_index_value"};

// Reserved by our reading, not looked at by Linux.
constexpr std::string_view kIgnoredByLinux[] = {"exit offset",
                                                "imm64_code_address second immediate"};

// The names of a list as a set, to be compared with what was found.
template <std::size_t Count>
Names all_of(const std::string_view (&names)[Count]) {
  return {std::begin(names), std::end(names)};
}

struct Field {
  const char* name;
  bool (*reserved)(const Op& row);
  void (*set)(Surroundings& surroundings);
};

bool is_imm64(const Op& row) { return row.shape == Shape::imm64; }

constexpr Field kFields[] = {
    {"destination", [](const Op& row) { return !fields_of(row.shape).dst; },
     [](Surroundings& s) { s.insn().dst = 2; }},
    {"source",
     [](const Op& row) { return !fields_of(row.shape).src && row.selector != Selector::src; },
     [](Surroundings& s) { s.insn().src = 2; }},
    {"offset",
     [](const Op& row) { return !fields_of(row.shape).offset && row.selector != Selector::offset; },
     [](Surroundings& s) { s.insn().offset = 2; }},
    {"immediate",
     [](const Op& row) { return !fields_of(row.shape).imm && row.selector != Selector::imm; },
     [](Surroundings& s) { s.insn().imm = 2; }},
    {"second opcode", is_imm64, [](Surroundings& s) { s.second().code = 0x18; }},
    {"second destination", is_imm64, [](Surroundings& s) { s.second().dst = 1; }},
    {"second source", is_imm64, [](Surroundings& s) { s.second().src = 1; }},
    {"second offset", is_imm64, [](Surroundings& s) { s.second().offset = 1; }},
    {"second immediate",
     [](const Op& row) {
       return row.action == Action::map_fd || row.action == Action::map_index ||
              row.action == Action::code_address;
     },
     [](Surroundings& s) { s.second().imm = 4; }},
};

Verdict verdict_on(const Surroundings& surroundings, const std::vector<std::uint32_t>& functions) {
  auto verdict = load_program({.program = surroundings.program(), .functions = functions});
  if (!verdict) FAIL(verdict.error().what);
  return *std::move(verdict);
}

bool we_accept(Surroundings& surroundings) {
  return isa::check_insn(surroundings.program(), surroundings.at()).has_value();
}

}  // namespace

TEST_CASE("Linux accepts an instruction of every row") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  const auto map = create_map({});
  REQUIRE(map);
  Names refused;
  for (const Op& row : isa::kOps) {
    Surroundings surroundings(row, map->get());
    CHECK_MESSAGE(we_accept(surroundings), row.name);
    const Verdict verdict = verdict_on(surroundings, surroundings.functions());
    if (!verdict.accepted()) refused.emplace(row.name);
    if (!verdict.accepted() && std::ranges::count(kWantMore, row.name) == 0)
      FAIL_CHECK(row.name, ": ", verdict.log);
  }
  CHECK(refused == all_of(kWantMore));
}

TEST_CASE("Linux refuses each reserved field that we refuse") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  const auto map = create_map({});
  REQUIRE(map);
  Names ignored;
  for (const Op& row : isa::kOps) {
    if (std::ranges::count(kWantMore, row.name) != 0) continue;  // refused with any field
    for (const Field& field : kFields) {
      if (!field.reserved(row)) continue;
      Surroundings surroundings(row, map->get());
      const auto functions = surroundings.functions();
      field.set(surroundings);
      CHECK_MESSAGE(!we_accept(surroundings), row.name, " ", field.name);
      if (verdict_on(surroundings, functions).accepted())
        ignored.insert(text("{} {}", row.name, field.name));
    }
  }
  for (const std::string& name : ignored)
    CHECK_MESSAGE(all_of(kIgnoredByLinux).contains(name), name, " is ignored by Linux");
  CHECK(ignored == all_of(kIgnoredByLinux));
}

// Any opcode with any fields: if Linux takes it, it must be in the table.
TEST_CASE("Linux knows no instruction that the table lacks") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  const auto map = create_map({});
  REQUIRE(map);
  const std::uint64_t seed = seed_or(1);
  Random random(seed);
  constexpr std::int16_t kOffsets[] = {0, 0, 0, 1, 8, 16, 32, -8, -16};
  constexpr std::int32_t kImms[] = {0, 0, 1, 16, 32, 64, 0x40, 0xe1, 0xf1, 0x100, 0x110};
  constexpr std::uint8_t kDsts[] = {0, 2, 2, 10};
  constexpr std::uint8_t kSrcs[] = {0, 0, 1, 2, 3, 10};
  std::uint64_t accepted = 0;
  for (unsigned code = 0; code < 256; ++code) {
    const std::uint64_t runs = runs_or(isa::find_op(Insn{.code = std::uint8_t(code)}) ? 60 : 15);
    for (std::uint64_t i = 0; i < runs; ++i) {
      Surroundings surroundings(isa::op(isa::OpId::mov64_imm), map->get());
      Insn& insn = surroundings.insn();
      insn = {.code = static_cast<std::uint8_t>(code),
              .dst = random.one_of(kDsts),
              .src = random.one_of(kSrcs),
              .offset = random.one_in(8) ? random.offset() : random.one_of(kOffsets),
              .imm = random.one_in(8) ? random.imm() : random.one_of(kImms)};
      const Verdict verdict = verdict_on(surroundings, {});
      accepted += verdict.accepted() ? 1 : 0;
      const bool ignored = code == blank(isa::op(isa::OpId::exit)).code && insn.offset != 0;
      if (verdict.accepted() && !we_accept(surroundings) && !ignored)
        FAIL_CHECK("Linux takes what we refuse: ", print_hex(isa::encode({&insn, 1})), ": ",
                   isa::check_insn(surroundings.program(), surroundings.at()).error().what);
    }
  }
  CHECK(accepted > 300);
}

}  // namespace skep::test
