// SPDX-License-Identifier: Apache-2.0
// The kernel dialect is the kernel's: the log of the verifier shows each instruction as we print
// it, and so does bpftool for what its own printer knows.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "abi/helper_names.h"
#include "base/file.h"
#include "isa/check.h"
#include "isa/print.h"
#include "tests/oracle/kernel_surroundings.h"
#include "tests/oracle/llvm_tools.h"
#include "tests/support/linux_bpf.h"
#include "tests/support/random_program.h"
#include "tests/support/rounds.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

using isa::Insn;
using isa::Op;
using isa::Program;
using isa::Shape;

constexpr isa::PrintStyle kStyle{
    .names = {.name_of = abi::helper_name, .number_of = abi::helper_number}, .opcodes = true};

// Refused before anything is shown, or shown with addresses and names of the running kernel.
constexpr std::string_view kNotShown[] = {
    "call_kfunc",     "callx",           "imm64_map_fd",         "imm64_map_value",
    "imm64_variable", "imm64_map_index", "imm64_map_index_value"};

// "12: (b7) r1 = 5      ; R1_w=5" gives "r1 = 5"; nothing when the log does not show it.
std::optional<std::string> logged_text(const std::string& log, std::size_t at, std::uint8_t code) {
  const std::string head = text("\n{}: ({:02x}) ", at, code);
  const std::size_t found = log.find(head);
  if (found == log.npos) return std::nullopt;
  const std::size_t begin = found + head.size();
  std::string line = log.substr(begin, log.find('\n', begin) - begin);
  line.resize(std::min(line.find(" ;"), line.size()));
  line.resize(line.find_last_not_of(' ') + 1);
  return line;
}

// Random operands, but jumps and calls that lead where the surroundings are ready for them.
Surroundings surrounded(Random& random, const Op& row) {
  Surroundings surroundings(row, 0);
  const Insn suited = surroundings.insn();
  Program drawn;
  append_random_insn(random, row, drawn);
  surroundings.insn() = drawn[0];
  if (drawn.size() == 2) surroundings.second() = drawn[1];
  if (isa::target_of(row, suited, 0)) {
    surroundings.insn().offset = suited.offset;
    if (row.shape != Shape::jump_imm) surroundings.insn().imm = suited.imm;
  }
  // Helper 0 is none, though Linux has a name for it.
  if (row.shape == Shape::call_helper && surroundings.insn().imm == 0) surroundings.insn().imm = 1;
  return surroundings;
}

bool bpftool_knows(const Op& row) {
  // Linux rewrites divisions by a register, refuses some by an immediate, and puts "w0 = w0" behind
  // a compare-and-exchange of 32 bits.
  if (row.action == isa::Action::div || row.action == isa::Action::mod ||
      row.id == isa::OpId::cmpxchg32)
    return false;
  const bool shown = row.shape == Shape::alu_imm || row.shape == Shape::alu_reg ||
                     row.shape == Shape::negate || row.shape == Shape::endian ||
                     row.shape == Shape::store_imm || row.shape == Shape::store_reg ||
                     row.shape == Shape::load || row.shape == Shape::atomic ||
                     row.shape == Shape::atomic_fetch || row.shape == Shape::exchange ||
                     row.shape == Shape::compare_exchange ||
                     (row.shape == Shape::imm64 && row.action == isa::Action::value);
  return shown && row.since != isa::Since::v4 && row.since != isa::Since::linux_only;
}

// Scalars in all registers, 16 bytes of stack, then instructions that Linux accepts unseen.
Program straight_line(Random& random) {
  const Surroundings start(isa::op(isa::OpId::exit), 0);
  Program program(start.program().begin(),
                  start.program().begin() + static_cast<std::ptrdiff_t>(start.at()) - 1);
  for (int i = 0; i < 40; ++i) {
    const Op& row = random.one_of(isa::kOps);
    if (!bpftool_knows(row)) continue;
    const std::size_t at = program.size();
    append_random_insn(random, row, program);
    Insn& insn = program[at];
    const bool loads = row.shape == Shape::load;
    const bool memory = isa::fields_of(row.shape).offset;
    insn.dst %= 6;
    insn.src %= 6;
    if (memory) insn.offset = random.one_in(2) ? -8 : -16;
    if (memory) (loads ? insn.src : insn.dst) = isa::kFramePointer;
    const bool shift = row.action == isa::Action::lsh || row.action == isa::Action::rsh ||
                       row.action == isa::Action::arsh;
    if (shift && row.shape == Shape::alu_imm) insn.imm &= row.bits - 1;
  }
  program.push_back({.code = 0xb7});
  program.push_back({.code = 0x95});
  return program;
}

Result<std::string> bpftool_dump(const Fd& program) {
  const Bytes info = SKEP_TRY(read_file(text("/proc/self/fdinfo/{}", program.get())));
  const std::string_view words = as_text(info);
  const std::size_t key = words.find("prog_id:");
  if (key == words.npos) return fail(Code::not_found, "no prog_id in fdinfo");
  const long id = std::strtol(words.data() + key + 8, nullptr, 10);
  return output_of(text("PATH=$PATH:/usr/sbin bpftool prog dump xlated id {}", id));
}

}  // namespace

TEST_CASE("the verifier's log shows what we print in the kernel's dialect") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  const std::uint64_t seed = seed_or(1);
  Random random(seed);
  for (const Op& row : isa::kOps) {
    if (std::ranges::count(kNotShown, row.name) != 0) continue;
    for (std::uint64_t i = 0; i < runs_or(rounds(40)); ++i) {
      Surroundings surroundings = surrounded(random, row);
      const auto verdict = load_program({.program = surroundings.program(),
                                         .log_level = 2,
                                         .functions = surroundings.functions()});
      if (!verdict) FAIL(verdict.error().what);
      const auto theirs = logged_text(verdict->log, surroundings.at(), surroundings.insn().code);
      if (!theirs) FAIL(row.name, " is not shown: ", verdict->log);
      std::string ours = isa::print_insn(surroundings.program(), surroundings.at(), row, kStyle);
      // The log shows the distance to a subprogram as a number like any other.
      if (row.action == isa::Action::code_address)
        ours = text("r{} = {:#x}", surroundings.insn().dst, surroundings.insn().imm);
      CHECK_MESSAGE(theirs.value_or("") == ours, row.name, ", SKEP_SEED=", seed);
    }
  }
}

TEST_CASE("the verifier's log names helpers as we do") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  for (std::int32_t number = 1; number < 240; ++number) {
    Surroundings surroundings(isa::op(isa::OpId::call_helper), 0);
    surroundings.insn().imm = number;
    const auto verdict = load_program({.program = surroundings.program(), .log_level = 2});
    if (!verdict) FAIL(verdict.error().what);
    const auto theirs = logged_text(verdict->log, surroundings.at(), surroundings.insn().code);
    CHECK(theirs.value_or("not shown") == isa::print_insn(surroundings.program(), surroundings.at(),
                                                          isa::op(isa::OpId::call_helper), kStyle));
  }
}

TEST_CASE("bpftool prog dump xlated shows what we print in the kernel's dialect") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  if (!output_of("PATH=$PATH:/usr/sbin bpftool version")) return skip("no bpftool");
  const std::uint64_t seed = seed_or(1);
  for (std::uint64_t i = 0; i < runs_or(rounds(60)); ++i) {
    Random random(seed + i);
    const Program program = straight_line(random);
    const auto verdict = load_program({.program = program});
    if (!verdict) FAIL(verdict.error().what);
    if (!verdict->accepted())
      FAIL("refused, SKEP_SEED=", seed + i, ": ", verdict->log, shown(program));
    const auto theirs = bpftool_dump(verdict->program);
    if (!theirs) FAIL(theirs.error().what);
    const auto ours = isa::print_program(program, kStyle);
    REQUIRE(ours);
    CHECK_MESSAGE(*theirs == *ours, "SKEP_SEED=", seed + i);
  }
}

}  // namespace skep::test
