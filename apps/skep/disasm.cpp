// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "apps/skep/input.h"
#include "apps/skep/run.h"
#include "base/json.h"
#include "isa/check.h"
#include "isa/classic_print.h"
#include "isa/print.h"

namespace skep::cli {

namespace {

// As bpftool or llvm-objdump would show it; with labels, as a person would write it.
isa::PrintStyle style_of(const Arguments& arguments) {
  const bool llvm = arguments.value("style") == "llvm";
  const bool labels = arguments.has("labels");
  return {.dialect = llvm ? isa::Dialect::llvm : isa::Dialect::kernel,
          .names = helper_names(),
          .labels = labels,
          .index = !labels,
          .opcodes = !labels && !llvm,
          .bytes = arguments.has("bytes")};
}

Result<std::string> as_json(std::span<const isa::Insn> program, isa::PrintStyle style) {
  style.opcodes = false;
  JsonWriter json;
  json.begin_array();
  for (std::size_t at = 0; at < program.size(); ++at) {
    const isa::Op* row = SKEP_TRY(in(text("insn {}", at), isa::check_insn(program, at)));
    const std::size_t slots = row->shape == isa::Shape::imm64 ? 2 : 1;
    json.begin_object();
    json.member("index", at);
    json.member("operation", row->name);
    json.member("text", isa::print_insn(program, at, *row, style));
    json.member("bytes", print_hex(isa::encode(program.subspan(at, slots))));
    if (const auto target = isa::target_of(*row, program[at], at)) json.member("target", *target);
    json.end_object();
    at += slots - 1;
  }
  json.end_array();
  return json.text() + "\n";
}

std::string classic_as_json(std::span<const isa::ClassicInsn> program) {
  JsonWriter json;
  json.begin_array();
  for (std::size_t at = 0; at < program.size(); ++at) {
    json.begin_object();
    json.member("index", at);
    json.member("text", isa::print_classic_insn(program[at], at));
    json.member("bytes", print_hex(isa::encode_classic(program.subspan(at, 1))));
    json.end_object();
  }
  json.end_array();
  return json.text() + "\n";
}

Result<std::string> disassemble(const Arguments& arguments) {
  const bool json = arguments.has("json");
  if (arguments.has("classic")) {
    const isa::ClassicProgram program = SKEP_TRY(read_classic_program(arguments));
    return json ? classic_as_json(program) : isa::print_classic(program);
  }
  const isa::Program program = SKEP_TRY(read_program(arguments));
  const isa::PrintStyle style = style_of(arguments);
  const std::string name = arguments.file() == "-" ? "standard input" : arguments.file();
  return in(name, json ? as_json(program, style) : isa::print_program(program, style));
}

}  // namespace

int run_disasm(const Arguments& arguments) {
  const auto out = disassemble(arguments);
  if (!out) return complain("disasm", out.error());
  std::fwrite(out->data(), 1, out->size(), stdout);
  return kOk;
}

}  // namespace skep::cli
