// SPDX-License-Identifier: Apache-2.0
#include "engine/load.h"

#include <bit>

#include "isa/check.h"

namespace skep::engine {

namespace {

using isa::Action;
using isa::Shape;

Result<std::int64_t> resolve_helper(const isa::Insn& insn, const Calls& calls) {
  const auto number = static_cast<std::uint32_t>(insn.imm);
  const HelperFunction found = calls.helper != nullptr ? calls.helper(number) : nullptr;
  if (found == nullptr)
    return fail(Code::unsupported, "helper {} is not there to be called", insn.imm);
  return std::bit_cast<std::int64_t>(found);
}

Result<std::int64_t> resolve_kfunc(const isa::Insn& insn, const Calls& calls) {
  const HelperFunction found =
      calls.kfunc != nullptr ? calls.kfunc(insn.imm, insn.offset) : nullptr;
  if (found == nullptr)
    return fail(Code::unsupported, "kfunc {} is not there to be called", insn.imm);
  return std::bit_cast<std::int64_t>(found);
}

Result<std::int64_t> resolve_imm64(std::span<const isa::Insn> program, std::size_t at,
                                   const isa::Op& row) {
  if (row.action == Action::value)
    return static_cast<std::int64_t>(isa::imm64(program[at], program[at + 1]));
  if (row.action == Action::code_address) {
    const std::int64_t target = isa::target_of(row, program[at], at).value_or(0);
    return static_cast<std::int64_t>(kCodeAddress) + target;
  }
  return fail(Code::unsupported, "{} must be resolved to an address before the program can run",
              row.name);
}

Result<Step> load_step(std::span<const isa::Insn> program, std::size_t at, const isa::Op& row,
                       const Calls& calls) {
  const isa::Insn& insn = program[at];
  Step step{.imm = insn.imm, .offset = insn.offset, .dst = insn.dst, .src = insn.src, .op = row.id};
  if (const auto target = isa::target_of(row, insn, at))
    step.target = static_cast<std::int32_t>(*target - static_cast<std::int64_t>(at));
  if (row.shape == Shape::call_helper) step.imm = SKEP_TRY(resolve_helper(insn, calls));
  if (row.shape == Shape::call_kfunc) step.imm = SKEP_TRY(resolve_kfunc(insn, calls));
  if (row.shape == Shape::imm64) step.imm = SKEP_TRY(resolve_imm64(program, at, row));
  return step;
}

}  // namespace

Result<std::vector<Step>> load_steps(std::span<const isa::Insn> program, const Calls& calls) {
  SKEP_TRY(isa::check_program(program));
  std::vector<Step> steps(program.size());
  for (std::size_t at = 0; at < program.size(); ++at) {
    const isa::Op& row = *isa::find_op(program[at]);
    Result<Step> step = load_step(program, at, row, calls);
    if (!step) return std::unexpected(in(text("insn {}", at), std::move(step)).error());
    steps[at] = *step;
    if (row.shape == Shape::imm64) ++at;
  }
  return steps;
}

}  // namespace skep::engine
