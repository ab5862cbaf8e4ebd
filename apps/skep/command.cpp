// SPDX-License-Identifier: Apache-2.0
#include "apps/skep/command.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace skep::cli {

namespace {

const Option* find_option(const Command& command, std::string_view name) {
  const auto found = std::ranges::find(command.options, name, &Option::name);
  return found == command.options.end() ? nullptr : &*found;
}

const Option* find_letter(const Command& command, char letter) {
  const auto found = std::ranges::find(command.options, letter, &Option::letter);
  return found == command.options.end() ? nullptr : &*found;
}

bool is_choice(std::string_view choices, std::string_view word) {
  while (!choices.empty()) {
    const std::size_t bar = std::min(choices.find('|'), choices.size());
    if (choices.substr(0, bar) == word) return true;
    choices.remove_prefix(std::min(bar + 1, choices.size()));
  }
  return false;
}

Status check_value(const Option& option, std::string_view value) {
  if (option.choices.empty() || is_choice(option.choices, value)) return {};
  return fail(Code::invalid, "--{} takes one of {}, not \"{}\"", option.name, option.choices,
              value);
}

// One option as written: its row, and the value that came with it behind "=" or the letter.
struct Written {
  const Option* option;
  std::optional<std::string> value;
};

Result<Written> read_option(const Command& command, std::string_view word) {
  Written written{.option = nullptr, .value = std::nullopt};
  if (word.starts_with("--")) {
    const std::size_t equals = word.find('=');
    if (equals != word.npos) written.value = std::string(word.substr(equals + 1));
    written.option =
        find_option(command, word.substr(2, equals == word.npos ? equals : equals - 2));
  } else {
    written.option = find_letter(command, word[1]);
    if (word.size() > 2) written.value = std::string(word.substr(2));
  }
  if (written.option == nullptr) return fail(Code::invalid, "unknown option {}", word);
  if (written.option->argument.empty() && written.value)
    return fail(Code::invalid, "--{} takes no value", written.option->name);
  return written;
}

}  // namespace

std::optional<std::string> Arguments::value(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

Result<std::uint64_t> Arguments::number(std::string_view name, std::uint64_t fallback) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return fallback;
  std::string_view digits = found->second;
  const bool hex = digits.starts_with("0x");
  if (hex) digits.remove_prefix(2);
  std::uint64_t number = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, hex ? 16 : 10);
  if (error != std::errc{} || end != digits.data() + digits.size())
    return fail(Code::invalid, "--{} takes a number, not \"{}\"", name, found->second);
  return number;
}

const Command* find_command(std::string_view name) {
  const auto found = std::ranges::find(commands(), name, &Command::name);
  return found == commands().end() ? nullptr : &*found;
}

Result<Arguments> CommandLine::parse(const Command& command, std::span<char* const> words) {
  Arguments arguments;
  bool options_end = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--" && !options_end) {
      options_end = true;
      continue;
    }
    if (options_end || word.size() < 2 || word[0] != '-') {
      if (arguments.files_.size() == command.most_files)
        return fail(Code::invalid, "unexpected argument \"{}\"", word);
      arguments.files_.emplace_back(word);
      continue;
    }
    Written written = SKEP_TRY(read_option(command, word));
    if (!written.option->argument.empty() && !written.value) {
      if (i + 1 == words.size())
        return fail(Code::invalid, "--{} needs {} behind it", written.option->name,
                    written.option->argument);
      written.value = words[++i];
    }
    SKEP_TRY(check_value(*written.option, written.value.value_or("")));
    arguments.values_.insert_or_assign(std::string(written.option->name),
                                       written.value.value_or(""));
  }
  return arguments;
}

int complain(std::string_view command, const Error& error, int code) {
  std::fprintf(stderr, "skep %.*s: %s\n", static_cast<int>(command.size()), command.data(),
               error.what.c_str());
  return code;
}

}  // namespace skep::cli
