// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <cmath>

#include "base/format.h"

namespace skep {

void JsonWriter::separate() {
  if (needs_comma_) out_ += ',';
  needs_comma_ = true;
}

void JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  needs_comma_ = false;
}

void JsonWriter::close(char bracket) {
  out_ += bracket;
  needs_comma_ = true;
}

void JsonWriter::key(std::string_view name) {
  separate();
  quote(name);
  out_ += ':';
  needs_comma_ = false;
}

void JsonWriter::raw(std::string_view token) {
  separate();
  out_ += token;
}

void JsonWriter::value(std::string_view string) {
  separate();
  quote(string);
}

// JSON has no infinities.
void JsonWriter::value(double number) {
  raw(std::isfinite(number) ? skep::text("{}", number) : std::string("null"));
}

void JsonWriter::quote(std::string_view string) {
  out_ += '"';
  for (const char c : string) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (c == '\n') {
      out_ += "\\n";
    } else if (c == '\t') {
      out_ += "\\t";
    } else if (byte < 0x20 || byte >= 0x7f) {
      // Bytes of unknown encoding are shown as Latin-1, so that the output is JSON whatever they
      // are.
      append_text(out_, "\\u{:04x}", byte);
    } else {
      out_ += c;
    }
  }
  out_ += '"';
}

}  // namespace skep
