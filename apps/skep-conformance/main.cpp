// SPDX-License-Identifier: Apache-2.0
// The plugin for the public ISA conformance runner: [memory as hex] [options], the program as hex
// on standard input, r0 as hex on standard output. Whatever goes wrong is one line on standard
// error and exit code 1. Programs run as given, in a process of their own and under a budget.
#include <cstdio>
#include <cstring>
#include <string_view>

#include "base/file.h"
#include "engine/contained.h"
#include "engine/engine.h"
#include "machine/helpers.h"
#include "machine/run.h"

namespace {

using namespace skep;

constexpr std::uint64_t kBudget = 100'000'000;

struct Request {
  std::string_view engine = "interpreter";
  Bytes memory;
};

Result<Request> read_arguments(std::span<char*> arguments) {
  Request request;
  bool first = true;
  for (const std::string_view argument : arguments) {
    if (argument == "--interpret") {
      request.engine = "interpreter";
    } else if (argument == "--checked") {
      request.engine = "checked";
    } else if (argument.starts_with("--")) {
      return fail(Code::invalid, "unknown option {}; expected --interpret or --checked", argument);
    } else if (first) {
      request.memory = SKEP_TRY(in("memory", parse_hex(argument)));
    } else if (!argument.empty()) {
      return fail(Code::invalid, "unexpected argument \"{}\"", argument);
    }
    first = false;
  }
  return request;
}

// What the child leaves for its parent.
struct Shared {
  engine::Outcome outcome;
};

Result<std::uint64_t> run(const Request& request) {
  const Bytes source = SKEP_TRY(read_file("-"));
  const Bytes bytes = SKEP_TRY(in("program", parse_hex(as_text(source))));
  const isa::Program program = SKEP_TRY(in("program", isa::decode(bytes)));
  const engine::EngineType* type = engine::find_engine(request.engine);
  SKEP_ASSERT(type != nullptr);
  const auto runnable = SKEP_TRY(type->load(program, machine::helper_calls()));

  const auto memory = SKEP_TRY(engine::SharedMemory::make(request.memory.size()));
  const auto shared = SKEP_TRY(engine::SharedMemory::make(sizeof(Shared)));
  if (!request.memory.empty())
    std::memcpy(memory.bytes().data(), request.memory.data(), request.memory.size());
  machine::SystemHost system;
  const machine::Host host = system.host();
  machine::Run run{.host = &host};
  const engine::Region region{.name = "mem",
                              .begin = std::bit_cast<std::uint64_t>(memory.bytes().data()),
                              .bytes = memory.bytes().size()};
  engine::Input input{
      .r1 = region.begin,
      .r2 = region.bytes,
      .context = &run,
      .budget = kBudget,
  };
  if (region.bytes != 0) input.regions = {&region, 1};
  auto* left = new (shared.bytes().data()) Shared{};
  SKEP_TRY(engine::run_contained([&] { left->outcome = runnable->run(input); }));
  if (!left->outcome.ok()) return fail(Code::invalid, "{}", engine::describe(left->outcome, input));
  return left->outcome.r0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto request = read_arguments(std::span(argv + 1, argv + argc));
  const auto r0 = request ? run(*request) : std::unexpected(request.error());
  if (!r0) {
    std::fprintf(stderr, "%s\n", r0.error().what.c_str());
    return 1;
  }
  std::printf("%llx\n", static_cast<unsigned long long>(*r0));
  return 0;
}
