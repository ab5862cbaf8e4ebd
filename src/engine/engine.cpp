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

std::string bytes_of(std::uint64_t count) {
  return text("{} byte{}", count, count == 1 ? "" : "s");
}

// How far the address lies from the bytes at `begin`; 0 inside.
std::uint64_t gap(std::uint64_t address, std::uint64_t begin, std::uint64_t bytes) {
  if (address < begin) return begin - address;
  return address - begin < bytes ? 0 : address - begin - bytes + 1;
}

// The region nearest to the address; nullptr when the stack frame is nearer.
const Region* nearest_region(const Access& access, const Input& input) {
  const auto to_region = [&](const Region& region) {
    return gap(access.address, region.begin, region.bytes);
  };
  const auto nearest = std::ranges::min_element(input.regions, {}, to_region);
  if (nearest == input.regions.end()) return nullptr;
  const std::uint64_t to_stack =
      gap(access.address, access.frame_top - isa::kStackBytes, isa::kStackBytes);
  return to_region(*nearest) <= to_stack ? &*nearest : nullptr;
}

// "mem+64", "mem-8" or "r10-512"
std::string place_of(const Access& access, const Region* region) {
  const std::string_view name = region == nullptr ? "r10" : region->name;
  const std::uint64_t from = region == nullptr ? access.frame_top : region->begin;
  return text("{}{:+}", name, static_cast<std::int64_t>(access.address - from));
}

// "mem+64, past the 64 bytes of mem"
std::string describe_place(const Access& access, const Input& input) {
  if (access.address < kNear) return text("address {:#x}, a null pointer", access.address);
  const Region* region = nearest_region(access, input);
  const std::uint64_t begin =
      region == nullptr ? access.frame_top - isa::kStackBytes : region->begin;
  const std::uint64_t bytes = region == nullptr ? isa::kStackBytes : region->bytes;
  if (gap(access.address, begin, bytes) > kNear)
    return text("address {:#x}, which belongs to nothing the program may use", access.address);
  const std::string place = place_of(access, region);
  if (region == nullptr)
    return text("{}, outside the {} of this stack frame", place, bytes_of(bytes));
  if (access.address < begin)
    return text("{}, before the {} of {}", place, bytes_of(bytes), region->name);
  if (access.address - begin + access.bytes <= bytes)
    return text("{}, but {} is read only", place, region->name);
  return text("{}, past the {} of {}", place, bytes_of(bytes), region->name);
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
    case Ending::bad_callback:
      return text("insn {}: a helper was to call back {:#x}, which is no subprogram", outcome.at,
                  outcome.callee);
    case Ending::bad_write:
      return text("insn {}: write to r10, the frame pointer, which is read only", outcome.at);
    case Ending::misaligned:
      return text("insn {}: atomic access of {} at {}, which is not aligned", outcome.at,
                  bytes_of(outcome.access.bytes),
                  place_of(outcome.access, nearest_region(outcome.access, input)));
    case Ending::bad_access:
      return text("insn {}: {} of {} at {}", outcome.at, outcome.access.write ? "write" : "read",
                  bytes_of(outcome.access.bytes), describe_place(outcome.access, input));
  }
  return "?";
}

}  // namespace skep::engine
