// SPDX-License-Identifier: Apache-2.0
// One statement of assembly text: an instruction, whose target may still be a label.
#pragma once

#include "isa/lexer.h"
#include "isa/names.h"
#include "isa/ops.h"

namespace skep::isa {

struct Statement {
  const Op* row = nullptr;
  Insn insn{};
  std::int32_t high = 0;     // immediate of the second slot
  std::string_view label{};  // where it goes, when that is named
  std::size_t label_at = 0;
};

// Reads up to, not including, the end of the statement.
[[nodiscard]] Result<Statement> parse_statement(Lexer& lexer, const HelperNames& names);

}  // namespace skep::isa
