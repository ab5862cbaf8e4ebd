// SPDX-License-Identifier: Apache-2.0
#include "apps/skep/help.h"

#include <algorithm>
#include <cstdio>

#include "base/json.h"
#include "engine/engine.h"

namespace skep::cli {

namespace {

constexpr std::string_view kVersion = SKEP_VERSION;

std::string synopsis(const Option& option) {
  std::string out = option.letter != 0 ? text("-{}, ", option.letter) : "    ";
  append_text(out, "--{}", option.name);
  if (!option.argument.empty()) append_text(out, " {}", option.argument);
  return out;
}

std::string about(const Option& option) {
  if (option.choices.empty()) return std::string(option.about);
  std::string out = text("{}: {}", option.about, option.choices);
  std::ranges::replace(out, '|', ' ');
  return out;
}

}  // namespace

std::string_view version() { return kVersion; }

std::string overview() {
  std::string out =
      "skep: write, run and inspect eBPF programs\n\n"
      "usage: skep COMMAND [OPTIONS] [FILE]\n\n"
      "commands:\n";
  for (const Command& command : commands())
    append_text(out, "  {:<12} {}\n", command.name, command.about);
  out += "\nskep COMMAND --help tells more of one\n";
  return out;
}

std::string help_text(const Command& command) {
  std::string out =
      text("skep {}: {}\n\nusage: skep {}{}{}{}\n\n{}\n", command.name, command.about, command.name,
           command.options.empty() ? "" : " [OPTIONS]", command.arguments.empty() ? "" : " ",
           command.arguments, command.description);
  if (!command.options.empty()) out += "\noptions:\n";
  for (const Option& option : command.options)
    append_text(out, "  {:<26} {}\n", synopsis(option), about(option));
  if (!command.examples.empty()) out += "\nexamples:\n";
  for (const Example& example : command.examples)
    append_text(out, "  {}\n      {}\n", example.command, example.about);
  return out;
}

int run_help(const Arguments& arguments) {
  if (arguments.has("man")) {
    std::fputs(man_page().c_str(), stdout);
    return kOk;
  }
  if (arguments.files().empty()) {
    std::fputs(overview().c_str(), stdout);
    return kOk;
  }
  const Command* command = find_command(arguments.file());
  if (command == nullptr)
    return complain("help", {.what = text("unknown command \"{}\"", arguments.file())}, kBadUsage);
  std::fputs(help_text(*command).c_str(), stdout);
  return kOk;
}

int run_completion(const Arguments& arguments) {
  const std::string script = completion(arguments.file());
  if (script.empty())
    return complain("completion", {.what = "expected one of bash, zsh, fish"}, kBadUsage);
  std::fputs(script.c_str(), stdout);
  return kOk;
}

int run_version(const Arguments& arguments) {
  std::string engine_names;
  for (const engine::EngineType& type : engine::engines())
    append_text(engine_names, "{}{}", engine_names.empty() ? "" : " ", type.name);
  if (arguments.has("json")) {
    JsonWriter json;
    json.begin_object();
    json.member("version", kVersion);
    json.key("engines");
    json.begin_array();
    for (const engine::EngineType& type : engine::engines()) json.value(type.name);
    json.end_array();
    json.end_object();
    std::puts(json.text().c_str());
    return kOk;
  }
  std::printf("skep %s\nengines: %s\n", std::string(kVersion).c_str(), engine_names.c_str());
  return kOk;
}

}  // namespace skep::cli
