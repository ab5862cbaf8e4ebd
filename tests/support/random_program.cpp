// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_program.h"

#include <cstdlib>
#include <limits>

#include "isa/check.h"
#include "isa/print.h"

namespace skep::test {

namespace {

using isa::Action;
using isa::Insn;
using isa::Op;
using isa::Program;
using isa::Shape;

constexpr std::int32_t kCasts[] = {0x00001, 0x10000};

constexpr std::uint64_t kBoundaries[] = {
    0,      1,           2,           0x7f,        0x80,       0xff,       0x7fff,     0x8000,
    0xffff, 0x7fff'ffff, 0x8000'0000, 0xffff'ffff, 1ULL << 32, 1ULL << 62, 1ULL << 63, 8,
    15,     16,          31,          32,          33,         63,         64,         65,
};

std::uint64_t from_environment(const char* name, std::uint64_t standard) {
  const char* value = std::getenv(name);
  return value == nullptr ? standard : std::strtoull(value, nullptr, 0);
}

// A program as units that know each other, so that one can be left out.
struct Unit {
  Insn insn;
  std::int32_t high = 0;
  std::size_t target = std::numeric_limits<std::size_t>::max();  // index of a unit
};

std::vector<Unit> units_of(const Program& program) {
  std::vector<std::size_t> unit_at(program.size() + 1);
  std::vector<Unit> units;
  for (std::size_t at = 0; at < program.size(); ++at) {
    unit_at[at] = units.size();
    Unit unit{.insn = program[at]};
    if (isa::is_imm64(unit.insn)) unit.high = program[++at].imm;
    units.push_back(unit);
  }
  std::size_t at = 0;
  for (Unit& unit : units) {
    if (const auto target = isa::target_of(*isa::find_op(unit.insn), unit.insn, at))
      unit.target = unit_at[static_cast<std::size_t>(*target)];
    at += isa::is_imm64(unit.insn) ? 2 : 1;
  }
  return units;
}

Program program_of(const std::vector<Unit>& units) {
  std::vector<std::int64_t> slot_of;
  std::int64_t slots = 0;
  for (const Unit& unit : units) {
    slot_of.push_back(slots);
    slots += isa::is_imm64(unit.insn) ? 2 : 1;
  }
  Program program;
  for (const Unit& unit : units) {
    Insn insn = unit.insn;
    if (unit.target < units.size()) {
      const std::int64_t distance =
          slot_of[unit.target] - static_cast<std::int64_t>(program.size()) - 1;
      if (isa::fields_of(isa::find_op(insn)->shape).offset)
        insn.offset = static_cast<std::int16_t>(distance);
      else
        insn.imm = static_cast<std::int32_t>(distance);
    }
    program.push_back(insn);
    if (isa::is_imm64(insn)) program.push_back({.imm = unit.high});
  }
  return program;
}

std::vector<Unit> without(const std::vector<Unit>& units, std::size_t first, std::size_t count) {
  std::vector<Unit> left;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (i >= first && i < first + count) continue;
    left.push_back(units[i]);
    std::size_t& target = left.back().target;
    if (target >= units.size()) continue;
    if (target >= first + count)
      target -= count;
    else if (target > first)
      target = first;
  }
  return left;
}

template <std::uint64_t kSalt>
std::uint64_t mix(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d,
                  std::uint64_t e, void*) {
  std::uint64_t mixed = kSalt;
  for (const std::uint64_t argument : {a, b, c, d, e})
    mixed = (mixed ^ argument) * 0x9e37'79b9'7f4a'7c15 + (mixed >> 29);
  return mixed;
}

engine::HelperFunction find_mix(std::uint32_t number) {
  constexpr engine::HelperFunction kFunctions[] = {mix<1>, mix<2>, mix<3>};
  return number >= 1 && number <= 3 ? kFunctions[number - 1] : nullptr;
}

engine::HelperFunction find_kfunc(std::int32_t btf_id, std::int16_t) {
  return find_mix(static_cast<std::uint32_t>(btf_id));
}

constexpr engine::Calls kCalls{.helper = find_mix, .kfunc = find_kfunc};

}  // namespace

// splitmix64: short, and every seed is good.
std::uint64_t Random::next() {
  state_ += 0x9e37'79b9'7f4a'7c15;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58'476d'1ce4'e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d0'49bb'1331'11eb;
  return mixed ^ (mixed >> 31);
}

std::uint64_t Random::value() {
  const std::uint64_t boundary = one_of(kBoundaries);
  switch (below(8)) {
    case 0:
      return next();
    case 1:
      return next() >> below(64);
    case 2:
      return std::uint64_t{1} << below(64);
    case 3:
      return 0 - boundary;
    case 4:
      return boundary + below(3) - 1;
    case 5:
      return ~boundary;
    default:
      return boundary;
  }
}

std::int32_t Random::imm() { return static_cast<std::int32_t>(value()); }

std::int16_t Random::offset() { return static_cast<std::int16_t>(value()); }

std::uint64_t seed_or(std::uint64_t standard) { return from_environment("SKEP_SEED", standard); }

std::uint64_t runs_or(std::uint64_t standard) { return from_environment("SKEP_RUNS", standard); }

void append_random_insn(Random& random, const Op& row, Program& out) {
  Insn insn = blank(row);
  const isa::Fields used = isa::fields_of(row.shape);
  if (used.dst) insn.dst = static_cast<std::uint8_t>(random.below(isa::kRegisters));
  if (used.src) insn.src = static_cast<std::uint8_t>(random.below(isa::kRegisters));
  if (used.offset) insn.offset = random.offset();
  if (used.imm) insn.imm = random.imm();
  if (row.shape == Shape::space_cast) insn.imm = random.one_of(kCasts);
  out.push_back(insn);
  if (row.shape != Shape::imm64) return;
  const bool high = row.action == Action::value || row.action == Action::map_value ||
                    row.action == Action::map_index_value || row.action == Action::variable;
  out.push_back({.imm = high ? random.imm() : 0});
}

Program random_stream(Random& random, std::size_t insns) {
  Program out;
  for (std::size_t i = 0; i < insns; ++i) append_random_insn(random, random.one_of(isa::kOps), out);
  return out;
}

const engine::Calls& test_calls() { return kCalls; }

Program shrink(Program program, const std::function<bool(const Program&)>& fails) {
  std::vector<Unit> units = units_of(program);
  for (std::size_t count = units.size() / 2; count > 0;) {
    bool smaller = false;
    for (std::size_t first = units.size() - count + 1; first-- > 0;) {
      if (first + count > units.size()) continue;
      const std::vector<Unit> left = without(units, first, count);
      Program candidate = program_of(left);
      if (!isa::check_program(candidate) || !fails(candidate)) continue;
      units = left;
      program = std::move(candidate);
      smaller = true;
    }
    if (!smaller || count > units.size()) count /= 2;
  }
  return program;
}

std::string shown(const Program& program) {
  return "\n" + isa::print_program(program, {.names = {}, .labels = true, .index = false})
                    .value_or("not printable\n");
}

}  // namespace skep::test
