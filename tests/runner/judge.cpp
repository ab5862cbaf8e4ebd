// SPDX-License-Identifier: Apache-2.0
#include "tests/runner/judge.h"

#include <algorithm>

#include "abi/helper_names.h"
#include "base/position.h"
#include "isa/assemble.h"
#include "isa/check.h"
#include "isa/print.h"

namespace skep::test {

namespace {

constexpr std::size_t kRowBytes = 8;

void compare_memory(const std::string& engine, const Bytes& wanted, const Bytes& seen,
                    Differences& differences) {
  for (std::size_t at = 0; at < wanted.size(); at += kRowBytes) {
    const std::size_t bytes = std::min(kRowBytes, wanted.size() - at);
    const auto want = std::span(wanted).subspan(at, bytes);
    const auto got = std::span(seen).subspan(at, bytes);
    if (!std::ranges::equal(want, got))
      differences.push_back(
          text("{}: mem+{}: {}, expected {}", engine, at, print_hex(got), print_hex(want)));
  }
}

void compare_result(const Case& given, const std::string& engine, const Observed& seen,
                    Differences& differences) {
  if (given.r0 && seen.r0 != *given.r0)
    differences.push_back(text("{}: r0 = {:#x}, expected {:#x}", engine, seen.r0, *given.r0));
  compare_memory(engine, given.memory_after.value_or(given.memory), seen.memory, differences);
}

}  // namespace

void compare(const Case& given, const std::string& engine, const Observed& seen,
             Differences& differences) {
  const std::string* wanted = given.error_on(engine);
  if (wanted == nullptr && seen.error.empty())
    return compare_result(given, engine, seen, differences);
  if (wanted != nullptr && *wanted == seen.error) return;
  differences.push_back(text("{}: {}", engine, seen.error.empty() ? "no error" : seen.error));
  differences.push_back(
      text("{:>{}}: {}", "expected", engine.size(), wanted == nullptr ? "no error" : *wanted));
}

void compare_linux(const Case& given, const LinuxObserved& seen, Differences& differences) {
  using Kind = LinuxExpectation::Kind;
  const LinuxExpectation& wanted = given.on_linux;
  if (wanted.kind == Kind::refused) {
    if (seen.accepted)
      differences.push_back(text("linux: accepted, expected a refusal: {}", wanted.words));
    else if (seen.log.find(wanted.words) == seen.log.npos)
      differences.push_back(
          text("linux: refused: {}, expected: {}", reason_in(seen.log), wanted.words));
  } else if (!seen.accepted) {
    differences.push_back(text("linux: refused: {}", reason_in(seen.log)));
  } else if (wanted.kind == Kind::runs && !given.errors.empty()) {
    differences.push_back("linux: accepted, though Skep refuses; say why by \"accepted: WHY\"");
  } else if (wanted.kind == Kind::runs) {
    compare_result(given, "linux", seen.run, differences);
  }
}

std::string reason_in(std::string_view log) {
  std::string_view reason;
  while (!log.empty()) {
    const std::size_t end = std::min(log.find('\n'), log.size());
    const std::string_view line = log.substr(0, end);
    log.remove_prefix(std::min(end + 1, log.size()));
    const bool closing = line.starts_with("processed ") || line.starts_with("verification time") ||
                         line.starts_with("stack depth") || line.starts_with("mark_precise");
    if (!line.empty() && !closing) reason = line;
  }
  return printable(reason, 200);
}

void compare_text(const isa::Program& program, Differences& differences) {
  const isa::HelperNames names{.name_of = abi::helper_name, .number_of = abi::helper_number};
  for (const auto dialect : {isa::Dialect::kernel, isa::Dialect::llvm}) {
    for (const bool labels : {false, true}) {
      const auto printed = isa::print_program(
          program, {.dialect = dialect, .names = names, .labels = labels, .opcodes = labels});
      if (!printed) return;  // not a program; loading says why
      const auto again = isa::assemble(*printed, "printed", names);
      if (!again)
        differences.push_back(text("text: {} in\n{}", again.error().what, *printed));
      else if (*again != program)
        differences.push_back(text("text: other bytes come back from\n{}", *printed));
    }
  }
}

}  // namespace skep::test
