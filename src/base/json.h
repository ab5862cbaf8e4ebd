// SPDX-License-Identifier: Apache-2.0
// Writes JSON straight into a string. Commas and escapes are its business; that begin and end match
// is the caller's.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace skep {

class JsonWriter {
 public:
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  void key(std::string_view name);
  void value(std::string_view string);
  void value(const char* string) { value(std::string_view(string)); }
  void value(bool truth) { raw(truth ? "true" : "false"); }
  void value(double number);
  void value(std::integral auto number) { raw(std::to_string(number)); }

  template <class T>
  void member(std::string_view name, const T& content) {
    key(name);
    value(content);
  }

  [[nodiscard]] const std::string& text() const { return out_; }

 private:
  void open(char bracket);
  void close(char bracket);
  void separate();
  void raw(std::string_view token);
  void quote(std::string_view string);

  std::string out_;
  bool needs_comma_ = false;
};

}  // namespace skep
