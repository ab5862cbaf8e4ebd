// SPDX-License-Identifier: Apache-2.0
// Random loads and stores of __sk_buff fields: as Linux runs them under BPF_PROG_TEST_RUN, and as
// convert_access rewrites them for the machine's context and an engine runs that.
#include <doctest/doctest.h>

#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "machine/context_convert.h"
#include "machine/skb_test_run.h"
#include "tests/oracle/packet_script.h"
#include "tests/support/linux_bpf.h"
#include "tests/support/rounds.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

using isa::Insn;
using machine::Field;
using machine::ProgramType;
using machine::SkbTestRun;
using machine::Value;

constexpr std::uint32_t kTypes[] = {abi::BPF_PROG_TYPE_SOCKET_FILTER, abi::BPF_PROG_TYPE_SCHED_CLS,
                                    abi::BPF_PROG_TYPE_CGROUP_SKB, abi::BPF_PROG_TYPE_LWT_IN,
                                    abi::BPF_PROG_TYPE_LWT_XMIT};

std::uint8_t size_bits(std::uint32_t bytes) {
  return bytes == 1 ? 0x10 : bytes == 2 ? 0x08 : bytes == 4 ? 0x00 : 0x18;
}

struct Access {
  Insn insn{};
  const Field* field = nullptr;
};

// An access that the table allows, or none after some tries.
Access random_access(Random& random, const ProgramType& type) {
  for (unsigned i = 0; i < 1000; ++i) {
    const std::uint32_t bytes = 1U << random.below(4);
    const bool write = random.one_in(3);
    const bool sign_extend = !write && bytes < 8 && random.one_in(4);
    const auto offset = static_cast<std::int16_t>(random.below(192));
    const Field* field = machine::check_access(
        type, {.offset = offset, .bytes = bytes, .write = write, .sign_extend = sign_extend});
    if (field == nullptr) continue;
    const std::uint8_t size = size_bits(bytes);
    if (!write)
      return {{.code = static_cast<std::uint8_t>((sign_extend ? 0x81 : 0x61) | size),
               .dst = 2,
               .src = 6,
               .offset = offset},
              field};
    if (random.one_in(2))
      return {{.code = static_cast<std::uint8_t>(0x62 | size),
               .dst = 6,
               .offset = offset,
               .imm = random.imm()},
              field};
    return {{.code = static_cast<std::uint8_t>(0x63 | size), .dst = 6, .src = 8, .offset = offset},
            field};
  }
  return {};
}

void append_imm64(isa::Program& out, std::uint8_t dst, std::uint64_t value) {
  out.push_back(
      {.code = isa::kImm64Code, .dst = dst, .imm = static_cast<std::int32_t>(value & 0xffff'ffff)});
  out.push_back({.imm = static_cast<std::int32_t>(value >> 32)});
}

bool is_packet(Value value) {
  return value == Value::packet || value == Value::packet_end || value == Value::packet_meta;
}

// The same program twice: as Linux gets it, and converted. Loads are mixed into r7.
struct Pair {
  isa::Program plain{{.code = 0xbf, .dst = 6, .src = 1}, {.code = 0xb7, .dst = 7}};
  isa::Program converted = plain;

  void both(const Insn& insn) {
    plain.push_back(insn);
    converted.push_back(insn);
  }
};

Pair random_pair(Random& random, const ProgramType& type, bool one_bit) {
  Pair pair;
  const std::uint32_t count = 1 + random.below(12);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Access access = random_access(random, type);
    if (access.field == nullptr || access.field->value == Value::socket_common_or_null) continue;
    isa::Program value;
    append_imm64(value, 8, random.value());
    for (const Insn& insn : value) pair.both(insn);
    pair.plain.push_back(access.insn);
    machine::convert_access(type, access.insn, pair.converted);
    if ((access.insn.code & 7) != 1) continue;
    if (is_packet(access.field->value)) continue;  // the pointer differs from run to run
    pair.both({.code = 0x27, .dst = 7, .imm = 31});
    pair.both({.code = 0x0f, .dst = 7, .src = 2});
  }
  pair.both({.code = 0xbf, .src = 7});
  if (one_bit) {  // of all others, since this is what may be returned
    pair.both({.code = 0x27, .imm = 0x1e3779b1});
    pair.both({.code = 0x77, .imm = 63});
  }
  pair.both({.code = 0x95});
  return pair;
}

void compare(Random& random, const ProgramType& type) {
  const bool one_bit = type.number == abi::BPF_PROG_TYPE_CGROUP_SKB;
  const Pair pair = random_pair(random, type, one_bit);
  const Loaded loaded = load_as({.type = type.number}, pair.plain);
  REQUIRE(loaded.accepted());
  const Bytes frame = random_frame(random);
  abi::__sk_buff given{};
  given.mark = static_cast<std::uint32_t>(random.next());
  given.priority = static_cast<std::uint32_t>(random.next());
  given.tstamp = random.next();
  given.hwtstamp = random.next();
  for (std::uint32_t& word : given.cb) word = static_cast<std::uint32_t>(random.next());
  Bytes context(sizeof(given));
  std::memcpy(context.data(), &given, sizeof(given));
  const RunReply reply = run_program(loaded.program.get(), {.data = frame, .context = context});
  auto run = SkbTestRun::prepare(type, {.data = frame, .context = context});
  CHECK((run ? 0 : run.error().sys) == reply.sys);
  if (!run || reply.sys != 0) return;
  const auto runnable = engine::find_engine("interpreter")->load(pair.converted, {});
  REQUIRE(runnable);
  const engine::Outcome outcome =
      (*runnable)->run({.r1 = reinterpret_cast<std::uint64_t>(&run->skb().context())});
  REQUIRE(outcome.ok());
  const std::string what =
      text("type {}: {}", std::uint32_t{type.number}, print_hex(isa::encode(pair.plain), 8));
  CHECK_MESSAGE(static_cast<std::uint32_t>(outcome.r0) == reply.retval, what);
  const auto output = run->finish();
  REQUIRE(output);
  CHECK_MESSAGE(output->data == reply.data, what);
  CHECK_MESSAGE(output->context == reply.context, what);
}

}  // namespace

TEST_CASE("converted accesses to a context do what Linux does") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  Random random(seed_or(1));
  const std::uint64_t count = runs_or(rounds(10'000));
  for (std::uint64_t i = 0; i < count; ++i)
    compare(random, *machine::find_program_type(random.one_of(kTypes)));
  MESSAGE("programs: ", count);
}

}  // namespace skep::test
