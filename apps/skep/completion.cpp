// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "apps/skep/help.h"

namespace skep::cli {

namespace {

std::string names_of_commands() {
  std::string out;
  for (const Command& command : commands()) append_text(out, "{} ", command.name);
  return out;
}

std::string spaced(std::string_view choices) {
  std::string out(choices);
  std::ranges::replace(out, '|', ' ');
  return out;
}

std::string bash() {
  std::string out =
      "_skep() {\n  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n";
  append_text(out,
              "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
              "    mapfile -t COMPREPLY < <(compgen -W \"{}\" -- \"$word\")\n    return\n  fi\n"
              "  case \"${{COMP_WORDS[1]}} $before\" in\n",
              names_of_commands());
  for (const Command& command : commands())
    for (const Option& option : command.options)
      if (!option.choices.empty())
        append_text(out,
                    "    \"{} --{}\") mapfile -t COMPREPLY < <(compgen -W \"{}\" -- \"$word\"); "
                    "return ;;\n",
                    command.name, option.name, spaced(option.choices));
  out +=
      "  esac\n  case \"$word\" in\n    -*) ;;\n    *) mapfile -t COMPREPLY < <(compgen -f -- "
      "\"$word\"); return ;;\n  esac\n";
  out += "  case \"${COMP_WORDS[1]}\" in\n";
  for (const Command& command : commands()) {
    append_text(out, "    {}) mapfile -t COMPREPLY < <(compgen -W \"--help", command.name);
    for (const Option& option : command.options) append_text(out, " --{}", option.name);
    out += "\" -- \"$word\") ;;\n";
  }
  out += "  esac\n}\ncomplete -o filenames -F _skep skep\n";
  return out;
}

// In zsh's specs these characters have a meaning of their own.
std::string zsh_text(std::string_view plain) {
  std::string out;
  for (const char c : plain) {
    if (c == '\'')
      out += "'\\''";
    else if (c == '[' || c == ']' || c == ':')
      append_text(out, "\\{}", c);
    else
      out += c;
  }
  return out;
}

std::string zsh() {
  std::string out = "#compdef skep\n_skep() {\n  local -a commands=(\n";
  for (const Command& command : commands())
    append_text(out, "    '{}:{}'\n", command.name, zsh_text(command.about));
  out += "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n";
  out += "  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $command in\n";
  for (const Command& command : commands()) {
    append_text(out, "    {})\n      _arguments '--help[show help]'", command.name);
    for (const Option& option : command.options) {
      append_text(out, " \\\n        '--{}[{}]", option.name, zsh_text(option.about));
      if (!option.choices.empty())
        append_text(out, ":{}:({})", zsh_text(option.argument), spaced(option.choices));
      else if (!option.argument.empty())
        append_text(out, ":{}:_files", zsh_text(option.argument));
      out += '\'';
    }
    out += " '*:file:_files'\n      ;;\n";
  }
  out += "  esac\n}\n_skep \"$@\"\n";
  return out;
}

std::string fish_text(std::string_view plain) {
  std::string out;
  for (const char c : plain) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string fish() {
  std::string out;
  for (const Command& command : commands()) {
    append_text(out, "complete -c skep -n __fish_use_subcommand -f -a {} -d '{}'\n", command.name,
                fish_text(command.about));
    for (const Option& option : command.options) {
      append_text(out, "complete -c skep -n '__fish_seen_subcommand_from {}' -l {} -d '{}'",
                  command.name, option.name, fish_text(option.about));
      if (option.letter != 0) append_text(out, " -s {}", option.letter);
      if (!option.choices.empty())
        append_text(out, " -x -a '{}'", spaced(option.choices));
      else if (!option.argument.empty())
        out += " -r";
      out += '\n';
    }
  }
  return out;
}

}  // namespace

std::string completion(std::string_view shell) {
  if (shell == "bash") return bash();
  if (shell == "zsh") return zsh();
  if (shell == "fish") return fish();
  return {};
}

}  // namespace skep::cli
