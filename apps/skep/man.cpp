// SPDX-License-Identifier: Apache-2.0
#include "apps/skep/help.h"

namespace skep::cli {

namespace {

// Text as roff takes it: no line begins with a control character, dashes stay dashes.
std::string roff(std::string_view plain) {
  std::string out;
  for (const char c : plain) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += "\\&";
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

void append_option(std::string& out, const Option& option) {
  out += ".TP\n";
  if (option.letter != 0) append_text(out, "\\fB\\-{}\\fR, ", option.letter);
  append_text(out, "\\fB\\-\\-{}\\fR", roff(option.name));
  if (!option.argument.empty()) append_text(out, " \\fI{}\\fR", roff(option.argument));
  append_text(out, "\n{}", roff(option.about));
  if (!option.choices.empty()) append_text(out, " ({})", roff(option.choices));
  out += '\n';
}

void append_command(std::string& out, const Command& command) {
  append_text(out, ".SS skep {}{}{}\n{}.\n.PP\n{}\n", roff(command.name),
              command.arguments.empty() ? "" : " ", roff(command.arguments), roff(command.about),
              roff(command.description));
  for (const Option& option : command.options) append_option(out, option);
}

}  // namespace

std::string man_page() {
  std::string out = text(".TH SKEP 1 \"\" \"skep {}\" \"User Commands\"\n", version());
  out += ".SH NAME\nskep \\- write, run and inspect eBPF programs\n";
  out += ".SH SYNOPSIS\n.B skep\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIFILE\\fR]\n";
  out += ".SH COMMANDS\n";
  for (const Command& command : commands()) append_command(out, command);
  out +=
      ".SH EXIT STATUS\n.TP\n0\nall went well\n.TP\n1\nthe input is wrong, or the program failed\n";
  out += ".TP\n2\nthe command line is wrong\n.TP\n130\ninterrupted\n";
  out += ".SH EXAMPLES\n";
  for (const Command& command : commands())
    for (const Example& example : command.examples)
      append_text(out, ".TP\n.B {}\n{}\n", roff(example.command), roff(example.about));
  return out;
}

}  // namespace skep::cli
