// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "apps/skep/input.h"
#include "apps/skep/run.h"
#include "isa/classic_check.h"
#include "isa/classic_translate.h"

namespace skep::cli {

namespace {

// One instruction a line.
std::string as_hex(std::span<const std::byte> bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += isa::kInsnBytes)
    out += print_hex(bytes.subspan(at, isa::kInsnBytes)) + "\n";
  return out;
}

std::string as_c(std::span<const std::byte> bytes) {
  std::string out = "{\n";
  for (std::size_t at = 0; at < bytes.size(); ++at)
    append_text(out, "{}0x{:02x},{}", at % 8 == 0 ? "    " : " ", static_cast<unsigned>(bytes[at]),
                at % 8 == 7 ? "\n" : "");
  return out + "}\n";
}

// What is to be written, in bytes and, for classic programs, in decimal.
struct Assembled {
  Bytes bytes;
  std::string decimal;
};

Result<Assembled> assemble_file(const Arguments& arguments) {
  const std::endian order = arguments.has("big-endian") ? std::endian::big : std::endian::little;
  if (!arguments.has("classic") && !arguments.has("translate"))
    return Assembled{.bytes = isa::encode(SKEP_TRY(read_program(arguments)), order), .decimal = {}};
  isa::ClassicProgram classic = SKEP_TRY(read_classic_program(arguments));
  if (!arguments.has("translate"))
    return Assembled{.bytes = isa::encode_classic(classic, order),
                     .decimal = isa::encode_classic_decimal(classic)};
  const auto kind = arguments.has("seccomp") ? isa::ClassicKind::seccomp : isa::ClassicKind::socket;
  const auto filter =
      SKEP_TRY(in(arguments.file(), isa::ClassicFilter::make(std::move(classic), kind)));
  return Assembled{.bytes = isa::encode(isa::translate_classic(filter), order), .decimal = {}};
}

Result<std::string> in_format(const Arguments& arguments, const Assembled& assembled) {
  const bool to_file = arguments.has("output");
  const std::string format = arguments.value("format").value_or(to_file ? "raw" : "hex");
  if (format == "raw") return std::string(as_text(assembled.bytes));
  if (format == "c") return as_c(assembled.bytes);
  if (format == "hex") return as_hex(assembled.bytes);
  if (assembled.decimal.empty())
    return fail(Code::invalid, "decimal numbers are a form of classic BPF; add --classic");
  return assembled.decimal;
}

Status write_out(const Arguments& arguments, const std::string& out) {
  if (const auto path = arguments.value("output")) return write_file(*path, as_bytes(out));
  std::fwrite(out.data(), 1, out.size(), stdout);
  return {};
}

Status run(const Arguments& arguments) {
  const Assembled assembled = SKEP_TRY(assemble_file(arguments));
  return write_out(arguments, SKEP_TRY(in_format(arguments, assembled)));
}

}  // namespace

int run_asm(const Arguments& arguments) {
  const Status done = run(arguments);
  return done ? kOk : complain("asm", done.error());
}

}  // namespace skep::cli
