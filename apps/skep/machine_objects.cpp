// SPDX-License-Identifier: Apache-2.0
#include "apps/skep/machine_objects.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "base/hex.h"
#include "skep/machine.h"

namespace skep::cli {

namespace {

// Others may drop an object between its id and this.
template <class T>
Result<std::vector<T>> open_all(Kernel& kernel) {
  const auto ids = SKEP_TRY(T::ids(kernel));
  std::vector<T> all;
  for (const std::uint32_t id : ids) {
    auto one = T::by_id(kernel, id);
    if (one)
      all.push_back(std::move(*one));
    else if (one.error().sys != ENOENT)
      return std::unexpected(std::move(one).error());
  }
  return all;
}

template <class T>
Result<std::vector<T>> only(Result<T> one) {
  if (!one) return std::unexpected(std::move(one).error());
  std::vector<T> result;
  result.push_back(std::move(*one));
  return result;
}

template <class T>
Result<T> exactly_one(std::string_view what, Result<std::vector<T>> found) {
  if (!found) return std::unexpected(std::move(found).error());
  if (found->size() == 1) return std::move(found->front());
  if (found->empty()) return fail(Code::not_found, "there is no such {}", what);
  return fail(Code::invalid, "{} {}s have that name; name it by its id", found->size(), what);
}

void print_usage(std::FILE* to, std::string_view command, std::span<const Action> actions,
                 std::string_view grammar) {
  std::string out;
  for (const Action& action : actions)
    append_text(out, "{} skep {} {} {}\n", out.empty() ? "usage:" : "      ", command, action.name,
                action.arguments);
  append_text(out, "       skep {} help\n\n{}", command, grammar);
  std::fwrite(out.data(), 1, out.size(), to);
}

// The first that has these characters at its beginning, as bpftool has it; "show|list" are two.
const Action* find_action(std::span<const Action> actions, std::string_view word) {
  for (const Action& action : actions) {
    std::string_view names = action.name;
    while (!names.empty()) {
      const std::size_t bar = std::min(names.find('|'), names.size());
      if (names.substr(0, bar).starts_with(word)) return &action;
      names.remove_prefix(std::min(bar + 1, names.size()));
    }
  }
  return nullptr;
}

}  // namespace

std::string_view Words::peek() const {
  return empty() ? std::string_view() : std::string_view(words_[at_]);
}

bool Words::take(std::string_view word) {
  if (empty() || words_[at_] != word) return false;
  ++at_;
  return true;
}

std::unexpected<Error> Words::mistake(std::string what) {
  wrong_ = true;
  return std::unexpected(Error{.code = Code::invalid, .sys = 0, .what = std::move(what)});
}

Result<std::string> Words::next(std::string_view what) {
  if (empty()) return mistake(text("expected {}", what));
  return words_[at_++];
}

Result<std::uint64_t> Words::number(std::string_view what, std::uint64_t most) {
  const std::string word = SKEP_TRY(next(what));
  std::string_view digits = word;
  const bool hex = digits.starts_with("0x");
  if (hex) digits.remove_prefix(2);
  std::uint64_t number = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, hex ? 16 : 10);
  if (error != std::errc{} || end != digits.data() + digits.size() || number > most)
    return mistake(text("expected {}, a number up to {}, not \"{}\"", what, most, word));
  return number;
}

Result<std::uint32_t> Words::number32(std::string_view what) {
  return static_cast<std::uint32_t>(SKEP_TRY(number(what, UINT32_MAX)));
}

Status Words::end() {
  if (empty()) return {};
  return mistake(text("unexpected \"{}\"", peek()));
}

int run_action(std::string_view command, const Arguments& arguments,
               std::span<const Action> actions, std::string_view grammar) {
  Words words(arguments.files());
  const std::string word = words.empty() ? "show" : *words.next("a word");
  if (word == "help") {
    print_usage(stdout, command, actions, grammar);
    return kOk;
  }
  const Action* action = find_action(actions, word);
  if (action == nullptr || word.empty()) {
    print_usage(stderr, command, actions, grammar);
    return kBadUsage;
  }
  const std::string name = arguments.value("machine").value_or("default");
  const auto kernel = open_machine(name);
  if (!kernel) return complain(command, kernel.error());
  Request request{.kernel = **kernel, .words = words, .json = arguments.has("json")};
  const Status done = action->run(request);
  if (!done) return complain(command, done.error(), words.wrong() ? kBadUsage : kBadInput);
  const std::string& out = request.json ? request.writer.text() : request.out;
  std::fwrite(out.data(), 1, out.size(), stdout);
  if (request.json && !out.empty()) std::fputc('\n', stdout);
  return request.code;
}

Result<std::vector<Map>> all_maps(Kernel& kernel) { return open_all<Map>(kernel); }
Result<std::vector<Program>> all_programs(Kernel& kernel) { return open_all<Program>(kernel); }

Result<std::vector<Map>> find_maps(Request& request) {
  Words& words = request.words;
  if (words.take("id"))
    return only(Map::by_id(request.kernel, SKEP_TRY(words.number32("the id of a map"))));
  if (words.take("pinned"))
    return only(Map::pinned(request.kernel, SKEP_TRY(words.next("the path of a pin"))));
  if (!words.take("name")) return words.mistake("expected id, pinned or name");
  const std::string name = SKEP_TRY(words.next("the name of a map"));
  auto all = SKEP_TRY(all_maps(request.kernel));
  std::erase_if(all, [&](const Map& map) { return map.info().name != name; });
  return all;
}

Result<Map> find_map(Request& request) { return exactly_one("map", find_maps(request)); }

Result<std::vector<Program>> find_programs(Request& request) {
  Words& words = request.words;
  if (words.take("id"))
    return only(Program::by_id(request.kernel, SKEP_TRY(words.number32("the id of a program"))));
  if (words.take("pinned"))
    return only(Program::pinned(request.kernel, SKEP_TRY(words.next("the path of a pin"))));
  const bool by_tag = words.peek() == "tag";
  if (!words.take("tag") && !words.take("name"))
    return words.mistake("expected id, pinned, tag or name");
  const std::string name = SKEP_TRY(words.next(by_tag ? "a tag" : "the name of a program"));
  auto all = SKEP_TRY(all_programs(request.kernel));
  std::erase_if(all, [&](const Program& program) {
    const auto info = program.info();
    return !info || (by_tag ? tag_text(info->tag) : info->name) != name;
  });
  return all;
}

Result<Program> find_program(Request& request) {
  return exactly_one("program", find_programs(request));
}

std::string tag_text(std::span<const std::uint8_t> tag) { return print_hex(std::as_bytes(tag), 0); }

void json_bytes(JsonWriter& writer, std::span<const std::byte> bytes) {
  writer.begin_array();
  for (const std::byte byte : bytes) writer.value(text("0x{:02x}", static_cast<unsigned>(byte)));
  writer.end_array();
}

void append_ids(std::string& out, std::string_view title, std::span<const std::uint32_t> ids) {
  for (std::size_t i = 0; i < ids.size(); ++i)
    append_text(out, "{}{}", i == 0 ? text("  {} ", title) : std::string(","), ids[i]);
}

void json_ids(JsonWriter& writer, std::string_view title, std::span<const std::uint32_t> ids) {
  writer.key(title);
  writer.begin_array();
  for (const std::uint32_t id : ids) writer.value(id);
  writer.end_array();
}

}  // namespace skep::cli
