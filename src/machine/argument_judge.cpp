// SPDX-License-Identifier: Apache-2.0
#include "machine/argument_judge.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "abi/helper_names.h"
#include "machine/helpers.h"
#include "machine/machine.h"
#include "machine/program.h"
#include "machine/run.h"
#include "machine/tail_call.h"

namespace skep::machine {

namespace {

using Numbers = std::array<std::uint64_t, 5>;
using Kind = ArgumentKind;

constexpr std::uint32_t kDynptrBytes = 16;
constexpr std::uint32_t kMaxString = 4096;

// After a tail call it is another one than the run began with; the machine keeps it alive.
const Program* current_program(const Run& run) {
  if (run.program == nullptr || run.running == nullptr || run.machine == nullptr) return nullptr;
  const engine::Runnable& code = run.running->program();
  if (&run.program->runnable() == &code) return run.program;
  return static_cast<const Program*>(run.machine->owner_of(code).get());
}

class Judge {
 public:
  Judge(const Helper& helper, const Numbers& numbers, Run& run, const Program& program)
      : helper_(helper), numbers_(numbers), run_(run), program_(program) {}

  [[nodiscard]] bool allows() {
    for (std::size_t i = 0; i < numbers_.size(); ++i)
      if (!allows(i)) return false;
    return true;
  }

  // Dynptrs that the call made are known from now on.
  void note() const {
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      const Kind kind = helper_.arguments[i].kind;
      if (kind != Kind::new_dynptr && kind != Kind::new_ringbuf_dynptr) continue;
      KnownDynptr known{.at = numbers_[i]};
      std::memcpy(known.content.data(), std::bit_cast<const void*>(numbers_[i]), kDynptrBytes);
      std::erase_if(*run_.dynptrs, [&](const KnownDynptr& old) { return old.at == known.at; });
      run_.dynptrs->push_back(known);
    }
  }

 private:
  [[nodiscard]] bool reachable(std::uint64_t address, std::uint64_t bytes, bool write) const {
    return bytes <= UINT32_MAX &&
           (bytes == 0 ||
            run_.running->may_access(address, static_cast<std::uint32_t>(bytes), write));
  }

  [[nodiscard]] maps::Map* map_of(std::uint64_t address) const {
    auto* map = std::bit_cast<maps::Map*>(address);
    return program_.uses(*map) || run_.machine->is_inner_map(*map) ? map : nullptr;
  }

  // The map whose key or value comes later among the arguments.
  [[nodiscard]] const maps::MapSpec* spec() const {
    for (std::size_t i = 0; i < numbers_.size(); ++i)
      if (helper_.arguments[i].kind == Kind::map)
        if (const maps::Map* map = map_of(numbers_[i])) return &map->spec();
    return nullptr;
  }

  // A size stands behind its memory.
  [[nodiscard]] std::uint64_t size_after(std::size_t i) const {
    const bool has =
        i + 1 < numbers_.size() && (helper_.arguments[i + 1].kind == Kind::size ||
                                    helper_.arguments[i + 1].kind == Kind::size_or_zero ||
                                    helper_.arguments[i + 1].kind == Kind::allocation_size);
    return has ? numbers_[i + 1] : UINT64_MAX;
  }

  [[nodiscard]] bool is_string(std::uint64_t address) const {
    for (std::uint32_t at = 0; at < kMaxString; ++at) {
      if (!reachable(address + at, 1, false)) return false;
      if (*std::bit_cast<const char*>(address + at) == '\0') return true;
    }
    return false;
  }

  [[nodiscard]] bool is_known_dynptr(std::uint64_t address) const {
    if (!reachable(address, kDynptrBytes, true)) return false;
    return std::ranges::any_of(*run_.dynptrs, [&](const KnownDynptr& known) {
      return known.at == address &&
             std::memcmp(known.content.data(), std::bit_cast<const void*>(address), kDynptrBytes) ==
                 0;
    });
  }

  [[nodiscard]] bool allows(std::size_t i) const {
    const Argument& argument = helper_.arguments[i];
    const std::uint64_t number = numbers_[i];
    switch (argument.kind) {
      case Kind::none:
      case Kind::anything:
      case Kind::size:
      case Kind::size_or_zero:
      case Kind::allocation_size:
      case Kind::function:
        return true;
      case Kind::map:
        return map_of(number) != nullptr;
      case Kind::map_key:
        return spec() != nullptr && reachable(number, spec()->key_bytes, false);
      case Kind::map_value_or_null:
        if (number == 0) return true;
        [[fallthrough]];
      case Kind::map_value:
        return spec() != nullptr && reachable(number, spec()->value_bytes, false);
      case Kind::new_map_value:
        return spec() != nullptr && reachable(number, spec()->value_bytes, true);
      case Kind::memory_or_null:
        if (number == 0) return true;
        [[fallthrough]];
      case Kind::memory:
        return reachable(number, size_after(i), false);
      case Kind::out_memory_or_null:
      case Kind::new_memory_or_null:
        if (number == 0) return true;
        [[fallthrough]];
      case Kind::new_memory:
      case Kind::out_memory:
        return reachable(number, size_after(i), true);
      case Kind::stack_or_null:
        return number == 0 || reachable(number, 1, true);
      case Kind::context_or_null:
        if (number == 0) return true;
        [[fallthrough]];
      case Kind::context:
        return number == std::bit_cast<std::uint64_t>(run_.context);
      case Kind::record:
        return reachable(number, argument.bytes, false);
      case Kind::number_out:
      case Kind::number_inout:
        return reachable(number, argument.bytes, true);
      case Kind::constant_string:
        return is_string(number);
      case Kind::spin_lock:
        return number % 4 == 0 && reachable(number, 4, true);
      case Kind::new_dynptr:
      case Kind::new_ringbuf_dynptr:
        return reachable(number, kDynptrBytes, true);
      case Kind::dynptr:
      case Kind::released_ringbuf_dynptr:
        return is_known_dynptr(number);
      // The run remembers what it reserved, and looks there.
      case Kind::ringbuf_memory:
        return true;
      // A number can say that it is a pointer to one of these; only a verifier knows.
      case Kind::socket_or_null:
      case Kind::btf_sock_common_or_null:
      case Kind::btf_or_null:
      case Kind::released_kptr_or_null:
        return number == 0;
      case Kind::sock_common:
      case Kind::socket:
      case Kind::btf_sock_common:
      case Kind::released_sock:
      case Kind::btf:
      case Kind::percpu_btf:
      case Kind::timer:
      case Kind::kptr_field:
        return false;
    }
    return false;
  }

  const Helper& helper_;
  const Numbers& numbers_;
  Run& run_;
  const Program& program_;
};

void refuse(Run& run, std::uint32_t number) {
  run.refused_helper = number;
  if (run.running != nullptr) run.running->leave(0);
}

// One function for each number: an engine hands on registers, and not whom it calls.
template <std::uint32_t Number>
std::uint64_t call_judged(std::uint64_t r1, std::uint64_t r2, std::uint64_t r3, std::uint64_t r4,
                          std::uint64_t r5, void* context) {
  Run& run = run_of(context);
  const Program* program = current_program(run);
  const Helper* helper =
      program == nullptr ? nullptr
                         : find_helper(Number, program->spec().type, program->spec().attach_type);
  const Numbers numbers = {r1, r2, r3, r4, r5};
  if (helper == nullptr || helper->function == nullptr ||
      !Judge(*helper, numbers, run, *program).allows()) {
    refuse(run, Number);
    return 0;
  }
  const std::uint64_t result = helper->function(r1, r2, r3, r4, r5, context);
  Judge(*helper, numbers, run, *program).note();
  return result;
}

template <std::uint32_t... Numbers>
constexpr auto functions(std::integer_sequence<std::uint32_t, Numbers...>) {
  return std::to_array<engine::HelperFunction>({call_judged<Numbers>...});
}

constexpr auto kJudged =
    functions(std::make_integer_sequence<std::uint32_t,
                                         static_cast<std::uint32_t>(abi::kHelperNames.size())>{});

engine::HelperFunction judged_function(std::uint32_t number) {
  const engine::HelperFunction known = helper_calls().find_helper(number);
  return known == nullptr || number >= kJudged.size() ? nullptr : kJudged[number];
}

const engine::Runnable* judged_tail_call(std::uint64_t r1, std::uint64_t map, std::uint64_t index,
                                         void* context) {
  Run& run = run_of(context);
  const auto* programs = std::bit_cast<const maps::Map*>(map);
  const Program* program = current_program(run);
  if (program == nullptr || !program->uses(*programs) ||
      r1 != std::bit_cast<std::uint64_t>(run.context)) {
    refuse(run, engine::kTailCallHelper);
    return nullptr;
  }
  return tail_call(r1, map, index, context);
}

constexpr engine::Calls kCalls{
    .helper = judged_function, .kfunc = nullptr, .tail_call = judged_tail_call};

}  // namespace

const engine::Calls& judged_calls() { return kCalls; }

}  // namespace skep::machine
