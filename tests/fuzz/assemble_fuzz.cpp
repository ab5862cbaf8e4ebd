// SPDX-License-Identifier: Apache-2.0
// Any text: it assembles or is refused with a place, and what it assembles to survives print and
// assemble.
#include <cstdlib>

#include "abi/helper_names.h"
#include "base/file.h"
#include "isa/assemble.h"
#include "isa/check.h"
#include "isa/print.h"

namespace {

using namespace skep;

constexpr isa::HelperNames kNames{.name_of = abi::helper_name, .number_of = abi::helper_number};

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 16384) return 0;
  const std::string_view source = as_text(std::as_bytes(std::span(data, size)));
  const auto program = isa::assemble(source, "input", kNames);
  if (!program) {
    must(program.error().what.starts_with("input:"));
    must(program.error().what.size() < 400);
    return 0;
  }
  must(program->size() <= size);  // no text is that short
  for (const isa::Dialect dialect : {isa::Dialect::kernel, isa::Dialect::llvm}) {
    const auto text = isa::print_program(*program, {.dialect = dialect, .labels = size % 2 == 0});
    must(text.has_value());
    const auto again = isa::assemble(*text, "printed", kNames);
    must(again && *again == *program);
  }
  return 0;
}
