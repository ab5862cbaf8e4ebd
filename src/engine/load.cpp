// SPDX-License-Identifier: Apache-2.0
#include "engine/load.h"

#include <algorithm>
#include <bit>

#include "isa/check.h"

namespace skep::engine {

namespace {

using isa::Action;
using isa::Shape;

bool is_tail_call(const isa::Insn& insn, const Calls& calls) {
  return calls.tail_call != nullptr && static_cast<std::uint32_t>(insn.imm) == kTailCallHelper;
}

Result<std::int64_t> resolve_helper(const isa::Insn& insn, const Calls& calls) {
  const HelperFunction found = calls.find_helper(static_cast<std::uint32_t>(insn.imm));
  if (found == nullptr)
    return fail(Code::unsupported, "helper {} is not there to be called", insn.imm);
  return std::bit_cast<std::int64_t>(found);
}

Result<std::int64_t> resolve_kfunc(const isa::Insn& insn, const Calls& calls) {
  const HelperFunction found = calls.find_kfunc(insn.imm, insn.offset);
  if (found == nullptr)
    return fail(Code::unsupported, "kfunc {} is not there to be called", insn.imm);
  return std::bit_cast<std::int64_t>(found);
}

Result<std::int64_t> resolve_imm64(std::span<const isa::Insn> program, std::size_t at,
                                   const isa::Op& row, const Calls& calls) {
  if (row.action == Action::value)
    return static_cast<std::int64_t>(isa::imm64(program[at], program[at + 1]));
  if (row.action == Action::code_address) {
    const std::int64_t target = isa::target_of(row, program[at], at).value_or(0);
    return static_cast<std::int64_t>(kCodeAddress) + target;
  }
  if (const auto value = calls.find_value(program[at], program[at + 1]))
    return static_cast<std::int64_t>(*value);
  return fail(Code::unsupported, "{} must be resolved to an address before the program can run",
              row.name);
}

Result<Step> load_step(std::span<const isa::Insn> program, std::size_t at, const isa::Op& row,
                       const Calls& calls) {
  const isa::Insn& insn = program[at];
  Step step{.imm = insn.imm, .offset = insn.offset, .dst = insn.dst, .src = insn.src, .op = row.id};
  if (const auto target = isa::target_of(row, insn, at))
    step.target = static_cast<std::int32_t>(*target - static_cast<std::int64_t>(at));
  switch (row.shape) {
    case Shape::call_helper:
      step.is_tail_call = is_tail_call(insn, calls);
      if (step.is_tail_call)
        step.imm = std::bit_cast<std::int64_t>(calls.tail_call);
      else
        step.imm = SKEP_TRY(resolve_helper(insn, calls));
      break;
    case Shape::call_kfunc:
      step.imm = SKEP_TRY(resolve_kfunc(insn, calls));
      break;
    case Shape::imm64:
      step.imm = SKEP_TRY(resolve_imm64(program, at, row, calls));
      break;
    default:
      break;
  }
  return step;
}

void sort_and_unite(std::vector<std::uint32_t>& places) {
  std::ranges::sort(places);
  const auto repeated = std::ranges::unique(places);
  places.erase(repeated.begin(), repeated.end());
}

}  // namespace

Result<Loaded> load_steps(std::span<const isa::Insn> program, const Calls& calls) {
  SKEP_TRY(isa::check_program(program));
  Loaded loaded;
  loaded.steps.resize(program.size());
  for (std::size_t at = 0; at < program.size(); ++at) {
    const isa::Op& row = *isa::find_op(program[at]);
    Result<Step> step = load_step(program, at, row, calls);
    if (!step) return std::unexpected(in(text("insn {}", at), std::move(step)).error());
    loaded.steps[at] = *step;
    const bool takes_address = row.action == Action::code_address;
    loaded.takes_code_address |= takes_address;
    if (takes_address || row.shape == Shape::call_local)
      loaded.subprograms.push_back(
          static_cast<std::uint32_t>(static_cast<std::int64_t>(at) + step->target));
    if (row.shape == Shape::imm64) ++at;
  }
  sort_and_unite(loaded.subprograms);
  return loaded;
}

std::optional<std::uint32_t> find_subprogram(std::span<const std::uint32_t> subprograms,
                                             std::uint64_t code_address) {
  const std::uint64_t place = code_address - kCodeAddress;
  const auto found = std::ranges::lower_bound(subprograms, place);
  if (found == subprograms.end() || *found != place) return std::nullopt;
  return *found;
}

}  // namespace skep::engine
