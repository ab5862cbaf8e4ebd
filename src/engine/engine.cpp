// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <algorithm>
#include <array>

#include "engine/checked.h"
#include "engine/interpreter.h"

namespace skep::engine {

namespace {

constexpr auto kEngines = std::to_array<EngineType>({
    {"interpreter", "direct-threaded, memory used as the program says", true, load_interpreter},
    {"checked", "every memory access checked, every instruction counted", false, load_checked},
});

// Farther away than this, a place says nothing about what the program meant.
constexpr std::uint64_t kNear = 1 << 16;

// "mem+64, past the 64 bytes of mem", by the nearest region at or below the address.
std::string describe_place(const Access& access, const Input& input) {
  if (access.address < kNear) return text("address {:#x}, a null pointer", access.address);
  const auto below_top = static_cast<std::int64_t>(access.address - access.frame_top);
  if (below_top < static_cast<std::int64_t>(kNear) && below_top > -static_cast<std::int64_t>(kNear))
    return text("r10{:+}, outside the {} bytes of this stack frame", below_top, isa::kStackBytes);
  const Region* nearest = nullptr;
  for (const Region& region : input.regions)
    if (region.begin <= access.address && (nearest == nullptr || region.begin > nearest->begin))
      nearest = &region;
  if (nearest == nullptr || access.address - nearest->begin > nearest->bytes + kNear)
    return text("address {:#x}, which belongs to nothing the program may use", access.address);
  const std::uint64_t offset = access.address - nearest->begin;
  const std::string place = text("{}+{}", nearest->name, offset);
  if (offset + access.bytes <= nearest->bytes)
    return text("{}, but {} is read only", place, nearest->name);
  return text("{}, past the {} bytes of {}", place, nearest->bytes, nearest->name);
}

}  // namespace

std::span<const EngineType> engines() { return kEngines; }

const EngineType* find_engine(std::string_view name) {
  const auto* found = std::ranges::find(kEngines, name, &EngineType::name);
  return found == kEngines.end() ? nullptr : found;
}

std::string describe(const Outcome& outcome, const Input& input) {
  switch (outcome.ending) {
    case Ending::exited:
      return text("insn {}: exit with r0 = {:#x}", outcome.at, outcome.r0);
    case Ending::out_of_budget:
      return text("insn {}: the budget of {} instructions is used up", outcome.at, input.budget);
    case Ending::stopped:
      return text("insn {}: stopped", outcome.at);
    case Ending::too_deep:
      return text("insn {}: this call would make {} frames; at most {} are allowed", outcome.at,
                  isa::kMaxCallDepth + 1, isa::kMaxCallDepth);
    case Ending::bad_call:
      return text("insn {}: callx to {:#x}, which is neither a helper nor a subprogram", outcome.at,
                  outcome.callee);
    case Ending::bad_write:
      return text("insn {}: write to r10, the frame pointer, which is read only", outcome.at);
    case Ending::bad_access:
      return text("insn {}: {} of {} bytes at {}", outcome.at,
                  outcome.access.write ? "write" : "read", outcome.access.bytes,
                  describe_place(outcome.access, input));
  }
  return "?";
}

}  // namespace skep::engine
