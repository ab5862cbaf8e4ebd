// SPDX-License-Identifier: Apache-2.0
// What a command is: one description that feeds the parser, --help, the man page and the shell
// completions.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep::cli {

// Exit codes.
inline constexpr int kOk = 0;
inline constexpr int kBadInput = 1;
inline constexpr int kBadUsage = 2;
inline constexpr int kInterrupted = 130;

struct Option {
  char letter = 0;            // 0 for none
  std::string_view name;      // without the dashes
  std::string_view argument;  // what stands behind it; empty for a switch
  std::string_view about;
  std::string_view choices{};  // "a|b|c" when the argument is one of few
};

struct Example {
  std::string_view command;
  std::string_view about;
};

class Arguments {
 public:
  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  [[nodiscard]] std::optional<std::string> value(std::string_view name) const;
  // A number in decimal or 0x form; `fallback` when the option is absent.
  [[nodiscard]] Result<std::uint64_t> number(std::string_view name, std::uint64_t fallback) const;
  // The one positional argument, "-" when there is none.
  [[nodiscard]] std::string file() const { return files_.empty() ? "-" : files_.front(); }
  [[nodiscard]] const std::vector<std::string>& files() const { return files_; }

 private:
  friend struct CommandLine;
  std::map<std::string, std::string, std::less<>> values_;
  std::vector<std::string> files_;
};

struct Command {
  std::string_view name;
  std::string_view arguments;  // of the synopsis: "[FILE]"
  std::size_t most_files;
  std::string_view about;        // one line
  std::string_view description;  // a paragraph or more
  std::span<const Option> options;
  std::span<const Example> examples;
  int (*run)(const Arguments&);
};

[[nodiscard]] std::span<const Command> commands();
[[nodiscard]] const Command* find_command(std::string_view name);

struct CommandLine {
  // Failing is a usage error.
  [[nodiscard]] static Result<Arguments> parse(const Command& command,
                                               std::span<char* const> words);
};

// Prints "skep asm: message" on standard error and gives the exit code.
int complain(std::string_view command, const Error& error, int code = kBadInput);

}  // namespace skep::cli
