// SPDX-License-Identifier: Apache-2.0
#include "isa/classic_assemble.h"

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_map>

#include "base/position.h"
#include "isa/classic_lexer.h"

namespace skep::isa {

namespace {

// Other names of bpf_asm for an operation.
struct Alias {
  std::string_view name;
  std::string_view means;
  bool opposite = false;  // jumps where the operation does not
  bool bare = false;      // the constant needs no #
};

constexpr Alias kAliases[] = {
    {.name = "jmp", .means = "ja"},
    {.name = "jne", .means = "jeq", .opposite = true},
    {.name = "jneq", .means = "jeq", .opposite = true},
    {.name = "jlt", .means = "jge", .opposite = true},
    {.name = "jle", .means = "jgt", .opposite = true},
    {.name = "ldi", .means = "ld", .bare = true},
    {.name = "ldxi", .means = "ldx", .bare = true},
};

struct OperandWord {
  ClassicOperand operand;
  std::string_view text;
};

constexpr OperandWord kOperandWords[] = {
    {ClassicOperand::constant, "#k"},
    {ClassicOperand::a, "a"},
    {ClassicOperand::x, "x"},
    {ClassicOperand::packet, "[k]"},
    {ClassicOperand::packet_x, "[x + k]"},
    {ClassicOperand::memory, "M[k]"},
    {ClassicOperand::length, "#len"},
    {ClassicOperand::header, "4*([k]&0xf)"},
    {ClassicOperand::target, "a label"},
    {ClassicOperand::none, "nothing"},
};

constexpr std::string_view word_of(ClassicOperand operand) {
  for (const OperandWord& word : kOperandWords)
    if (word.operand == operand) return word.text;
  return {};
}
static_assert(std::ranges::none_of(kClassicOps, [](const ClassicOp& op) {
  return word_of(op.operand).empty();
}));

struct Operand {
  ClassicOperand kind = ClassicOperand::none;
  std::uint32_t k = 0;
};

constexpr std::size_t kMaxDistance = std::numeric_limits<std::uint8_t>::max();

enum class Field : std::uint8_t { k, jt, jf };

struct Reference {
  std::size_t insn;
  Field field;
  std::string_view label;
  std::size_t source_at;
};

bool is_named(const ClassicOp& op, std::string_view name) {
  // ldx reads the header length too, though tcpdump calls that ldxb.
  return op.name == name || (name == "ldx" && op.operand == ClassicOperand::header);
}

class Assembler {
 public:
  Assembler(std::string_view source, std::string_view name) : lexer_(source, name) {}

  Result<ClassicProgram> assemble();

 private:
  Status add_statement();
  Status check_index();
  Status add_numbers();
  Status add_operation(std::string_view word, std::size_t word_at);
  Result<Operand> parse_operand(bool bare);
  Result<Operand> parse_named(std::string_view word, std::size_t at, bool marked);
  Result<Operand> parse_packet();
  Result<Operand> parse_header();
  Result<const ClassicOp*> choose(std::string_view name, const Operand& operand, std::size_t at);
  Status parse_branches(bool opposite);
  Status parse_target(Field field);
  Status define_label(std::string_view label, std::size_t at);
  Status set_target(const Reference& reference, std::size_t target);

  ClassicLexer lexer_;
  ClassicProgram program_;
  std::unordered_map<std::string_view, std::size_t> labels_;
  std::vector<Reference> references_;
};

Result<ClassicProgram> Assembler::assemble() {
  while (SKEP_TRY(lexer_.next_statement())) SKEP_TRY(add_statement());
  for (const Reference& reference : references_) {
    const auto found = labels_.find(reference.label);
    if (found == labels_.end())
      return lexer_.error_at(reference.source_at,
                             text("label '{}' is not defined", printable(reference.label)));
    SKEP_TRY(set_target(reference, found->second));
  }
  return std::move(program_);
}

Status Assembler::add_statement() {
  if (SKEP_TRY(lexer_.accept("("))) SKEP_TRY(check_index());
  if (SKEP_TRY(lexer_.accept("{"))) return add_numbers();
  const std::size_t word_at = lexer_.offset();
  const std::string_view word = SKEP_TRY(lexer_.word());
  if (word.empty()) return lexer_.expected(word_at, "an operation or a label");
  if (SKEP_TRY(lexer_.accept(":"))) return define_label(word, word_at);
  SKEP_TRY(add_operation(word, word_at));
  return lexer_.end_statement();
}

// "(012) " in front: jumps by index would go wrong if it did not fit.
Status Assembler::check_index() {
  if (SKEP_TRY(lexer_.accept(text("{:03})", program_.size())))) return lexer_.skip_blanks();
  return lexer_.expected(lexer_.offset(), text("({:03})", program_.size()));
}

// "{ 0x28, 0, 0, 0x0000000c }," as `tcpdump -dd` writes an instruction.
Status Assembler::add_numbers() {
  std::array<std::uint32_t, 4> numbers{};
  constexpr std::array<std::uint32_t, 4> kMost = {0xffff, 0xff, 0xff, 0xffff'ffff};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) SKEP_TRY(lexer_.expect(","));
    SKEP_TRY(lexer_.skip_blanks());
    const std::size_t at = lexer_.offset();
    numbers[i] = SKEP_TRY(lexer_.number("a number"));
    if (numbers[i] > kMost[i])
      return lexer_.expected(at, text("a number of at most {:#x}", kMost[i]));
  }
  SKEP_TRY(lexer_.expect("}"));
  SKEP_TRY(lexer_.skip(","));
  program_.push_back({.code = static_cast<std::uint16_t>(numbers[0]),
                      .jt = static_cast<std::uint8_t>(numbers[1]),
                      .jf = static_cast<std::uint8_t>(numbers[2]),
                      .k = numbers[3]});
  return lexer_.end_statement();
}

Status Assembler::define_label(std::string_view label, std::size_t at) {
  if (labels_.emplace(label, program_.size()).second) return {};
  return lexer_.error_at(at, text("label '{}' is defined twice", printable(label)));
}

Status Assembler::add_operation(std::string_view word, std::size_t word_at) {
  Alias alias{.name = word, .means = word};
  for (const Alias& known : kAliases)
    if (known.name == word) alias = known;
  const ClassicOp* op = nullptr;
  for (const ClassicOp& row : kClassicOps)
    if (row.name == alias.means) op = &row;
  if (op == nullptr) return lexer_.expected(word_at, "an operation");

  program_.push_back({.code = op->code});
  if (op->operand == ClassicOperand::none) return {};
  if (op->verb == ClassicVerb::jump) return parse_target(Field::k);
  SKEP_TRY(lexer_.skip_blanks());
  const std::size_t operand_at = lexer_.offset();
  const Operand operand = SKEP_TRY(parse_operand(alias.bare));
  op = SKEP_TRY(choose(alias.means, operand, operand_at));
  program_.back() = {.code = op->code, .k = operand.k};
  return op->verb == ClassicVerb::jump_if ? parse_branches(alias.opposite) : Status{};
}

// The row of that name with that operand, or what it could have been.
Result<const ClassicOp*> Assembler::choose(std::string_view name, const Operand& operand,
                                           std::size_t at) {
  std::string wanted;
  for (const ClassicOp& row : kClassicOps) {
    if (!is_named(row, name)) continue;
    if (row.operand == operand.kind) return &row;
    append_text(wanted, "{}{}", wanted.empty() ? "" : " or ", word_of(row.operand));
  }
  return lexer_.expected(at, wanted);
}

// Kind `none` when nothing here looks like an operand.
Result<Operand> Assembler::parse_operand(bool bare) {
  const std::size_t at = lexer_.offset();
  if (SKEP_TRY(lexer_.accept("["))) return parse_packet();
  const bool marked = SKEP_TRY(lexer_.accept("#"));
  if (lexer_.at_number()) {
    const std::uint32_t number = SKEP_TRY(lexer_.number("a number"));
    if (!marked && SKEP_TRY(lexer_.accept("*"))) {
      if (number != 4) return lexer_.expected(at, "4*([k]&0xf)");
      return parse_header();
    }
    const bool constant = marked || bare;
    return Operand{constant ? ClassicOperand::constant : ClassicOperand::none, number};
  }
  const bool percent = !marked && SKEP_TRY(lexer_.accept("%"));
  const std::size_t word_at = lexer_.offset();
  const std::string_view word = SKEP_TRY(lexer_.word());
  if (!marked && word == "a") return Operand{ClassicOperand::a};
  if (!marked && word == "x") return Operand{ClassicOperand::x};
  if (percent) return lexer_.expected(word_at, "a or x");
  return parse_named(word, word_at, marked);
}

Result<Operand> Assembler::parse_named(std::string_view word, std::size_t at, bool marked) {
  if (word == "len" || word == "pktlen") return Operand{ClassicOperand::length};
  for (const Ancillary& ancillary : kAncillaries)
    if (ancillary.name == word) return Operand{ClassicOperand::packet, ancillary.k};
  if (marked) return lexer_.expected(at, "a number, len or the name of an ancillary load");
  if (word != "M") return Operand{};
  SKEP_TRY(lexer_.expect("["));
  const std::uint32_t k = SKEP_TRY(lexer_.number("the number of a word"));
  SKEP_TRY(lexer_.expect("]"));
  return Operand{ClassicOperand::memory, k};
}

Result<Operand> Assembler::parse_packet() {
  Operand operand{.kind = ClassicOperand::packet};
  SKEP_TRY(lexer_.skip_blanks());
  const std::size_t at = lexer_.offset();
  SKEP_TRY(lexer_.skip("%"));
  const std::string_view word = SKEP_TRY(lexer_.word());
  if (word == "x")
    operand.kind = ClassicOperand::packet_x;
  else if (!word.empty() || lexer_.offset() != at)
    return lexer_.expected(at, "an offset or x");
  const bool has_offset = word.empty() || SKEP_TRY(lexer_.accept("+"));
  if (has_offset) operand.k = SKEP_TRY(lexer_.number("an offset"));
  SKEP_TRY(lexer_.expect("]"));
  return operand;
}

// The rest of 4*([k]&0xf).
Result<Operand> Assembler::parse_header() {
  SKEP_TRY(lexer_.expect("("));
  SKEP_TRY(lexer_.expect("["));
  const std::uint32_t k = SKEP_TRY(lexer_.number("an offset"));
  SKEP_TRY(lexer_.expect("]"));
  SKEP_TRY(lexer_.expect("&"));
  SKEP_TRY(lexer_.skip_blanks());
  const std::size_t mask_at = lexer_.offset();
  const std::uint32_t mask = SKEP_TRY(lexer_.number("0xf"));
  if (mask != 0xf) return lexer_.expected(mask_at, "0xf");
  SKEP_TRY(lexer_.expect(")"));
  return Operand{ClassicOperand::header, k};
}

// ", yes, no" or ", yes" or "jt 2 jf 5".
Status Assembler::parse_branches(bool opposite) {
  const Field first = opposite ? Field::jf : Field::jt;
  const Field second = opposite ? Field::jt : Field::jf;
  if (SKEP_TRY(lexer_.accept(","))) {
    SKEP_TRY(parse_target(first));
    return SKEP_TRY(lexer_.accept(",")) ? parse_target(second) : Status{};
  }
  if (!SKEP_TRY(lexer_.accept("jt"))) return lexer_.expected(lexer_.offset(), "',' or jt");
  SKEP_TRY(parse_target(first));
  SKEP_TRY(lexer_.expect("jf"));
  return parse_target(second);
}

Status Assembler::parse_target(Field field) {
  SKEP_TRY(lexer_.skip_blanks());
  const std::size_t insn = program_.size() - 1;
  const Reference reference{.insn = insn, .field = field, .label{}, .source_at = lexer_.offset()};
  if (!lexer_.at_number()) {
    const std::string_view label = SKEP_TRY(lexer_.word());
    if (label.empty())
      return lexer_.expected(reference.source_at, "a label or the index of an instruction");
    references_.push_back(reference);
    references_.back().label = label;
    return {};
  }
  const std::uint32_t target = SKEP_TRY(lexer_.number("the index of an instruction"));
  if (field != Field::k) return set_target(reference, target);
  // All 32 bits of a distance can be written, also those that no program may have.
  program_[insn].k = target - static_cast<std::uint32_t>(insn) - 1;
  return {};
}

Status Assembler::set_target(const Reference& reference, std::size_t target) {
  if (target <= reference.insn)
    return lexer_.error_at(reference.source_at,
                           text("instruction {} is not ahead of the jump at {}; classic jumps only "
                                "go forward",
                                target, reference.insn));
  const std::size_t distance = target - reference.insn - 1;
  ClassicInsn& insn = program_[reference.insn];
  if (reference.field == Field::k) {
    insn.k = static_cast<std::uint32_t>(distance);
    return {};
  }
  if (distance > kMaxDistance)
    return lexer_.error_at(reference.source_at,
                           text("the target is {} instructions ahead, and a conditional jump skips "
                                "at most {}; go there by ja",
                                distance, kMaxDistance));
  (reference.field == Field::jt ? insn.jt : insn.jf) = static_cast<std::uint8_t>(distance);
  return {};
}

}  // namespace

Result<ClassicProgram> assemble_classic(std::string_view source, std::string_view name) {
  return Assembler(source, name).assemble();
}

}  // namespace skep::isa
