// SPDX-License-Identifier: Apache-2.0
// The command line. Each command stands in a file of its own; commands.cpp lists them.
#include <cstdio>

#include "apps/skep/command.h"
#include "apps/skep/help.h"

int main(int argc, char** argv) {
  using namespace skep::cli;
  const std::span<char* const> words(argv, static_cast<std::size_t>(argc));
  if (words.size() < 2) {
    std::fputs(overview().c_str(), stderr);
    return kBadUsage;
  }
  std::string_view name = words[1];
  if (name == "--help" || name == "-h") name = "help";
  if (name == "--version" || name == "-V") name = "version";
  const Command* command = find_command(name);
  if (command == nullptr) {
    std::fprintf(stderr, "skep: unknown command \"%s\"; see skep help\n", words[1]);
    return kBadUsage;
  }
  for (const std::string_view word : words.subspan(2)) {
    if (word == "--") break;
    if (word != "--help" && word != "-h") continue;
    std::fputs(help_text(*command).c_str(), stdout);
    return kOk;
  }
  const auto arguments = CommandLine::parse(*command, words.subspan(2));
  if (!arguments) {
    complain(name, arguments.error(), kBadUsage);
    std::fprintf(stderr, "see skep %.*s --help\n", static_cast<int>(name.size()), name.data());
    return kBadUsage;
  }
  const int code = command->run(*arguments);
  // A full disk or a closed pipe must not look like success.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::fputs("skep: cannot write to standard output\n", stderr);
    return kBadInput;
  }
  return code;
}
