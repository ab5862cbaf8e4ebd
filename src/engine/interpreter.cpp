// SPDX-License-Identifier: Apache-2.0
// First, because it takes registers away from all that follows.
#include "engine/registers.h"

#include <array>
#include <utility>

#include "engine/handlers.h"
#include "engine/interpreter.h"

namespace skep::engine {

namespace {

// a > b is b < a: half of the comparisons of two registers are the other half.
constexpr Action mirrored(Action action) {
  switch (action) {
    case Action::lt:
      return Action::gt;
    case Action::le:
      return Action::ge;
    case Action::slt:
      return Action::sgt;
    case Action::sle:
      return Action::sge;
    default:
      return action;
  }
}

// How many registers a handler is compiled for: the table has 1, 11 or 121 handlers of an
// operation.
constexpr unsigned known_registers(const isa::Op& row) {
  if (is_rare(row)) return 0;
  switch (row.shape) {
    case Shape::alu_reg:
    case Shape::jump_reg:
    case Shape::load:
    case Shape::load_sx:
    case Shape::store_reg:
      return 2;
    case Shape::alu_imm:
    case Shape::negate:
    case Shape::endian:
    case Shape::jump_imm:
    case Shape::store_imm:
    case Shape::imm64:
      return 1;
    default:
      return 0;
  }
}

template <OpId kOp, unsigned kDst, unsigned kSrc>
constexpr Handler find_handler() {
  constexpr isa::Op kRow = isa::op(kOp);
  constexpr Shape kShape = kRow.shape;
  constexpr Action kAction = kRow.action;
  constexpr Action kMirrored = mirrored(kAction);
  constexpr unsigned kBits = kRow.bits;
  if constexpr (is_rare(kRow))
    return rare<kOp>;
  else if constexpr (kShape == Shape::alu_imm)
    return alu_imm<kAction, kBits, kDst>;
  else if constexpr (kShape == Shape::alu_reg)
    return alu_reg<kAction, kBits, kDst, kSrc>;
  else if constexpr (kShape == Shape::negate)
    return negation<kBits, kDst>;
  else if constexpr (kShape == Shape::endian)
    return endian<kAction, kBits, kDst>;
  else if constexpr (kShape == Shape::imm64)
    return imm64<kDst>;
  else if constexpr (kShape == Shape::jump || kShape == Shape::jump_long)
    return jump;
  else if constexpr (kShape == Shape::may_jump)
    return may_jump;
  else if constexpr (kShape == Shape::jump_imm)
    return jump_imm<kAction, kBits, kDst>;
  else if constexpr (kShape == Shape::jump_reg && kMirrored != kAction)
    return jump_reg<kMirrored, kBits, kSrc, kDst>;
  else if constexpr (kShape == Shape::jump_reg)
    return jump_reg<kAction, kBits, kDst, kSrc>;
  else if constexpr (kShape == Shape::load)
    return load_plain<kBits, kDst, kSrc>;
  else if constexpr (kShape == Shape::load_sx)
    return load_sx<kBits, kDst, kSrc>;
  else if constexpr (kShape == Shape::store_imm)
    return store_imm<kBits, kDst>;
  else if constexpr (kShape == Shape::store_reg)
    return store_reg<kBits, kDst, kSrc>;
  else if constexpr (kShape == Shape::call_helper)
    return call_helper;
  else if constexpr (kShape == Shape::call_kfunc)
    return call_and_look;
  else if constexpr (kShape == Shape::call_local)
    return call_local;
  else if constexpr (kShape == Shape::call_reg)
    return call_reg;
  else if constexpr (kShape == Shape::exit)
    return exit;
  else
    return load_from_packet<kShape, kBits>;
}

// An array of what `make` gives for each register, or for each two of them.
template <class Make, std::size_t... kIndices>
constexpr auto for_indices(Make make, std::index_sequence<kIndices...>) {
  return std::array{make.template operator()<kIndices>()...};
}
template <class Make>
constexpr auto for_register(Make make) {
  return for_indices(make, std::make_index_sequence<isa::kRegisters>());
}
template <class Make>
constexpr auto for_two_registers(Make make) {
  const auto split = [make]<std::size_t kIndex>() {
    return make.template operator()<kIndex / isa::kRegisters, kIndex % isa::kRegisters>();
  };
  return for_indices(split, std::make_index_sequence<isa::kRegisters * isa::kRegisters>());
}

template <OpId kOp>
constexpr auto all_handlers() {
  constexpr unsigned kKnown = known_registers(isa::op(kOp));
  if constexpr (kKnown == 2)
    return for_two_registers(
        []<unsigned kDst, unsigned kSrc>() { return find_handler<kOp, kDst, kSrc>(); });
  else if constexpr (kKnown == 1)
    return for_register([]<unsigned kDst>() { return find_handler<kOp, kDst, 0>(); });
  else
    return std::array{find_handler<kOp, 0, 0>()};
}

template <OpId kOp>
constexpr auto kHandlersOf = all_handlers<kOp>();

constexpr auto kHandlers = std::to_array<const Handler*>({
#define SKEP_OP(id, ...) kHandlersOf<OpId::id>.data(),
#include "isa/ops.def"
#undef SKEP_OP
});

Handler find_handler(const Step& step) {
  const Handler* handlers = kHandlers[static_cast<std::size_t>(step.op)];
  switch (known_registers(isa::op(step.op))) {
    case 2:
      return handlers[step.dst * isa::kRegisters + step.src];
    case 1:
      return handlers[step.dst];
    default:
      return handlers[0];
  }
}

template <Action kAction, unsigned kBits>
constexpr auto kMoveAndAluImm = for_two_registers([]<unsigned kDst, unsigned kSrc>() -> Handler {
  return move_and_alu_imm<kAction, kBits, kDst, kSrc>;
});
constexpr auto kAddAndAdd = for_two_registers(
    []<unsigned kDst, unsigned kOther>() -> Handler { return add_and_add<kDst, kOther>; });
template <Action kAction>
constexpr auto kAddAndJump = for_two_registers(
    []<unsigned kDst, unsigned kSrc>() -> Handler { return add_and_jump<kAction, kDst, kSrc>; });

std::size_t pair_index(unsigned first, unsigned second) { return first * isa::kRegisters + second; }

Handler find_move_pair(const Step& move, const Step& next) {
  if (move.dst != next.dst) return nullptr;
  const std::size_t index = pair_index(move.dst, move.src);
  if (move.op == OpId::mov64_reg) {
    if (next.op == OpId::add64_imm) return kMoveAndAluImm<Action::add, 64>[index];
    if (next.op == OpId::lsh64_imm) return kMoveAndAluImm<Action::lsh, 64>[index];
    if (next.op == OpId::rsh64_imm) return kMoveAndAluImm<Action::rsh, 64>[index];
    if (next.op == OpId::and64_imm) return kMoveAndAluImm<Action::bit_and, 64>[index];
  }
  if (move.op == OpId::mov32_reg) {
    if (next.op == OpId::lsh32_imm) return kMoveAndAluImm<Action::lsh, 32>[index];
    if (next.op == OpId::rsh32_imm) return kMoveAndAluImm<Action::rsh, 32>[index];
    if (next.op == OpId::and32_imm) return kMoveAndAluImm<Action::bit_and, 32>[index];
  }
  return nullptr;
}

Handler find_add_pair(const Step& add, const Step& next) {
  if (next.op == OpId::add64_imm) return kAddAndAdd[pair_index(add.dst, next.dst)];
  if (next.op == OpId::jlt64_reg && next.dst == add.dst)
    return kAddAndJump<Action::lt>[pair_index(add.dst, next.src)];
  if (next.op == OpId::jgt64_reg && next.src == add.dst)
    return kAddAndJump<Action::lt>[pair_index(add.dst, next.dst)];
  if (next.op == OpId::jne64_reg && next.dst == add.dst)
    return kAddAndJump<Action::ne>[pair_index(add.dst, next.src)];
  return nullptr;
}

// The handler for a step together with the one behind it; nullptr when they are no pair. What
// stands in for the second slot of a 64-bit immediate may look like half a pair, but is never
// reached.
Handler find_pair(const Step& step, const Step& next) {
  return step.op == OpId::add64_imm ? find_add_pair(step, next) : find_move_pair(step, next);
}

std::int32_t jump_distance(const Step& step) {
  return static_cast<std::int32_t>((step.target - 1) * kCellBytes);
}

Cell make_cell(const Step& step, bool calls_back) {
  Cell cell{.handler = find_handler(step), .operands = {}};
  const auto imm = static_cast<std::int32_t>(step.imm);
  const isa::Op& row = isa::op(step.op);
  if (step.is_tail_call)
    cell.handler = tail_call;
  else if (row.shape == Shape::call_helper && calls_back)
    cell.handler = call_and_look;
  if (is_rare(row)) {
    cell.operands = {.imm = step.src << 8 | step.dst, .place = step.offset};
    return cell;
  }
  switch (row.shape) {
    case Shape::call_helper:
    case Shape::call_kfunc:
    case Shape::imm64:
      cell.value = static_cast<std::uint64_t>(step.imm);
      break;
    case Shape::jump:
    case Shape::jump_long:
    case Shape::may_jump:
    case Shape::jump_imm:
    case Shape::jump_reg:
    case Shape::call_local:
      cell.operands = {.imm = imm, .place = jump_distance(step)};
      break;
    case Shape::call_reg:
      cell.operands = {.imm = imm, .place = step.dst};
      break;
    case Shape::packet_ind:
      cell.operands = {.imm = imm, .place = step.src};
      break;
    default:
      cell.operands = {.imm = imm, .place = step.offset};
  }
  return cell;
}

// What handlers use must come back as it was.
__attribute__((noinline)) void start(Run* run, const Cell* from) {
#if defined(SKEP_MACHINE_REGISTERS)
  const Cell* const kept_pc = pc;
  const std::array kept{r0, r6, r7, r8, r9};
  unsigned long r1, r2, r3, r4, r5;
  FROM_RUN();
  pc = from;
  pc->handler(PASS_ON);
  pc = kept_pc;
  r0 = kept[0];
  r6 = kept[1];
  r7 = kept[2];
  r8 = kept[3];
  r9 = kept[4];
#else
  from->handler(from, run);
#endif
}

class Interpreter final : public Runnable {
 public:
  Interpreter(const Loaded& loaded, const Calls& calls)
      : Runnable(Engine::interpreter),
        code_{.cells = {}, .subprograms = loaded.subprograms, .calls = calls, .owner = this} {
    const std::vector<Step>& steps = loaded.steps;
    std::vector<Cell>& cells = code_.cells;
    cells.reserve(steps.size() + 2);
    for (const Step& step : steps) cells.push_back(make_cell(step, loaded.takes_code_address));
    for (std::size_t at = 0; at + 1 < steps.size(); ++at)
      if (const Handler pair = find_pair(steps[at], steps[at + 1])) cells[at].handler = pair;
    cells.push_back({.handler = come_back, .operands = {}});
    cells.push_back({.handler = end_callback, .operands = {}});
  }

  Outcome run(const Input& input) const override {
    Run run(input, code_);
    run.r[1] = input.r1;
    run.r[2] = input.r2;
    return finish(run, code_.first());
  }

  Outcome run_subprogram(std::uint64_t code_address, const Arguments& arguments,
                         const Input& input) const override {
    const Cell* const target = code_.subprogram(code_address);
    if (target == nullptr)
      return {.ending = Ending::bad_callback, .callee = code_address, .program = this};
    Run run(input, code_);
    std::ranges::copy(arguments, &run.r[1]);
    // As if a jump had led here.
    run.slice = (target - code_.first()) * kCellBytes;
    return finish(run, target);
  }

  [[nodiscard]] const Code& code() const { return code_; }

 private:
  static Outcome finish(Run& run, const Cell* from) {
    const RunningScope shown(run.input.running, &run);
    if (run.refill())
      start(&run, from);
    else
      run.end = from;
    return run.outcome();
  }

  Code code_;
};

// A jump to the first place of another program, which pays for the call. False ends the run.
__attribute__((noinline)) bool Run::replace_program(const Runnable& target, const Cell* at) {
  SKEP_ASSERT(target.engine == Engine::interpreter);
  const Code& next = static_cast<const Interpreter&>(target).code();
  slice -= (at - code->first() + 1) * kCellBytes;
  if (slice < 0 && !refill()) return false;
  const Frame* const entry = last - (isa::kMaxCallDepth - 1);
  if (frame != entry) {
    if (!take_detour(next)) return false;
  } else if (detour != nullptr) {
    frame[-1].back = next.come_back();
  }
  frame->turns = kMayGotoTurns;
  code = &next;
  return true;
}

}  // namespace

Result<std::unique_ptr<Runnable>> load_interpreter(std::span<const isa::Insn> program,
                                                   const Calls& calls) {
  return std::make_unique<Interpreter>(SKEP_TRY(load_steps(program, calls)), calls);
}

}  // namespace skep::engine
