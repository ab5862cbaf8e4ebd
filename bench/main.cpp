// SPDX-License-Identifier: Apache-2.0
// skep-bench: what each engine costs, as a ratio to native code of the same source, or what a
// machine costs beside the running Linux. bench/run compiles the programs and calls it.
#include <cstdio>
#include <string_view>

#include "bench/machine_report.h"
#include "bench/report.h"

namespace {

using namespace skep;

constexpr const char* kUsage =
    "usage: skep-bench --programs DIRECTORY [option...]\n"
    "\n"
    "  --programs DIRECTORY  where bench/build-programs put its output\n"
    "  --filter TEXT         only the programs with TEXT in their name\n"
    "  --machine             the machine beside Linux instead of engines beside native code\n"
    "  --smoke               run everything once and compare, measure nothing\n"
    "  --json                figures as JSON\n"
    "  --help                this text\n";

struct Request {
  std::string programs;
  std::string_view filter;
  bool machine = false;
  bool smoke = false;
  bool json = false;
  bool help = false;
};

Result<Request> read_arguments(std::span<char*> arguments) {
  Request request;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const std::string_view argument = arguments[at];
    if (argument == "--machine") {
      request.machine = true;
    } else if (argument == "--smoke") {
      request.smoke = true;
    } else if (argument == "--json") {
      request.json = true;
    } else if (argument == "--help") {
      request.help = true;
    } else if (argument != "--programs" && argument != "--filter") {
      return fail(Code::invalid, "unknown option {}; --help lists them", argument);
    } else if (++at == arguments.size()) {
      return fail(Code::invalid, "{} needs a value", argument);
    } else if (argument == "--programs") {
      request.programs = arguments[at];
    } else {
      request.filter = arguments[at];
    }
  }
  if (request.programs.empty() && !request.help)
    return fail(Code::invalid,
                "where are the programs? bench/run builds them and passes --programs");
  return request;
}

Status smoke(const bench::Programs& programs) {
  for (const bench::Program& program : programs.all) (void)SKEP_TRY(bench::check(program));
  std::printf("skep-bench: %zu programs agree with native code on %zu engines\n",
              programs.all.size(), engine::engines().size());
  return {};
}

Status measure_all(const bench::Programs& programs, bool json) {
  bench::Report report{.host = bench::describe_host(), .compiler = programs.compiler};
  for (const bench::Program& program : programs.all) {
    std::fprintf(stderr, "measuring %s\n", program.name.c_str());
    report.rows.push_back(SKEP_TRY(bench::measure(program)));
  }
  for (const engine::EngineType& type : engine::engines())
    report.fixed.push_back(SKEP_TRY(bench::measure_fixed(type, programs)));
  const std::string out = json ? bench::as_json(report) : bench::as_table(report);
  std::fputs(out.c_str(), stdout);
  return {};
}

Status run_machine(const Request& request) {
  const std::string out = SKEP_TRY(bench::machine_figures({.directory = request.programs,
                                                           .filter = request.filter,
                                                           .smoke = request.smoke,
                                                           .json = request.json}));
  std::fputs(out.c_str(), stdout);
  return {};
}

Status run(const Request& request) {
  if (request.machine) return run_machine(request);
  bench::Programs programs = SKEP_TRY(bench::load_programs(request.programs));
  std::erase_if(programs.all, [&](const bench::Program& program) {
    return !program.name.contains(request.filter);
  });
  if (programs.all.empty())
    return fail(Code::not_found, "no program in {} has \"{}\" in its name", request.programs,
                request.filter);
  return request.smoke ? smoke(programs) : measure_all(programs, request.json);
}

}  // namespace

int main(int argc, char** argv) {
  const auto request = read_arguments(std::span(argv + 1, argv + argc));
  if (request && request->help) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  const Status done = request ? run(*request) : std::unexpected(request.error());
  if (done) return 0;
  std::fprintf(stderr, "skep-bench: %s\n", done.error().what.c_str());
  return request ? 1 : 2;
}
