// SPDX-License-Identifier: Apache-2.0
// A text case: one program, what it is given, and what must come of it. docs/cases.md is the manual
// of the format. Reading is strict, so that a misspelt section cannot silently test nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/hex.h"

namespace skep::test {

// "-- name argument" and the lines below it, as they stand in the file.
struct Section {
  std::string name;
  std::string argument;
  std::size_t line = 0;
  std::string body;
};

struct LinuxExpectation {
  enum class Kind : std::uint8_t {
    runs,      // and comes to the expected result
    accepted,  // is loaded, though Skep refuses; not run
    refused,   // with these words in the verifier's log
    skipped,   // for this reason
  };
  Kind kind = Kind::runs;
  std::string words;
};

struct Case {
  std::string path;
  std::vector<Section> sections;

  std::optional<std::string> assembly;
  Bytes encoded;  // when there is no assembly
  Bytes memory;
  bool read_only = false;  // the memory, for the program
  std::optional<Bytes> packet;
  std::optional<std::uint64_t> r0;
  std::optional<Bytes> memory_after;          // else memory must stay as it is
  std::map<std::string, std::string> errors;  // by engine; "" stands for all
  LinuxExpectation on_linux;
  std::vector<std::string> engines;  // empty for all
  std::uint64_t budget = 0;

  [[nodiscard]] bool runs_on(std::string_view engine) const;
  // nullptr when the case is to run to its end there.
  [[nodiscard]] const std::string* error_on(const std::string& engine) const;
};

[[nodiscard]] Result<Case> parse_case(std::string path, std::string_view source);

// A case may lack its expectation only until it is rebased.
[[nodiscard]] Status require_expectation(const Case& given);

// Replaces the section, adds it in its usual place, or removes it when there is no body.
void set_section(Case& changed, std::string_view name, std::string_view argument,
                 const std::optional<std::string>& body);
[[nodiscard]] std::string print_case(const Case& given);

}  // namespace skep::test
