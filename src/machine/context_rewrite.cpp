// SPDX-License-Identifier: Apache-2.0
#include "machine/context_rewrite.h"

#include <cerrno>
#include <deque>
#include <optional>

#include "abi/program_types.h"
#include "isa/check.h"
#include "machine/context_convert.h"
#include "machine/insert.h"

namespace skep::machine {

namespace {

using isa::Action;
using isa::Insn;
using isa::Shape;

// Where the context pointer surely is: a bit for each register, a bit for each 8 bytes of stack.
struct Known {
  std::uint16_t registers = 0;
  std::uint64_t slots = 0;

  [[nodiscard]] bool has(unsigned reg) const { return (registers >> reg & 1) != 0; }
  void set(unsigned reg, bool is) {
    registers = static_cast<std::uint16_t>((registers & ~(1U << reg)) | (is ? 1U << reg : 0));
  }
  bool operator==(const Known&) const = default;
};

constexpr std::uint16_t kKeptByCalls = 0b0000'0011'1100'0000;  // r6 to r9

// The slot that an access through r10 covers; nothing when it lies elsewhere or across two.
std::optional<unsigned> slot_of(const Insn& insn, unsigned base, unsigned bytes) {
  if (base != isa::kFramePointer || insn.offset >= 0 ||
      insn.offset < -static_cast<int>(isa::kStackBytes))
    return {};
  const unsigned at = static_cast<unsigned>(insn.offset + static_cast<int>(isa::kStackBytes));
  return bytes == 8 && at % 8 == 0 ? std::optional(at / 8) : std::nullopt;
}

class Tracker {
 public:
  explicit Tracker(const isa::Program& program)
      : program_(program), seen_(program.size()), before_(program.size()) {}

  void run() {
    flow_to(0, {.registers = 1U << 1, .slots = 0});
    while (!work_.empty()) {
      const std::size_t at = work_.front();
      work_.pop_front();
      step(at);
    }
  }
  // Whether the base register of a load or store is the context there.
  [[nodiscard]] bool is_context(std::size_t at, unsigned base) const {
    return seen_[at] && before_[at].has(base);
  }

 private:
  void flow_to(std::size_t at, const Known& known) {
    if (at >= program_.size()) return;
    Known met = known;
    if (seen_[at]) {
      met.registers &= before_[at].registers;
      met.slots &= before_[at].slots;
      if (met == before_[at]) return;
    }
    seen_[at] = true;
    before_[at] = met;
    work_.push_back(at);
  }

  void step(std::size_t at) {
    const auto row = isa::check_insn(program_, at);
    if (!row) return;
    const Insn& insn = program_[at];
    Known known = before_[at];
    apply(**row, insn, known);
    const auto target = isa::target_of(**row, insn, at);
    const bool local_call = (*row)->shape == Shape::call_local;
    if (target && local_call) {
      constexpr std::uint16_t kPassed = 0b11'1110;
      flow_to(static_cast<std::size_t>(*target),
              {.registers = static_cast<std::uint16_t>(before_[at].registers & kPassed)});
    } else if (target && !is_code_address(insn)) {
      flow_to(static_cast<std::size_t>(*target), known);
    } else if (target) {
      // A callback gets nothing that would be the context.
      flow_to(static_cast<std::size_t>(*target), {});
    }
    const Shape shape = (*row)->shape;
    if (shape == Shape::exit || shape == Shape::jump || shape == Shape::jump_long) return;
    flow_to(at + (isa::is_imm64(insn) ? 2 : 1), known);
  }

  [[nodiscard]] static bool is_code_address(const Insn& insn) {
    return isa::is_imm64(insn) && insn.src == abi::BPF_PSEUDO_FUNC;
  }
  static void apply(const isa::Op& row, const Insn& insn, Known& known) {
    switch (row.shape) {
      case Shape::store_reg:
      case Shape::store_imm:
        return apply_store(row, insn, known);
      case Shape::load:
      case Shape::load_sx: {
        const auto slot = slot_of(insn, insn.src, row.bits / 8U);
        return known.set(insn.dst, slot && (known.slots >> *slot & 1) != 0);
      }
      case Shape::call_helper:
      case Shape::call_local:
      case Shape::call_kfunc:
      case Shape::call_reg:
      case Shape::packet_abs:
      case Shape::packet_ind:
        known.registers &= kKeptByCalls;
        return;
      case Shape::atomic:
      case Shape::atomic_fetch:
      case Shape::exchange:
      case Shape::compare_exchange:
        return apply_atomic(row, insn, known);
      case Shape::load_acquire:
        return known.set(insn.dst, false);
      case Shape::alu_reg:
        return known.set(insn.dst,
                         row.action == Action::mov && row.bits == 64 && known.has(insn.src));
      case Shape::alu_imm:
      case Shape::negate:
      case Shape::space_cast:
      case Shape::endian:
      case Shape::imm64:
        return known.set(insn.dst, false);
      default:
        return;
    }
  }

  static void apply_atomic(const isa::Op& row, const Insn& insn, Known& known) {
    apply_store(row, insn, known);
    if (row.shape == Shape::compare_exchange)
      known.set(0, false);
    else if (row.shape != Shape::atomic)
      known.set(insn.src, false);
  }

  static void apply_store(const isa::Op& row, const Insn& insn, Known& known) {
    if (insn.dst != isa::kFramePointer) return;
    if (const auto slot = slot_of(insn, insn.dst, row.bits / 8U)) {
      const bool is = row.shape == Shape::store_reg && known.has(insn.src);
      known.slots = (known.slots & ~(std::uint64_t{1} << *slot)) | std::uint64_t{is} << *slot;
      return;
    }
    // A part of a slot, or of two.
    const int first = insn.offset + static_cast<int>(isa::kStackBytes);
    const int last = first + row.bits / 8 - 1;
    for (const int byte : {first, last})
      if (byte >= 0 && byte < static_cast<int>(isa::kStackBytes))
        known.slots &= ~(std::uint64_t{1} << byte / 8);
  }

  const isa::Program& program_;
  std::vector<bool> seen_;
  std::vector<Known> before_;  // by instruction, of those that were seen
  std::deque<std::size_t> work_;
};

struct Access {
  unsigned base;
  unsigned bytes;
  bool write;
  bool sign_extend;
};

std::optional<Access> access_of(const isa::Op& row, const Insn& insn) {
  const unsigned bytes = row.bits / 8U;
  switch (row.shape) {
    case Shape::load:
      return Access{insn.src, bytes, false, false};
    case Shape::load_sx:
      return Access{insn.src, bytes, false, true};
    case Shape::store_reg:
    case Shape::store_imm:
      return Access{insn.dst, bytes, true, false};
    default:
      return {};
  }
}

}  // namespace

Result<isa::Program> rewrite_context(const isa::Program& program, const ProgramType& type,
                                     std::uint32_t attach) {
  if (type.fields == nullptr) return program;
  Tracker tracker(program);
  tracker.run();
  Insertions changes;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const auto row = isa::check_insn(program, at);
    const auto access = row ? access_of(**row, program[at]) : std::nullopt;
    if (isa::is_imm64(program[at])) ++at;
    if (!access || !tracker.is_context(at, access->base)) continue;
    const Insn& insn = program[at];
    const Field* field = check_access(type, {.attach = attach,
                                             .offset = insn.offset,
                                             .bytes = access->bytes,
                                             .write = access->write,
                                             .sign_extend = access->sign_extend});
    if (field == nullptr)
      return std::unexpected(
          Error{.code = Code::invalid,
                .sys = EACCES,
                .what = text("insn {}: invalid bpf_context access off={} size={}", at, insn.offset,
                             access->bytes)});
    isa::Program made;
    convert_access(type, insn, made);
    if (made.size() != 1 || made[0] != insn) changes.push_back({at, std::move(made)});
  }
  return replace_insns(program, changes);
}

}  // namespace skep::machine
