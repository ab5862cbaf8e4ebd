// SPDX-License-Identifier: Apache-2.0
#include "apps/skep/input.h"

#include <algorithm>

#include "abi/helper_names.h"
#include "isa/assemble.h"
#include "isa/classic_assemble.h"

namespace skep::cli {

namespace {

// The longest program as hex with some room for comments.
constexpr std::uint64_t kMaxSourceBytes = std::uint64_t{64} << 20;

constexpr isa::HelperNames kNames{.name_of = abi::helper_name, .number_of = abi::helper_number};

bool is_text(std::span<const std::byte> bytes) {
  return std::ranges::all_of(as_text(bytes), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || c == '\n' || c == '\t' || c == '\r';
  });
}

// Only digits, blanks and comments: parse_hex will say the rest.
bool looks_like_hex(std::string_view source) {
  bool in_comment = false;
  bool any = false;
  for (const char c : source) {
    if (c == '\n') in_comment = false;
    if (c == '#') in_comment = true;
    if (in_comment || std::isspace(static_cast<unsigned char>(c)) != 0 || c == ',') continue;
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0 && c != 'x') return false;
    any = true;
  }
  return any;
}

// "4\n40 0 0 12\n...": a count and so many lines of four numbers.
bool looks_like_decimal(std::string_view source) {
  return isa::decode_classic_decimal(source, "").has_value();
}

InputForm guess(std::span<const std::byte> bytes, bool classic) {
  if (!is_text(bytes)) return InputForm::raw;
  if (classic && looks_like_decimal(as_text(bytes))) return InputForm::decimal;
  return looks_like_hex(as_text(bytes)) ? InputForm::hex : InputForm::text;
}

std::endian byte_order(const Arguments& arguments) {
  return arguments.has("big-endian") ? std::endian::big : std::endian::little;
}

// "name:line:column: ..." for hex, whose errors begin with the position.
Result<Bytes> bytes_of(const Source& source) {
  if (source.form == InputForm::raw) return source.bytes;
  auto bytes = parse_hex(as_text(source.bytes));
  if (!bytes) return fail(Code::invalid, "{}:{}", source.name, bytes.error().what);
  return bytes;
}

}  // namespace

const isa::HelperNames& helper_names() { return kNames; }

Result<Source> read_source(const Arguments& arguments) {
  const std::string path = arguments.file();
  Source source{.name = path == "-" ? "standard input" : path,
                .bytes = SKEP_TRY(read_file(path, kMaxSourceBytes)),
                .form = InputForm::text};
  const std::string form = arguments.value("input").value_or("auto");
  source.form = form == "text"      ? InputForm::text
                : form == "hex"     ? InputForm::hex
                : form == "decimal" ? InputForm::decimal
                : form == "raw"     ? InputForm::raw
                                    : guess(source.bytes, arguments.has("classic"));
  return source;
}

Result<isa::Program> read_program(const Arguments& arguments) {
  const Source source = SKEP_TRY(read_source(arguments));
  if (source.form == InputForm::decimal)
    return fail(Code::invalid, "{}: decimal numbers are a form of classic BPF; add --classic",
                source.name);
  if (source.form == InputForm::text)
    return isa::assemble(as_text(source.bytes), source.name, kNames);
  const Bytes bytes = SKEP_TRY(bytes_of(source));
  return in(source.name, isa::decode(bytes, byte_order(arguments)));
}

Result<isa::ClassicProgram> read_classic_program(const Arguments& arguments) {
  const Source source = SKEP_TRY(read_source(arguments));
  if (source.form == InputForm::text)
    return isa::assemble_classic(as_text(source.bytes), source.name);
  if (source.form == InputForm::decimal)
    return isa::decode_classic_decimal(as_text(source.bytes), source.name);
  const Bytes bytes = SKEP_TRY(bytes_of(source));
  return in(source.name, isa::decode_classic(bytes, byte_order(arguments)));
}

}  // namespace skep::cli
