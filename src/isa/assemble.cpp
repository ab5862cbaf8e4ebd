// SPDX-License-Identifier: Apache-2.0
#include "isa/assemble.h"

#include <limits>
#include <unordered_map>

#include "base/position.h"
#include "isa/statement.h"

namespace skep::isa {

namespace {

struct Reference {
  std::size_t at;  // index of the instruction
  const Op* row;
  std::string_view label;
  std::size_t source_at;
};

class Assembler {
 public:
  Assembler(std::string_view source, std::string_view name, const HelperNames& names)
      : lexer_(source, name), names_(names) {}

  Result<Program> assemble();

 private:
  Result<bool> accept_label();
  Result<bool> accept_dump_heading();
  Status define(const Token& label);
  Status add_statement();
  Status resolve(const Reference& reference);

  Lexer lexer_;
  const HelperNames& names_;
  Program program_;
  std::unordered_map<std::string_view, std::size_t> labels_;
  std::vector<Reference> references_;
};

Status Assembler::define(const Token& label) {
  if (!labels_.emplace(label.text, program_.size()).second)
    return lexer_.error_at(label.at, text("label {} is defined twice", printable(label.text)));
  return {};
}

Result<bool> Assembler::accept_label() {
  const Token name = lexer_.peek();
  if (name.kind != Token::Kind::word) return false;
  const Token second = SKEP_TRY(lexer_.peek_second());
  if (second.kind != Token::Kind::sign || second.text != ":") return false;
  SKEP_TRY(define(name));
  SKEP_TRY(lexer_.advance());
  SKEP_TRY(lexer_.advance());
  return true;
}

// "0000000000000000 <main>:" as llvm-objdump begins a function.
Result<bool> Assembler::accept_dump_heading() {
  if (lexer_.peek().kind != Token::Kind::number) return false;
  const Token second = SKEP_TRY(lexer_.peek_second());
  if (second.text != "<") return false;
  SKEP_TRY(lexer_.advance());
  SKEP_TRY(lexer_.advance());
  if (lexer_.peek().kind != Token::Kind::word) return lexer_.expected("a name");
  SKEP_TRY(define(lexer_.peek()));
  SKEP_TRY(lexer_.advance());
  SKEP_TRY(lexer_.expect(">"));
  SKEP_TRY(lexer_.expect(":"));
  return true;
}

Status Assembler::add_statement() {
  const std::size_t source_at = lexer_.peek().at;
  const Statement statement = SKEP_TRY(parse_statement(lexer_, names_));
  if (program_.size() + 2 > kMaxInsns)
    return lexer_.error_at(source_at, text("more than {} instructions", kMaxInsns));
  if (!statement.label.empty())
    references_.push_back({program_.size(), statement.row, statement.label, statement.label_at});
  program_.push_back(statement.insn);
  if (statement.row->shape == Shape::imm64) program_.push_back({.imm = statement.high});
  // llvm-objdump shows "<main+0x20>" behind a target.
  if (lexer_.at("<")) {
    lexer_.skip_line();
    SKEP_TRY(lexer_.advance());
  }
  if (!lexer_.at_statement_end()) return lexer_.expected("end of line");
  return {};
}

Status Assembler::resolve(const Reference& reference) {
  const auto label = labels_.find(reference.label);
  if (label == labels_.end())
    return lexer_.error_at(reference.source_at,
                           text("label {} is not defined", printable(reference.label)));
  const std::int64_t distance =
      static_cast<std::int64_t>(label->second) - static_cast<std::int64_t>(reference.at) - 1;
  if (label->second >= program_.size())
    return lexer_.error_at(reference.source_at, text("label {} has no instruction behind it",
                                                     printable(reference.label)));
  Insn& insn = program_[reference.at];
  if (!fields_of(reference.row->shape).offset) {
    insn.imm = static_cast<std::int32_t>(distance);
    return {};
  }
  if (distance < std::numeric_limits<std::int16_t>::min() ||
      distance > std::numeric_limits<std::int16_t>::max())
    return lexer_.error_at(
        reference.source_at,
        text("label {} is {} instructions away, which does not fit 16 bits; go there by gotol",
             printable(reference.label), distance));
  insn.offset = static_cast<std::int16_t>(distance);
  return {};
}

Result<Program> Assembler::assemble() {
  SKEP_TRY(lexer_.start());
  while (lexer_.peek().kind != Token::Kind::end) {
    if (lexer_.peek().kind == Token::Kind::end_of_statement) {
      SKEP_TRY(lexer_.advance());
      continue;
    }
    const bool label = SKEP_TRY(accept_label());
    const bool heading = label ? true : SKEP_TRY(accept_dump_heading());
    if (!heading) SKEP_TRY(add_statement());
  }
  for (const Reference& reference : references_) SKEP_TRY(resolve(reference));
  return std::move(program_);
}

}  // namespace

Result<Program> assemble(std::string_view source, std::string_view name, const HelperNames& names) {
  return Assembler(source, name, names).assemble();
}

}  // namespace skep::isa
