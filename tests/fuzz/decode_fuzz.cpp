// SPDX-License-Identifier: Apache-2.0
// Any bytes: whole slots decode, every instruction is known or refused with a reason, and what is
// known survives print and assemble in every style.
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

// The instructions that are some, in their order, so that one wrong byte does not waste the rest.
isa::Program known_part(const isa::Program& program) {
  isa::Program known;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const auto row = isa::check_insn(program, at);
    if (!row) {
      must(!row.error().what.empty());
      continue;
    }
    known.push_back(program[at]);
    if ((*row)->shape == isa::Shape::imm64) known.push_back(program[++at]);
  }
  return known;
}

void check_text(const isa::Program& program, const isa::PrintStyle& style) {
  const auto text = isa::print_program(program, style);
  must(text.has_value());
  const auto again = isa::assemble(*text, "printed", kNames);
  must(again && *again == program);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const auto bytes = std::as_bytes(std::span(data + 1, size - 1));
  const auto order = (data[0] & 1) != 0 ? std::endian::big : std::endian::little;
  const auto program = isa::decode(bytes, order);
  must(program.has_value() == (bytes.size() % isa::kInsnBytes == 0));
  if (!program) return 0;
  must(isa::encode(*program, order) == Bytes(bytes.begin(), bytes.end()));
  (void)isa::check_program(*program);
  const isa::Program known = known_part(*program);
  for (const unsigned bits : {data[0] >> 1U, ~data[0] >> 1U})
    check_text(known, {.dialect = (bits & 1) != 0 ? isa::Dialect::llvm : isa::Dialect::kernel,
                       .names = (bits & 2) != 0 ? kNames : isa::HelperNames{},
                       .labels = (bits & 4) != 0,
                       .index = (bits & 8) != 0,
                       .opcodes = (bits & 16) != 0,
                       .bytes = (bits & 32) != 0});
  return 0;
}
