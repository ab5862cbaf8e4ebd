// SPDX-License-Identifier: Apache-2.0
#include "isa/classic_translate.h"

#include <limits>

namespace skep::isa {

namespace {

constexpr std::uint8_t kA = 0;
constexpr std::uint8_t kArgument = 1;
constexpr std::uint8_t kContext = 6;  // LD_ABS and LD_IND want it there
constexpr std::uint8_t kX = 7;        // survives calls and packet loads, as kContext and kSaved do
constexpr std::uint8_t kSaved = 8;

// What one classic instruction becomes at most, plus the head and the tail of the program: no jump
// can be too far for its 16 bits.
constexpr std::size_t kMostInsns = 6;
constexpr std::size_t kHeadAndTail = 8;
static_assert(kMaxClassicInsns * kMostInsns + kHeadAndTail <
              std::numeric_limits<std::int16_t>::max());

// What an instruction needs and sets.
struct Flow {
  bool reads_a = false;
  bool reads_x = false;
  bool sets_a = false;
  bool sets_x = false;
};

Flow flow_of(const ClassicOp& op, const ClassicInsn& insn, ClassicKind kind) {
  using enum ClassicVerb;
  Flow flow;
  flow.reads_a = op.verb == store || op.verb == alu || op.verb == jump_if || op.verb == to_x ||
                 op.operand == ClassicOperand::a;
  flow.reads_x = op.verb == store_x || op.verb == to_a || op.operand == ClassicOperand::x ||
                 op.operand == ClassicOperand::packet_x;
  flow.sets_a = op.verb == load || op.verb == alu || op.verb == to_a;
  flow.sets_x = op.verb == load_x || op.verb == to_x;
  const Ancillary* ancillary = kind == ClassicKind::socket ? find_ancillary(insn) : nullptr;
  if (ancillary != nullptr && ancillary->source == AncillarySource::xor_x)
    flow.reads_a = flow.reads_x = true;
  return flow;
}

// Whether somebody may read A or X later.
struct Needed {
  bool a = false;
  bool x = false;

  Needed operator|(const Needed& other) const { return {a || other.a, x || other.x}; }
};

class Translator {
 public:
  explicit Translator(const ClassicFilter& filter)
      : program_(filter.program()),
        kind_(filter.kind()),
        reached_(program_.size()),
        needed_(program_.size()),
        starts_(program_.size()) {}

  Program translate();

 private:
  struct Jump {
    std::size_t from;  // in out_
    std::size_t goal;  // in program_, or kTail
  };
  static constexpr std::size_t kTail = std::numeric_limits<std::size_t>::max();

  const ClassicOp& op_at(std::size_t at) const { return *find_classic_op(program_[at].code); }
  std::vector<std::size_t> successors(std::size_t at) const;
  void find_reached();
  void find_needed();
  bool clobbers_r1(std::size_t at) const;
  std::size_t next_reached(std::size_t at) const;

  void emit(const Op& op, std::uint8_t dst, std::uint8_t src, std::int32_t imm,
            std::int16_t offset = 0);
  void emit_constant(std::uint8_t reg, std::uint32_t value);
  void emit_move(std::uint8_t to, std::uint8_t from) { emit(op(OpId::mov32_reg), to, from, 0); }
  void emit_jump(const Op& op, std::uint8_t dst, std::uint8_t src, std::int32_t imm,
                 std::size_t goal);
  void emit_head();
  void emit_insn(std::size_t at);
  void emit_load(std::uint8_t to, std::size_t at);
  void emit_header_length(std::size_t at);
  void emit_ancillary(const Ancillary& ancillary);
  void emit_alu(const ClassicOp& op, const ClassicInsn& insn);
  void emit_jump_if(std::size_t at);
  void emit_condition(const ClassicInsn& insn, Action action, std::size_t goal);
  void finish_jumps();

  const ClassicProgram& program_;
  ClassicKind kind_;
  std::vector<bool> reached_;
  std::vector<Needed> needed_;  // before each instruction
  std::vector<std::size_t> starts_;
  std::vector<Jump> jumps_;
  Program out_;
  std::uint8_t context_ = kArgument;
  bool has_tail_ = false;
};

std::int16_t place_in_stack(std::uint32_t word) {
  return static_cast<std::int16_t>(-4 * (static_cast<int>(word) + 1));
}

std::vector<std::size_t> Translator::successors(std::size_t at) const {
  const ClassicInsn& insn = program_[at];
  switch (op_at(at).verb) {
    case ClassicVerb::finish:
      return {};
    case ClassicVerb::jump:
      return {at + 1 + insn.k};
    case ClassicVerb::jump_if:
      return {at + 1 + insn.jt, at + 1 + insn.jf};
    default:
      return {at + 1};
  }
}

void Translator::find_reached() {
  reached_[0] = true;
  for (std::size_t at = 0; at < program_.size(); ++at) {
    if (!reached_[at]) continue;
    for (const std::size_t next : successors(at)) reached_[next] = true;
  }
}

void Translator::find_needed() {
  for (std::size_t at = program_.size(); at-- > 0;) {
    Needed after;
    for (const std::size_t next : successors(at)) after = after | needed_[next];
    const Flow flow = flow_of(op_at(at), program_[at], kind_);
    needed_[at] = {.a = flow.reads_a || (after.a && !flow.sets_a),
                   .x = flow.reads_x || (after.x && !flow.sets_x)};
  }
}

bool Translator::clobbers_r1(std::size_t at) const {
  if (kind_ == ClassicKind::seccomp) return false;
  if (const Ancillary* ancillary = find_ancillary(program_[at]))
    return ancillary->source == AncillarySource::call;
  const ClassicOperand operand = op_at(at).operand;
  return operand == ClassicOperand::packet || operand == ClassicOperand::packet_x ||
         operand == ClassicOperand::header;
}

// The instruction that `at` amounts to when nobody gets to `at` itself. The last one of a program
// that is reached ends it, so there is always one.
std::size_t Translator::next_reached(std::size_t at) const {
  while (at < reached_.size() && !reached_[at]) ++at;
  return at;
}

void Translator::emit(const Op& op, std::uint8_t dst, std::uint8_t src, std::int32_t imm,
                      std::int16_t offset) {
  Insn insn = blank(op);
  insn.dst = dst;
  insn.src = src;
  insn.imm = imm;
  insn.offset = offset;
  out_.push_back(insn);
}

void Translator::emit_constant(std::uint8_t reg, std::uint32_t value) {
  emit(op(OpId::mov32_imm), reg, 0, static_cast<std::int32_t>(value));
}

void Translator::emit_jump(const Op& op, std::uint8_t dst, std::uint8_t src, std::int32_t imm,
                           std::size_t goal) {
  jumps_.push_back({.from = out_.size(), .goal = goal});
  emit(op, dst, src, imm);
}

// Registers begin as zero in classic BPF; only where that matters is it written down.
void Translator::emit_head() {
  for (std::size_t at = 0; at < program_.size(); ++at)
    if (reached_[at] && clobbers_r1(at)) context_ = kContext;
  if (context_ == kContext) emit(op(OpId::mov64_reg), kContext, kArgument, 0);
  if (needed_[0].a) emit_constant(kA, 0);
  if (needed_[0].x) emit_constant(kX, 0);
}

void Translator::emit_ancillary(const Ancillary& ancillary) {
  SKEP_ASSERT(ancillary.source != AncillarySource::not_a_packet);  // by ClassicFilter
  switch (ancillary.source) {
    case AncillarySource::field:
    case AncillarySource::field_be16:
      emit(op(OpId::load32), kA, context_, 0, ancillary.place);
      if (ancillary.source == AncillarySource::field_be16) emit(op(OpId::be16), kA, 0, 16);
      return;
    case AncillarySource::call:
      emit(op(OpId::call_helper), 0, 0, ancillary.place);
      return;
    case AncillarySource::xor_x:
      emit(op(OpId::xor32_reg), kA, kX, 0);
      return;
    case AncillarySource::not_a_packet:
      break;
  }
}

// A packet load writes A, which is kept aside when somebody still wants it.
void Translator::emit_header_length(std::size_t at) {
  const bool keep_a = needed_[at].a;
  if (keep_a) emit_move(kSaved, kA);
  emit(op(OpId::ld_abs8), 0, 0, static_cast<std::int32_t>(program_[at].k));
  emit(op(OpId::and32_imm), kA, 0, 0xf);
  emit(op(OpId::lsh32_imm), kA, 0, 2);
  emit_move(kX, kA);
  if (keep_a) emit_move(kA, kSaved);
}

void Translator::emit_load(std::uint8_t to, std::size_t at) {
  const ClassicInsn& insn = program_[at];
  const ClassicOp& row = op_at(at);
  const auto k = static_cast<std::int32_t>(insn.k);
  switch (row.operand) {
    case ClassicOperand::constant:
      return emit_constant(to, insn.k);
    case ClassicOperand::memory:
      return emit(op(OpId::load32), to, kFramePointer, 0, place_in_stack(insn.k));
    case ClassicOperand::length:
      if (kind_ == ClassicKind::seccomp) return emit_constant(to, kSeccompBytes);
      return emit(op(OpId::load32), to, context_, 0, 0);
    case ClassicOperand::header:
      return emit_header_length(at);
    case ClassicOperand::packet_x:
      return emit(*find_op(Shape::packet_ind, Action::move, row.bits), 0, kX, k);
    default:
      break;
  }
  if (kind_ == ClassicKind::seccomp)
    return emit(op(OpId::load32), to, context_, 0, static_cast<std::int16_t>(insn.k));
  if (const Ancillary* ancillary = find_ancillary(insn)) return emit_ancillary(*ancillary);
  emit(*find_op(Shape::packet_abs, Action::move, row.bits), 0, 0, k);
}

void Translator::emit_alu(const ClassicOp& row, const ClassicInsn& insn) {
  if (row.action == Action::neg) return emit(op(OpId::neg32), kA, 0, 0);
  if (row.operand == ClassicOperand::constant)
    return emit(*find_op(Shape::alu_imm, row.action, 32), kA, 0, static_cast<std::int32_t>(insn.k));
  if (row.action == Action::div || row.action == Action::mod) {
    emit_jump(op(OpId::jeq32_imm), kX, 0, 0, kTail);
    has_tail_ = true;
  }
  emit(*find_op(Shape::alu_reg, row.action, 32), kA, kX, 0);
}

void Translator::emit_condition(const ClassicInsn& insn, Action action, std::size_t goal) {
  if (find_classic_op(insn.code)->operand == ClassicOperand::x)
    return emit_jump(*find_op(Shape::jump_reg, action, 32), kA, kX, 0, goal);
  emit_jump(*find_op(Shape::jump_imm, action, 32), kA, 0, static_cast<std::int32_t>(insn.k), goal);
}

// The condition that holds when the other does not; jset has none.
Action opposite(Action action) {
  switch (action) {
    case Action::eq:
      return Action::ne;
    case Action::gt:
      return Action::le;
    case Action::ge:
      return Action::lt;
    default:
      return action;
  }
}

void Translator::emit_jump_if(std::size_t at) {
  const ClassicInsn& insn = program_[at];
  const Action action = op_at(at).action;
  const std::size_t next = next_reached(at + 1);
  const std::size_t if_true = at + 1 + insn.jt;
  const std::size_t if_false = at + 1 + insn.jf;
  if (if_true != if_false) {
    if (if_true == next && opposite(action) != action)
      return emit_condition(insn, opposite(action), if_false);
    emit_condition(insn, action, if_true);
  }
  if (if_false != next) emit_jump(op(OpId::ja), 0, 0, 0, if_false);
}

void Translator::emit_insn(std::size_t at) {
  const ClassicInsn& insn = program_[at];
  const ClassicOp& row = op_at(at);
  switch (row.verb) {
    case ClassicVerb::load:
      return emit_load(kA, at);
    case ClassicVerb::load_x:
      return emit_load(kX, at);
    case ClassicVerb::store:
    case ClassicVerb::store_x:
      return emit(op(OpId::store32_reg), kFramePointer, row.verb == ClassicVerb::store ? kA : kX, 0,
                  place_in_stack(insn.k));
    case ClassicVerb::alu:
      return emit_alu(row, insn);
    case ClassicVerb::jump:
      if (at + 1 + insn.k != next_reached(at + 1))
        emit_jump(op(OpId::ja), 0, 0, 0, at + 1 + insn.k);
      return;
    case ClassicVerb::jump_if:
      return emit_jump_if(at);
    case ClassicVerb::finish:
      if (row.operand == ClassicOperand::constant) emit_constant(kA, insn.k);
      return emit(op(OpId::exit), 0, 0, 0);
    case ClassicVerb::to_x:
      return emit_move(kX, kA);
    case ClassicVerb::to_a:
      return emit_move(kA, kX);
  }
}

void Translator::finish_jumps() {
  const std::size_t tail = out_.size();
  if (has_tail_) {
    emit_constant(kA, 0);
    emit(op(OpId::exit), 0, 0, 0);
  }
  for (const auto& [from, goal] : jumps_) {
    const std::size_t distance = (goal == kTail ? tail : starts_[goal]) - from - 1;
    SKEP_ASSERT(distance <= std::size_t{std::numeric_limits<std::int16_t>::max()});
    out_[from].offset = static_cast<std::int16_t>(distance);
  }
}

Program Translator::translate() {
  find_reached();
  find_needed();
  emit_head();
  for (std::size_t at = 0; at < program_.size(); ++at) {
    starts_[at] = out_.size();
    if (reached_[at]) emit_insn(at);
  }
  finish_jumps();
  return std::move(out_);
}

}  // namespace

Program translate_classic(const ClassicFilter& filter) { return Translator(filter).translate(); }

}  // namespace skep::isa
