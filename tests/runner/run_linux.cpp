// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "isa/check.h"
#include "tests/runner/run.h"
#include "tests/support/linux_bpf.h"

namespace skep::test {

namespace {

constexpr std::size_t kLeastPacketBytes = 64;  // Linux wants a link-layer header at least
constexpr std::uint8_t kMov = 0xb7;
constexpr std::uint8_t kMovReg = 0xbf;
constexpr std::uint8_t kStore64 = 0x7b;
constexpr std::uint8_t kCall = 0x85;
constexpr std::uint8_t kExit = 0x95;
constexpr std::uint8_t kMapValue = 2;  // source of a 64-bit immediate
constexpr std::uint8_t kLocal = 1;     // source of a call

void append_map_value(isa::Program& program, std::uint8_t reg, const Fd& map) {
  program.push_back({.code = isa::kImm64Code, .dst = reg, .src = kMapValue, .imm = map.get()});
  program.push_back({});
}

// main: the case's program with its arguments, then r0 into the map of the result.
isa::Program wrap(const Case& given, const isa::Program& program, const Fd& memory,
                  const Fd& result) {
  isa::Program whole;
  whole.push_back({.code = kMovReg, .dst = 3, .src = 1});
  if (memory)
    append_map_value(whole, 1, memory);
  else
    whole.push_back({.code = kMov, .dst = 1});
  whole.push_back({.code = kMov, .dst = 2, .imm = static_cast<std::int32_t>(given.memory.size())});
  whole.push_back({.code = kCall, .src = kLocal, .imm = 5});
  append_map_value(whole, 1, result);
  whole.push_back({.code = kStore64, .dst = 1, .src = 0});
  whole.push_back({.code = kMov, .dst = 0});
  whole.push_back({.code = kExit});
  whole.insert(whole.end(), program.begin(), program.end());
  return whole;
}

// Where the functions begin, the runner's main among them.
std::vector<std::uint32_t> functions_of(const isa::Program& whole, std::size_t first) {
  std::vector<std::uint32_t> starts = {0, static_cast<std::uint32_t>(first)};
  for (std::size_t at = first; at < whole.size(); ++at) {
    const isa::Op* row = isa::find_op(whole[at]);
    if (row == nullptr) continue;
    if (row->action == isa::Action::code_address || row->shape == isa::Shape::call_local)
      starts.push_back(static_cast<std::uint32_t>(isa::target_of(*row, whole[at], at).value_or(0)));
    if (row->shape == isa::Shape::imm64) ++at;
  }
  std::ranges::sort(starts);
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  return starts;
}

// A value of an array map, with the bytes that Linux adds to the next multiple of 8.
Bytes padded(Bytes bytes) {
  bytes.resize((bytes.size() + 7) & ~std::size_t{7});
  return bytes;
}

Result<Observed> run(const Case& given, const Verdict& verdict, const Fd& memory,
                     const Fd& result) {
  Observed observed{.loaded = true};
  Bytes packet = given.packet.value_or(Bytes(kLeastPacketBytes));
  (void)SKEP_TRY(test_run(verdict.program.get(), packet));
  SKEP_TRY(read_element(result.get(), 0, std::as_writable_bytes(std::span(&observed.r0, 1))));
  if (memory) {
    observed.memory = padded(given.memory);
    SKEP_TRY(read_element(memory.get(), 0, observed.memory));
    observed.memory.resize(given.memory.size());
  }
  return observed;
}

}  // namespace

Result<LinuxObserved> run_on_linux(const Case& given, const isa::Program& program, bool runs) {
  const Fd result = SKEP_TRY(create_map({}));
  Fd memory;
  if (!given.memory.empty()) {
    memory =
        SKEP_TRY(create_map({.value_bytes = static_cast<std::uint32_t>(given.memory.size()),
                             .flags = given.read_only ? std::uint32_t{BPF_F_RDONLY_PROG} : 0U}));
    SKEP_TRY(write_element(memory.get(), 0, padded(given.memory)));
  }
  const isa::Program whole = wrap(given, program, memory, result);
  const auto functions = functions_of(whole, whole.size() - program.size());
  Verdict verdict = SKEP_TRY(
      load_program({.program = whole, .type = BPF_PROG_TYPE_SCHED_CLS, .functions = functions}));
  LinuxObserved observed{.accepted = verdict.accepted(), .log = std::move(verdict.log)};
  if (!observed.accepted && observed.log.empty())
    observed.log = system_error("no log", verdict.sys).what;
  if (observed.accepted && runs) observed.run = SKEP_TRY(run(given, verdict, memory, result));
  return observed;
}

}  // namespace skep::test
