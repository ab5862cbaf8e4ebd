// SPDX-License-Identifier: Apache-2.0
#include "tests/runner/rebase.h"

#include <algorithm>
#include <cctype>

namespace skep::test {

namespace {

// The bytes in the layout, and with the comments, of a section that holds as many.
std::string fill(std::string_view layout, const Bytes& bytes) {
  const std::string digits = print_hex(bytes, 0);
  std::string out;
  std::size_t next = 0;
  bool comment = false;
  for (const char c : layout) {
    comment = c == '#' || (comment && c != '\n');
    const bool digit = !comment && std::isxdigit(static_cast<unsigned char>(c)) != 0;
    out += digit && next < digits.size() ? digits[next++] : c;
  }
  return out;
}

std::string body_of(const Case& given, std::string_view name) {
  const auto found = std::ranges::find(given.sections, name, &Section::name);
  return found == given.sections.end() ? "" : found->body;
}

void rebase_result(Case& given, const Observed& seen) {
  given.r0 = seen.r0;
  given.memory_after = seen.memory;
  given.errors.clear();
  set_section(given, "error", "", std::nullopt);
  set_section(given, "result", "", text("r0 = {:#x}\n", seen.r0));
  if (seen.memory == given.memory) return set_section(given, "mem after", "", std::nullopt);
  const std::string layout = body_of(given, "mem after");
  set_section(given, "mem after", "",
              fill(layout.empty() ? body_of(given, "mem") : layout, seen.memory));
}

bool same(const Observed& a, const Observed& b) {
  return a.error == b.error && (!a.error.empty() || (a.r0 == b.r0 && a.memory == b.memory));
}

}  // namespace

Status rebase(Case& given, const std::map<std::string, Observed>& seen) {
  if (seen.empty()) return fail(Code::invalid, "no engine ran it");
  if (!given.errors.empty() && !given.errors.contains("")) {
    for (const auto& [engine, observed] : seen)
      if (!observed.error.empty()) set_section(given, "error", engine, observed.error + "\n");
    return {};
  }
  const auto& [engine, first] = *seen.begin();
  for (const auto& [other, observed] : seen)
    if (!same(first, observed))
      return fail(Code::invalid, "{} and {} disagree: {} r0 = {:#x}, {} r0 = {:#x}", engine, other,
                  first.error, first.r0, observed.error, observed.r0);
  if (first.error.empty()) {
    rebase_result(given, first);
    return {};
  }
  given.r0.reset();
  given.errors[""] = first.error;
  set_section(given, "result", "", std::nullopt);
  set_section(given, "mem after", "", std::nullopt);
  set_section(given, "error", "", first.error + "\n");
  return {};
}

void rebase_linux(Case& given, const LinuxObserved& seen) {
  using Kind = LinuxExpectation::Kind;
  if (seen.accepted && given.on_linux.kind == Kind::refused)
    set_section(given, "linux", "", std::nullopt);
  if (!seen.accepted && (given.on_linux.kind != Kind::refused ||
                         seen.log.find(given.on_linux.words) == seen.log.npos))
    set_section(given, "linux", "", text("refused: {}\n", reason_in(seen.log)));
}

}  // namespace skep::test
