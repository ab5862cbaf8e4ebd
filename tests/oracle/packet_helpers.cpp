// SPDX-License-Identifier: Apache-2.0
// Random scripts of packet helpers on Linux, as sched_cls programs under BPF_PROG_TEST_RUN, and on
// the machine's packets: every result, every byte and every field of the context must be the same.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "abi/helper_flags.h"
#include "machine/checksum.h"
#include "machine/skb_bytes.h"
#include "machine/skb_marks.h"
#include "machine/skb_shape.h"
#include "machine/skb_test_run.h"
#include "tests/oracle/packet_script.h"
#include "tests/support/linux_bpf.h"
#include "tests/support/rounds.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

using machine::Skb;
using machine::SkbTestRun;
using machine::TestInput;

constexpr std::uint32_t kGetHash = 34;
constexpr std::uint32_t kChangeProto = 31;
constexpr std::uint32_t kChangeTail = 38;
constexpr std::uint32_t kAdjustRoom = 50;

constexpr Noted kNoted[] = {{0},  {4},  {8},   {12},  {16},     {20},  {24},
                            {28}, {32}, {36},  {40},  {44},     {48},  {64},
                            {68}, {72}, {160}, {164}, {152, 8}, {176}, {180, 1}};
constexpr std::size_t kHashSlot = 14;

std::uint32_t offset_near(Random& random, std::uint32_t bytes) {
  if (random.one_in(12)) return static_cast<std::uint32_t>(random.value());
  return random.below(bytes + 8);
}

std::uint64_t flags_of(Random& random, std::uint64_t known) {
  if (random.one_in(20)) return random.value();
  return random.next() & known;
}

constexpr std::uint16_t kProtocols[] = {0x0008, 0xdd86, 0x0081, 0xa888, 0, 0x1234};

// One random call of each kind.
using Make = Step (*)(Random& random, std::uint32_t bytes);
constexpr Make kSteps[] = {
    [](Random& r, std::uint32_t n) -> Step {
      return {26, {kContext, number(offset_near(r, n)), kBuffer, number(1 + r.below(64))}};
    },
    [](Random& r, std::uint32_t n) -> Step {
      return {68,
              {kContext, number(offset_near(r, n)), kBuffer, number(1 + r.below(64)),
               number(r.one_in(10) ? r.value() & 0xffff : r.below(2))}};
    },
    [](Random& r, std::uint32_t n) -> Step {
      return {9,
              {kContext, number(offset_near(r, n)), kBuffer, number(1 + r.below(64)),
               number(flags_of(r, 3))}};
    },
    [](Random& r, std::uint32_t n) -> Step {
      constexpr std::uint64_t kSizes[] = {0, 2, 4, 4, 1};
      return {10,
              {kContext, number(offset_near(r, n)), number(r.one_in(3) ? 0 : r.value()),
               number(r.value()), number(r.one_in(20) ? r.value() : r.one_of(kSizes))}};
    },
    [](Random& r, std::uint32_t n) -> Step {
      constexpr std::uint64_t kSizes[] = {0, 2, 4, 4, 1};
      return {11,
              {kContext, number(offset_near(r, n)), number(r.one_in(3) ? 0 : r.value()),
               number(r.value()), number(r.one_of(kSizes) | flags_of(r, 0xf0))}};
    },
    [](Random& r, std::uint32_t) -> Step {
      return {
          28,
          {kBuffer, number(r.below(9) * 4), kBuffer, number(r.below(17) * 4), number(r.value())}};
    },
    [](Random& r, std::uint32_t) -> Step { return {40, {kContext, number(r.value())}}; },
    [](Random& r, std::uint32_t) -> Step { return {135, {kContext, number(r.below(5))}}; },
    [](Random& r, std::uint32_t) -> Step {
      return {18, {kContext, number(r.one_of(kProtocols)), number(r.value())}};
    },
    [](Random&, std::uint32_t) -> Step { return {19, {kContext}}; },
    [](Random&, std::uint32_t) -> Step { return {19, {kContext}}; },
    [](Random& r, std::uint32_t) -> Step {
      return {kChangeProto, {kContext, number(r.one_of(kProtocols)), number(r.one_in(10) ? 1 : 0)}};
    },
    [](Random& r, std::uint32_t) -> Step { return {32, {kContext, number(r.below(6))}}; },
    [](Random& r, std::uint32_t n) -> Step {
      return {kChangeTail,
              {kContext, number(r.one_in(20) ? r.value() : r.below(n * 2)),
               number(r.one_in(20) ? 1 : 0)}};
    },
    [](Random& r, std::uint32_t) -> Step {
      const std::uint64_t invalid = 0x80000000 | r.value();
      return {43,
              {kContext, number(r.one_in(20) ? invalid : r.below(r.one_in(20) ? 17000 : 300)),
               number(r.one_in(20) ? 1 : 0)}};
    },
    [](Random& r, std::uint32_t) -> Step {
      const std::int32_t room = r.one_in(20) ? static_cast<std::int32_t>(r.value())
                                             : static_cast<std::int32_t>(r.below(160)) - 80;
      std::uint64_t flags = r.next() & r.next() & 0x1ff;
      if (r.one_in(8)) flags |= std::uint64_t{r.below(40)} << 56;
      if (r.one_in(30)) flags = r.value();
      return {kAdjustRoom,
              {kContext, number(static_cast<std::uint32_t>(room)),
               number(r.one_in(12) ? r.below(5) : r.below(2)), number(flags)}};
    },
    [](Random& r, std::uint32_t n) -> Step { return {39, {kContext, number(offset_near(r, n))}}; },
    [](Random& r, std::uint32_t) -> Step { return {48, {kContext, number(r.value())}}; },
    [](Random&, std::uint32_t) -> Step { return {41, {kContext}}; },
    [](Random&, std::uint32_t) -> Step { return {kGetHash, {kContext}}; },
    [](Random& r, std::uint32_t) -> Step {
      return {192, {kContext, number(r.one_in(2) ? 0 : r.value()), number(r.below(5))}};
    },
    [](Random&, std::uint32_t) -> Step { return {97, {kContext}}; },
    [](Random& r, std::uint32_t) -> Step {
      return {163,
              {kContext, number(r.one_in(6) ? 9999 : r.below(2)), kBuffer,
               number(r.one_in(2) ? 0 : r.value()), number(r.one_in(4) ? r.below(3) : 0)}};
    },
    [](Random& r, std::uint32_t) -> Step { return {23, {number(1), number(flags_of(r, 1))}}; },
    [](Random& r, std::uint32_t) -> Step { return {155, {number(1), number(flags_of(r, 0))}}; },
    [](Random& r, std::uint32_t) -> Step {
      return {152, {number(1), kNull, number(0), number(flags_of(r, 0))}};
    },
    [](Random&, std::uint32_t) -> Step { return {17, {kContext}}; },
    [](Random& r, std::uint32_t) -> Step {
      return {13, {kContext, number(9999), number(flags_of(r, 1))}};
    },
};

std::uint32_t low(const Step& step, std::size_t index) {
  return static_cast<std::uint32_t>(step.number(index));
}

std::int64_t check_mtu(Skb& skb, const Step& step, std::span<std::byte> buffer) {
  auto length = load<std::uint32_t>(buffer.data());
  const std::int64_t result = machine::skb_check_mtu(
      skb, {}, low(step, 1), length, static_cast<std::int32_t>(step.number(3)), step.number(4));
  store(buffer.data(), length);
  return result;
}

// The same call on the machine's packet.
std::int64_t perform(Skb& skb, const Step& step, std::span<std::byte> buffer) {
  std::vector<machine::SentClone> sent;
  switch (step.helper) {
    case 9:
      return machine::skb_store_bytes(skb, low(step, 1), buffer.first(low(step, 3)),
                                      step.number(4));
    case 10:
      return machine::l3_csum_replace(skb, low(step, 1), step.number(2), step.number(3),
                                      step.number(4));
    case 11:
      return machine::l4_csum_replace(skb, low(step, 1), step.number(2), step.number(3),
                                      step.number(4));
    case 13:
      return machine::clone_redirect(skb, {}, low(step, 1), step.number(2), sent);
    case 17:
      return machine::get_cgroup_classid(skb);
    case 18:
      return machine::skb_vlan_push(skb, static_cast<std::uint16_t>(step.number(1)),
                                    static_cast<std::uint16_t>(step.number(2)));
    case 19:
      return machine::skb_vlan_pop(skb);
    case 23:
      return machine::skb_redirect(skb, low(step, 0), step.number(1));
    case 26:
      return machine::skb_load_bytes(skb, low(step, 1), buffer.first(low(step, 3)));
    case 28:
      return machine::csum_diff(buffer.first(low(step, 1)), buffer.first(low(step, 3)),
                                low(step, 4));
    case kChangeProto:
      return machine::skb_change_proto(skb, static_cast<std::uint16_t>(step.number(1)),
                                       step.number(2));
    case 32:
      return machine::skb_change_type(skb, low(step, 1));
    case kGetHash:
      return machine::get_hash_recalc(skb);
    case kChangeTail:
      return machine::skb_change_tail(skb, low(step, 1), step.number(2));
    case 39:
      return machine::skb_pull_data(skb, low(step, 1));
    case 40:
      return machine::csum_update(skb, low(step, 1));
    case 41:
      return machine::skb_set_hash_invalid(skb);
    case 43:
      return machine::skb_change_head(skb, low(step, 1), step.number(2));
    case 48:
      return machine::skb_set_hash(skb, low(step, 1));
    case kAdjustRoom:
      return machine::skb_adjust_room(skb, static_cast<std::int32_t>(step.number(1)), low(step, 2),
                                      step.number(3));
    case 68:
      return machine::skb_load_bytes_relative(skb, low(step, 1), buffer.first(low(step, 3)),
                                              low(step, 4));
    case 97:
      return machine::skb_ecn_set_ce(skb);
    case 135:
      return machine::csum_level(skb, step.number(1));
    case 152:
      return machine::skb_redirect_neigh(skb, low(step, 0), low(step, 2), step.number(3));
    case 155:
      return machine::skb_redirect_peer(skb, low(step, 0), step.number(1));
    case 163:
      return check_mtu(skb, step, buffer);
    case 192:
      return machine::skb_set_tstamp(skb, step.number(1), low(step, 2));
    default:
      FAIL("no such helper: ", step.helper);
  }
  return 0;
}

void note_fields(const Skb& skb, Notes& notes) {
  const auto* from = reinterpret_cast<const std::byte*>(&skb.seen());
  for (std::size_t i = 0; i < std::size(kNoted); ++i) {
    notes.fields[i] = 0;
    std::memcpy(&notes.fields[i], from + kNoted[i].offset, kNoted[i].bytes);
  }
}

abi::__sk_buff random_context(Random& random) {
  abi::__sk_buff context{};
  context.mark = random.one_in(2) ? 7 : 0;
  context.priority = random.below(3);
  context.ingress_ifindex = random.below(3);
  context.ifindex = random.below(2);
  context.cb[0] = random.below(100);
  context.tstamp = random.one_in(2) ? random.next() : 0;
  if (random.one_in(4)) context.wire_len = random.below(2000);
  if (random.one_in(8)) context.gso_segs = random.below(70000);
  if (random.one_in(8)) context.gso_size = random.below(2000);
  if (random.one_in(30)) context.cb[4] = 1;
  if (random.one_in(30)) context.hash = 1;
  return context;
}

// What both sides begin with.
struct Round {
  Script script{};
  Bytes frame{};
  Bytes context{};
  std::uint32_t flags = 0;
  Notes notes{};
  RunReply reply{};  // of Linux
};

Round random_round(Random& random) {
  Round round;
  round.frame = random_frame(random);
  const auto bytes = static_cast<std::uint32_t>(round.frame.size());
  const std::size_t steps = 1 + random.below(kMaxSteps);
  for (std::size_t i = 0; i < steps; ++i)
    round.script.push_back(random.one_of(kSteps)(random, bytes));
  if (random.one_in(2)) {
    const abi::__sk_buff context = random_context(random);
    round.context.resize(sizeof(context));
    std::memcpy(round.context.data(), &context, sizeof(context));
  }
  if (random.one_in(3)) round.flags = 1U << 2;  // BPF_F_TEST_SKB_CHECKSUM_COMPLETE
  for (auto& buffer : round.notes.buffers)
    for (std::byte& byte : buffer)
      byte = random.one_in(4) ? std::byte{0} : static_cast<std::byte>(random.below(256));
  return round;
}

void run_linux(Round& round, int map) {
  const auto notes = std::as_writable_bytes(std::span(&round.notes, 1));
  REQUIRE(write_element(map, 0, notes));
  const LoadAs as{.type = abi::BPF_PROG_TYPE_SCHED_CLS};
  const Loaded loaded = load_as(as, compile(round.script, kNoted, map, 5));
  REQUIRE_MESSAGE(loaded.accepted(), print(round.script));
  round.reply = run_program(loaded.program.get(), {.data = round.frame,
                                                   .context = round.context,
                                                   .data_out_bytes = 200'000,
                                                   .context_out_bytes = 256,
                                                   .flags = round.flags});
  REQUIRE(read_element(map, 0, notes));
}

// Makes room behind a header that the packet does not have: Linux moves what lies in memory behind
// the packet into it.
bool reads_beyond(const Skb& skb, const Step& step) {
  if (step.helper == kChangeProto) return skb.mac_header_bytes() > skb.length();
  if (step.helper != kAdjustRoom) return false;
  const std::int64_t header = step.number(2) == abi::BPF_ADJ_ROOM_NET ? machine::kIpv6Bytes : 0;
  return skb.mac_header_bytes() + header > skb.length();
}

// At the end of a run that follows checksums, Linux sums from the network header on, and stops the
// kernel with a BUG when the packet ends in front of it. Only a shortened tail can lead there.
bool endangers_linux(const Round& round, const Skb& skb) {
  const auto cuts = [](const Step& step) { return step.helper == kChangeTail; };
  return round.flags != 0 &&
         (std::ranges::any_of(round.script, cuts) || skb.network_offset() > skb.length());
}

// Tried on the machine first: what is dangerous or not defined on Linux is left out.
bool is_comparable(const Round& round) {
  auto run = SkbTestRun::prepare(
      *machine::find_program_type(abi::BPF_PROG_TYPE_SCHED_CLS),
      {.data = round.frame, .context = round.context, .wants_context = true, .flags = round.flags});
  if (!run) return round.flags == 0;
  Notes notes = round.notes;
  for (std::size_t i = 0; i < round.script.size(); ++i) {
    if (reads_beyond(run->skb(), round.script[i])) return false;
    notes.results[i] = perform(run->skb(), round.script[i], notes.buffers[i]);
  }
  return !endangers_linux(round, run->skb());
}

// The calls of the script in order; hashes that only Linux can know are taken out of both notes.
void run_machine(SkbTestRun& run, const Script& script, Notes& notes, Notes& of_linux) {
  bool own_hash = false;
  for (std::size_t i = 0; i < script.size(); ++i) {
    if (script[i].helper == kGetHash && !run.skb().has_hash()) own_hash = true;
    notes.results[i] = perform(run.skb(), script[i], notes.buffers[i]);
    if (!run.skb().has_hash() || script[i].helper == 48) own_hash = false;
    if (script[i].helper == kGetHash && own_hash) notes.results[i] = of_linux.results[i];
  }
  note_fields(run.skb(), notes);
  if (own_hash) notes.fields[kHashSlot] = of_linux.fields[kHashSlot];
}

std::string first_difference(const Notes& ours, const Notes& theirs) {
  for (std::size_t i = 0; i < kMaxSteps; ++i)
    if (ours.results[i] != theirs.results[i])
      return text("step {}: {} here, {} on Linux", i, ours.results[i], theirs.results[i]);
  for (std::size_t i = 0; i < std::size(kNoted); ++i)
    if (ours.fields[i] != theirs.fields[i])
      return text("field at {}: {:#x} here, {:#x} on Linux", kNoted[i].offset, ours.fields[i],
                  theirs.fields[i]);
  for (std::size_t i = 0; i < kMaxSteps; ++i)
    if (ours.buffers[i] != theirs.buffers[i]) return text("buffer {} differs", i);
  return "none";
}

void compare(Round& round, Notes notes) {
  const std::string what = text("{} flags {} ctx {} frame {}", print(round.script), round.flags,
                                print_hex(round.context, 0), print_hex(round.frame, 0));
  auto run = SkbTestRun::prepare(
      *machine::find_program_type(abi::BPF_PROG_TYPE_SCHED_CLS),
      {.data = round.frame, .context = round.context, .wants_context = true, .flags = round.flags});
  if (!run) {
    CHECK_MESSAGE(run.error().sys == round.reply.sys, what);
    return;
  }
  run_machine(*run, round.script, notes, round.notes);
  CHECK_MESSAGE(notes == round.notes, first_difference(notes, round.notes), ": ", what);
  const auto output = run->finish();
  CHECK_MESSAGE((output ? 0 : output.error().sys) == round.reply.sys, what);
  if (!output || round.reply.sys != 0) return;
  if (output->data != round.reply.data)
    FAIL_CHECK("data: ", what, " -> ours ", print_hex(output->data, 0), " linux ",
               print_hex(round.reply.data, 0));
  CHECK_MESSAGE(output->context == round.reply.context, "context: ", what);
}

}  // namespace

TEST_CASE("random scripts of packet helpers do the same on Linux and on the machine") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  const auto map = create_map({.value_bytes = sizeof(Notes)});
  REQUIRE(map);
  Random random(seed_or(1));
  const std::uint64_t count = runs_or(rounds(30'000));
  std::uint64_t calls = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    Round round = random_round(random);
    if (!is_comparable(round)) continue;
    const Notes notes = round.notes;
    run_linux(round, map->get());
    compare(round, notes);
    calls += round.script.size();
  }
  MESSAGE("calls: ", calls, " in ", count, " scripts, less those left out");
  CHECK(calls > count);
}

}  // namespace skep::test
