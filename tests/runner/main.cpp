// SPDX-License-Identifier: Apache-2.0
// skep-cases [--rebase] [--filter TEXT] [--engine NAME] [--list] [DIRECTORY...]
// Runs every case on every engine that can run it. All must come to what the case says, and every
// operation of the instruction table must be reached by some case.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "abi/helper_names.h"
#include "base/file.h"
#include "isa/assemble.h"
#include "tests/runner/rebase.h"
#include "tests/support/linux_bpf.h"

namespace skep::test {

namespace {

constexpr const char* kUsage =
    "usage: skep-cases [--rebase] [--filter TEXT] [--engine NAME] [--list] [DIRECTORY...]\n";
constexpr const char* kLinux = "linux";

struct Options {
  bool rebase = false;
  bool list = false;
  std::string filter;
  std::string engine;  // empty for all
  std::vector<std::string> directories;
};

struct Counts {
  int ran = 0;
  int refused = 0;
  std::map<std::string, int> skipped;
};

Status check_engine(std::string_view name) {
  if (name.empty() || name == kLinux || engine::find_engine(name) != nullptr) return {};
  return fail(Code::invalid, "engine \"{}\" is not known", name);
}

Status check_engines(const Case& given) {
  for (const std::string& name : given.engines) SKEP_TRY(in(given.path, check_engine(name)));
  for (const auto& [name, words] : given.errors) SKEP_TRY(in(given.path, check_engine(name)));
  return {};
}

class Runner {
 public:
  explicit Runner(Options options) : options_(std::move(options)) {}
  int run();

 private:
  Result<std::vector<std::string>> find_cases() const;
  [[nodiscard]] bool wanted(const std::string& engine) const {
    return options_.engine.empty() || options_.engine == engine;
  }
  Status run_case(const std::string& path);
  Status run_program(Case& given, const isa::Program& program, Differences& differences);
  Status run_engines(Case& given, const isa::Program& program, Differences& differences);
  Status run_linux(Case& given, const isa::Program& program, Differences& differences);
  void check_coverage();
  void fail_case(const std::string& path, const Differences& differences);
  void print_counts() const;

  Options options_;
  Covered covered_{};
  std::map<std::string, Counts> counts_;
  bool ran_any_ = false;  // in the present case
  int passed_ = 0;
  int failed_ = 0;
  int skipped_ = 0;
};

Result<std::vector<std::string>> Runner::find_cases() const {
  namespace fs = std::filesystem;
  std::vector<std::string> paths;
  for (const std::string& directory : options_.directories) {
    std::error_code status;
    const fs::recursive_directory_iterator files(directory, status);
    if (status) return fail(Code::not_found, "{}: {}", directory, status.message());
    for (const fs::directory_entry& file : files) {
      const std::string path = file.path().string();
      if (file.path().extension() == ".case" && path.find(options_.filter) != path.npos)
        paths.push_back(path);
    }
  }
  std::ranges::sort(paths);
  return paths;
}

void Runner::fail_case(const std::string& path, const Differences& differences) {
  std::printf("%s\n", path.c_str());
  for (const std::string& line : differences) std::printf("  %s\n", line.c_str());
  ++failed_;
}

Status Runner::run_engines(Case& given, const isa::Program& program, Differences& differences) {
  std::map<std::string, Observed> seen;
  for (const engine::EngineType& type : engine::engines()) {
    const std::string name(type.name);
    Counts& counts = counts_[name];
    if (!wanted(name)) continue;
    if (!given.runs_on(name)) {
      ++counts.skipped["the case is for other engines"];
      continue;
    }
    Observed observed = SKEP_TRY(in(name, run_on_engine(type, given, program, covered_)));
    ++(observed.loaded ? counts.ran : counts.refused);
    ran_any_ = true;
    seen.emplace(name, std::move(observed));
  }
  if (options_.rebase) return rebase(given, seen);
  for (const auto& [name, observed] : seen) compare(given, name, observed, differences);
  return {};
}

Status Runner::run_linux(Case& given, const isa::Program& program, Differences& differences) {
  using Kind = LinuxExpectation::Kind;
  Counts& counts = counts_[kLinux];
  if (!wanted(kLinux)) return {};
  if (given.on_linux.kind == Kind::skipped) {
    ++counts.skipped[given.on_linux.words];
    return {};
  }
  if (const auto& why = why_no_bpf()) {
    ++counts.skipped[*why];
    return {};
  }
  const LinuxObserved seen = SKEP_TRY(
      in(kLinux, skep::test::run_on_linux(given, program, given.on_linux.kind == Kind::runs)));
  ++(seen.accepted ? counts.ran : counts.refused);
  ran_any_ = true;
  if (options_.rebase) {
    rebase_linux(given, seen);
    if (seen.accepted != (given.on_linux.kind != Kind::refused)) return {};
  }
  compare_linux(given, seen, differences);
  return {};
}

Status Runner::run_program(Case& given, const isa::Program& program, Differences& differences) {
  compare_text(program, differences);
  SKEP_TRY(run_engines(given, program, differences));
  return run_linux(given, program, differences);
}

Status Runner::run_case(const std::string& path) {
  const Bytes bytes = SKEP_TRY(read_file(path));
  const std::string source(as_text(bytes));
  Case given = SKEP_TRY(parse_case(path, source));
  SKEP_TRY(check_engines(given));
  if (!options_.rebase) SKEP_TRY(require_expectation(given));

  Differences differences;
  ran_any_ = false;
  const isa::HelperNames names{.name_of = abi::helper_name, .number_of = abi::helper_number};
  const auto program =
      given.assembly ? isa::assemble(*given.assembly, "asm", names) : isa::decode(given.encoded);
  if (program) {
    SKEP_TRY(run_program(given, *program, differences));
  } else {
    ran_any_ = true;
    const Observed observed{.error = program.error().what};
    if (options_.rebase)
      SKEP_TRY(rebase(given, {{"", observed}}));
    else
      compare(given, "text", observed, differences);
  }
  if (!differences.empty())
    fail_case(path, differences);
  else
    ++(ran_any_ ? passed_ : skipped_);
  if (options_.rebase && differences.empty()) {
    const std::string changed = print_case(given);
    if (changed != source) SKEP_TRY(write_file(path, as_bytes(changed)));
  }
  return {};
}

void Runner::check_coverage() {
  if (!options_.filter.empty() || !wanted("checked")) return;
  Differences missing;
  for (const isa::Op& row : isa::kOps)
    if (!covered_[static_cast<std::size_t>(row.id)])
      missing.push_back(text("{} is executed by no case", row.name));
  if (!missing.empty()) fail_case("instruction table", missing);
}

void Runner::print_counts() const {
  for (const auto& [engine, counts] : counts_) {
    if (!wanted(engine)) continue;
    std::printf("%s: %d ran, %d refused as expected", engine.c_str(), counts.ran, counts.refused);
    for (const auto& [why, count] : counts.skipped)
      std::printf(", %d skipped: %s", count, why.c_str());
    std::printf("\n");
  }
}

int Runner::run() {
  const auto paths = find_cases();
  if (!paths) {
    std::fprintf(stderr, "%s\n", paths.error().what.c_str());
    return 1;
  }
  for (const std::string& path : *paths) {
    if (options_.list) {
      std::printf("%s\n", path.c_str());
      continue;
    }
    const Status status = run_case(path);
    if (!status) fail_case(path, {status.error().what});
  }
  if (options_.list) return 0;
  if (paths->empty()) fail_case("no case", {"no .case file was found"});
  check_coverage();
  print_counts();
  if (const auto& why = why_no_bpf(); why && wanted(kLinux)) {
    std::printf("skipped: the cases on linux: %s\n", why->c_str());
    ++skipped_;
  }
  std::printf("cases: %d passed, %d failed, %d skipped\n", passed_, failed_, skipped_);
  return failed_ == 0 ? 0 : 1;
}

Result<Options> read_options(std::span<char*> arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string argument = arguments[i];
    const bool takes_value = argument == "--filter" || argument == "--engine";
    if (takes_value && i + 1 == arguments.size())
      return fail(Code::invalid, "{} needs a value", argument);
    if (argument == "--rebase")
      options.rebase = true;
    else if (argument == "--list")
      options.list = true;
    else if (takes_value)
      (argument == "--filter" ? options.filter : options.engine) = arguments[++i];
    else if (argument.starts_with("--"))
      return fail(Code::invalid, "unknown option {}", argument);
    else
      options.directories.push_back(argument);
  }
  if (options.directories.empty()) options.directories.emplace_back("tests/cases");
  SKEP_TRY(check_engine(options.engine));
  return options;
}

}  // namespace

}  // namespace skep::test

int main(int argc, char** argv) {
  auto options = skep::test::read_options(std::span(argv + 1, argv + argc));
  if (!options) {
    std::fprintf(stderr, "%s\n%s", options.error().what.c_str(), skep::test::kUsage);
    return 2;
  }
  return skep::test::Runner(*std::move(options)).run();
}
