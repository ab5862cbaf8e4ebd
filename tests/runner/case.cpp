// SPDX-License-Identifier: Apache-2.0
#include "tests/runner/case.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/position.h"

namespace skep::test {

namespace {

constexpr std::uint64_t kDefaultBudget = 10'000'000;

std::string_view trim(std::string_view words) {
  const std::size_t first = words.find_first_not_of(" \t\n");
  if (first == words.npos) return {};
  return words.substr(first, words.find_last_not_of(" \t\n") - first + 1);
}

class CaseParser {
 public:
  struct SectionKind {
    std::string_view name;
    Status (CaseParser::*read)(const Section&);
  };
  static const std::array<SectionKind, 12> kSections;  // in the order of a file

  explicit CaseParser(std::string path) { case_.path = std::move(path); }

  Result<Case> parse(std::string_view source);

 private:
  std::unexpected<Error> error(const Section& section, std::string_view what) const {
    return fail(Code::invalid, "{}:{}: {}", case_.path, section.line, what);
  }
  Status split(std::string_view source);
  Status begin_section(std::string_view heading, std::size_t line);
  Status read(const Section& section);
  Status require_program() const;

  Result<std::string> one_line(const Section& section) const;
  Result<std::uint64_t> number(const Section& section, std::string_view digits) const;
  Result<Bytes> bytes(const Section& section) const;

  Status about(const Section& section);
  Status assembly(const Section& section);
  Status encoded(const Section& section);
  Status memory(const Section& section);
  Status read_only_memory(const Section& section);
  Status packet(const Section& section);
  Status result(const Section& section);
  Status memory_after(const Section& section);
  Status error_text(const Section& section);
  Status on_linux(const Section& section);
  Status engines(const Section& section);
  Status budget(const Section& section);

  Case case_;
};

const std::array<CaseParser::SectionKind, 12> CaseParser::kSections = {{
    {"about", &CaseParser::about},
    {"asm", &CaseParser::assembly},
    {"hex", &CaseParser::encoded},
    {"mem", &CaseParser::memory},
    {"mem read only", &CaseParser::read_only_memory},
    {"packet", &CaseParser::packet},
    {"budget", &CaseParser::budget},
    {"engines", &CaseParser::engines},
    {"result", &CaseParser::result},
    {"mem after", &CaseParser::memory_after},
    {"error", &CaseParser::error_text},
    {"linux", &CaseParser::on_linux},
}};

const CaseParser::SectionKind* find_section(std::string_view name) {
  return std::ranges::find(CaseParser::kSections, name, &CaseParser::SectionKind::name);
}

Status CaseParser::begin_section(std::string_view heading, std::size_t line) {
  Section section{.name = std::string(trim(heading.substr(2))), .line = line};
  if (section.name.starts_with("error ")) {
    section.argument = section.name.substr(6);
    section.name = "error";
  }
  if (find_section(section.name) == kSections.end())
    return error(section, text("unknown section \"{}\"", printable(section.name)));
  for (const Section& before : case_.sections)
    if (before.name == section.name && before.argument == section.argument)
      return error(section,
                   text("section \"{}\" was given in line {} already", section.name, before.line));
  case_.sections.push_back(std::move(section));
  return {};
}

Status CaseParser::split(std::string_view source) {
  for (std::size_t line = 1; !source.empty(); ++line) {
    const std::size_t end = std::min(source.find('\n'), source.size() - 1) + 1;
    const std::string_view words = source.substr(0, end);
    source.remove_prefix(end);
    if (words.starts_with("--")) {
      SKEP_TRY(begin_section(trim(words), line));
      continue;
    }
    if (case_.sections.empty())
      return fail(Code::invalid, "{}:{}: expected a section such as \"-- about\", found \"{}\"",
                  case_.path, line, printable(trim(words)));
    case_.sections.back().body += words;
  }
  return {};
}

Result<std::string> CaseParser::one_line(const Section& section) const {
  const std::string_view words = trim(section.body);
  if (words.empty()) return error(section, text("section \"{}\" is empty", section.name));
  if (words.find('\n') != words.npos)
    return error(section, text("section \"{}\" takes one line", section.name));
  return std::string(words);
}

Result<std::uint64_t> CaseParser::number(const Section& section, std::string_view digits) const {
  const std::string_view all = digits;
  const bool negative = digits.starts_with("-");
  if (negative) digits.remove_prefix(1);
  const bool hex = digits.starts_with("0x");
  if (hex) digits.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, status] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  if (status != std::errc{} || end != digits.data() + digits.size())
    return error(section, text("expected a number, found \"{}\"", printable(all)));
  return negative ? 0 - value : value;
}

Result<Bytes> CaseParser::bytes(const Section& section) const {
  // As many lines in front as the file has, so that the position is one in the file.
  auto read = parse_hex(std::string(section.line, '\n') + section.body);
  if (!read) return fail(Code::invalid, "{}:{}", case_.path, read.error().what);
  return read;
}

Status CaseParser::about(const Section& section) {
  if (trim(section.body).empty()) return error(section, "section \"about\" is empty");
  return {};
}

Status CaseParser::assembly(const Section& section) {
  case_.assembly = section.body;
  return {};
}

Status CaseParser::encoded(const Section& section) {
  case_.encoded = SKEP_TRY(bytes(section));
  return {};
}

Status CaseParser::memory(const Section& section) {
  case_.memory = SKEP_TRY(bytes(section));
  return {};
}

Status CaseParser::read_only_memory(const Section& section) {
  case_.read_only = true;
  return memory(section);
}

Status CaseParser::packet(const Section& section) {
  case_.packet = SKEP_TRY(bytes(section));
  return {};
}

Status CaseParser::result(const Section& section) {
  const std::string line = SKEP_TRY(one_line(section));
  constexpr std::string_view kBefore = "r0 = ";
  if (!line.starts_with(kBefore))
    return error(section, text("expected \"r0 = N\", found \"{}\"", printable(line)));
  case_.r0 = SKEP_TRY(number(section, std::string_view(line).substr(kBefore.size())));
  return {};
}

Status CaseParser::memory_after(const Section& section) {
  case_.memory_after = SKEP_TRY(bytes(section));
  return {};
}

Status CaseParser::error_text(const Section& section) {
  case_.errors[section.argument] = SKEP_TRY(one_line(section));
  return {};
}

Status CaseParser::on_linux(const Section& section) {
  using Kind = LinuxExpectation::Kind;
  const std::string line = SKEP_TRY(one_line(section));
  const std::size_t colon = line.find(':');
  const std::string_view kind = std::string_view(line).substr(0, colon);
  const std::string_view words =
      colon == line.npos ? std::string_view{} : trim(std::string_view(line).substr(colon + 1));
  if (line == "ok") {
    case_.on_linux = {};
  } else if (!words.empty() && kind == "accepted") {
    case_.on_linux = {Kind::accepted, std::string(words)};
  } else if (!words.empty() && kind == "refused") {
    case_.on_linux = {Kind::refused, std::string(words)};
  } else if (!words.empty() && kind == "skip") {
    case_.on_linux = {Kind::skipped, std::string(words)};
  } else {
    return error(section,
                 text("expected \"ok\", \"refused: WORDS OF THE LOG\", \"accepted: WHY\" or "
                      "\"skip: WHY\", found \"{}\"",
                      printable(line)));
  }
  return {};
}

// "checked: it would really write there"
Status CaseParser::engines(const Section& section) {
  const std::string line = SKEP_TRY(one_line(section));
  const std::size_t colon = line.find(':');
  if (colon == line.npos || trim(std::string_view(line).substr(colon + 1)).empty())
    return error(section, "expected \"ENGINE ENGINE: WHY NO OTHERS\"");
  std::string_view names = std::string_view(line).substr(0, colon);
  while (!(names = trim(names)).empty()) {
    const std::size_t end = std::min(names.find(' '), names.size());
    case_.engines.emplace_back(names.substr(0, end));
    names.remove_prefix(end);
  }
  return {};
}

Status CaseParser::budget(const Section& section) {
  const std::string line = SKEP_TRY(one_line(section));
  case_.budget = SKEP_TRY(number(section, line));
  return {};
}

Status CaseParser::read(const Section& section) {
  return (this->*find_section(section.name)->read)(section);
}

Status CaseParser::require_program() const {
  const auto has = [&](std::string_view name) {
    return std::ranges::find(case_.sections, name, &Section::name) != case_.sections.end();
  };
  if (!has("about")) return fail(Code::invalid, "{}: section \"about\" is missing", case_.path);
  if (has("asm") == has("hex"))
    return fail(Code::invalid, "{}: expected one section of \"asm\" and \"hex\"", case_.path);
  if (has("mem") && has("mem read only"))
    return fail(Code::invalid, "{}: a case has one memory, not two", case_.path);
  if (case_.r0 && !case_.errors.empty())
    return fail(Code::invalid, "{}: a case has a \"result\" or an \"error\", not both", case_.path);
  if (case_.memory_after && case_.memory_after->size() != case_.memory.size())
    return fail(Code::invalid, "{}: \"mem\" has {} bytes and \"mem after\" {}", case_.path,
                case_.memory.size(), case_.memory_after->size());
  return {};
}

Result<Case> CaseParser::parse(std::string_view source) {
  case_.budget = kDefaultBudget;
  SKEP_TRY(split(source));
  for (const Section& section : case_.sections) SKEP_TRY(read(section));
  SKEP_TRY(require_program());
  return std::move(case_);
}

}  // namespace

bool Case::runs_on(std::string_view engine) const {
  if (!engines.empty()) return std::ranges::find(engines, engine) != engines.end();
  return errors.empty() || errors.contains("") || errors.contains(std::string(engine));
}

const std::string* Case::error_on(const std::string& engine) const {
  auto found = errors.find(engine);
  if (found == errors.end()) found = errors.find("");
  return found == errors.end() ? nullptr : &found->second;
}

Result<Case> parse_case(std::string path, std::string_view source) {
  return CaseParser(std::move(path)).parse(source);
}

Status require_expectation(const Case& given) {
  if (given.r0 || !given.errors.empty()) return {};
  return fail(Code::invalid, "{}: neither \"result\" nor \"error\" is given; --rebase writes it",
              given.path);
}

void set_section(Case& changed, std::string_view name, std::string_view argument,
                 const std::optional<std::string>& body) {
  const auto found = std::ranges::find_if(changed.sections, [&](const Section& section) {
    return section.name == name && section.argument == argument;
  });
  if (found != changed.sections.end()) {
    if (body)
      found->body = *body;
    else
      changed.sections.erase(found);
    return;
  }
  if (!body) return;
  const auto place = std::ranges::find_if(changed.sections, [&](const Section& section) {
    return find_section(section.name) > find_section(name);
  });
  changed.sections.insert(
      place, Section{.name = std::string(name), .argument = std::string(argument), .body = *body});
}

std::string print_case(const Case& given) {
  std::string out;
  for (const Section& section : given.sections) {
    append_text(out, "-- {}{}{}\n", section.name, section.argument.empty() ? "" : " ",
                section.argument);
    out += section.body;
    if (!section.body.empty() && section.body.back() != '\n') out += '\n';
  }
  return out;
}

}  // namespace skep::test
