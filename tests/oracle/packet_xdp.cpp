// SPDX-License-Identifier: Apache-2.0
// Random scripts of XDP helpers on Linux under BPF_PROG_TEST_RUN and on the machine's buffers, with
// metadata, fragments and contexts that may be refused: all of it must be the same.
#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "machine/checksum.h"
#include "machine/xdp_test_run.h"
#include "tests/oracle/packet_script.h"
#include "tests/support/linux_bpf.h"
#include "tests/support/rounds.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

using machine::XdpBuffer;
using machine::XdpTestRun;

constexpr Noted kNoted[] = {{12}, {16}};

std::uint64_t distance(Random& random, std::uint32_t reach) {
  if (random.one_in(20)) return static_cast<std::uint32_t>(random.value());
  return static_cast<std::uint32_t>(static_cast<std::int32_t>(random.below(2 * reach)) -
                                    static_cast<std::int32_t>(reach));
}

std::uint32_t offset_near(Random& random, std::uint32_t bytes) {
  if (random.one_in(12)) return static_cast<std::uint32_t>(random.value());
  return random.below(bytes + 8);
}

using Make = Step (*)(Random& random, std::uint32_t bytes);
constexpr Make kSteps[] = {
    [](Random& r, std::uint32_t) -> Step {
      return {44, {kContext, number(distance(r, r.one_in(2) ? 20 : 250))}};
    },
    [](Random& r, std::uint32_t) -> Step {
      return {54, {kContext, number(distance(r, r.one_in(2) ? 8 : 60) * (r.one_in(4) ? 1 : 4))}};
    },
    [](Random& r, std::uint32_t n) -> Step {
      return {65, {kContext, number(distance(r, r.one_in(2) ? 20 : n))}};
    },
    [](Random&, std::uint32_t) -> Step { return {188, {kContext}}; },
    [](Random& r, std::uint32_t n) -> Step {
      return {189, {kContext, number(offset_near(r, n)), kBuffer, number(1 + r.below(64))}};
    },
    [](Random& r, std::uint32_t n) -> Step {
      return {190, {kContext, number(offset_near(r, n)), kBuffer, number(1 + r.below(64))}};
    },
    [](Random& r, std::uint32_t) -> Step {
      return {163,
              {kContext, number(r.one_in(6) ? 9999 : r.below(2)), kBuffer,
               number(r.one_in(2) ? 0 : r.value()), number(r.one_in(8) ? 1 : 0)}};
    },
    [](Random& r, std::uint32_t) -> Step { return {23, {number(1), number(r.one_in(3) ? 1 : 0)}}; },
};

std::uint32_t low(const Step& step, std::size_t index) {
  return static_cast<std::uint32_t>(step.number(index));
}

std::int64_t perform(XdpBuffer& packet, const Step& step, std::span<std::byte> buffer) {
  switch (step.helper) {
    case 23:
      return machine::xdp_redirect(packet, low(step, 0), step.number(1));
    case 44:
      return packet.adjust_head(static_cast<std::int32_t>(step.number(1)));
    case 54:
      return packet.adjust_meta(static_cast<std::int32_t>(step.number(1)));
    case 65:
      return packet.adjust_tail(static_cast<std::int32_t>(step.number(1)));
    case 188:
      return packet.length();
    case 189:
      return packet.load_bytes(low(step, 1), buffer.first(low(step, 3)));
    case 190:
      return packet.store_bytes(low(step, 1), buffer.first(low(step, 3)));
    case 163: {
      auto length = load<std::uint32_t>(buffer.data());
      const std::int64_t result =
          machine::xdp_check_mtu(packet, {}, low(step, 1), length,
                                 static_cast<std::int32_t>(step.number(3)), step.number(4));
      store(buffer.data(), length);
      return result;
    }
    default:
      FAIL("no such helper: ", step.helper);
  }
  return 0;
}

struct Round {
  Script script{};
  Bytes frame{};
  Bytes context{};
  Notes notes{};
};

Round random_round(Random& random) {
  Round round;
  const std::uint32_t bytes = random.one_in(10)  ? 3400 + random.below(9000)
                              : random.one_in(8) ? random.below(20)
                                                 : 14 + random.below(400);
  round.frame.resize(bytes);
  for (std::byte& byte : round.frame) byte = static_cast<std::byte>(random.below(256));
  const std::size_t steps = 1 + random.below(kMaxSteps);
  for (std::size_t i = 0; i < steps; ++i)
    round.script.push_back(random.one_of(kSteps)(random, bytes));
  if (random.one_in(2)) {
    abi::xdp_md context{};
    context.data = random.one_in(2) ? 0 : random.below(66) * 4;
    if (random.one_in(20)) context.data = random.below(300);
    context.data_end = random.one_in(4) ? random.below(bytes + 4) : bytes;
    if (random.one_in(30)) context.data_meta = 4;
    context.ingress_ifindex = random.one_in(20) ? 9999 : random.below(2);
    if (random.one_in(20)) context.rx_queue_index = random.below(3);
    if (random.one_in(40)) context.egress_ifindex = 1;
    round.context.resize(sizeof(context) + (random.one_in(20) ? 8 : 0));
    std::memcpy(round.context.data(), &context, sizeof(context));
    if (random.one_in(40)) round.context.back() = std::byte{1};
  }
  return round;
}

void compare(Round& round, const RunReply& reply, const Notes& of_linux) {
  const std::string what = text("{} ctx {} bytes {}", print(round.script),
                                print_hex(round.context, 0), round.frame.size());
  auto run = XdpTestRun::prepare(
      abi::BPF_XDP, {.data = round.frame, .context = round.context, .wants_context = true});
  CHECK_MESSAGE((run ? 0 : run.error().sys) == reply.sys, what);
  if (!run || reply.sys != 0) return;
  Notes notes = round.notes;
  for (std::size_t i = 0; i < round.script.size(); ++i) {
    notes.results[i] = perform(run->packet(), round.script[i], notes.buffers[i]);
    if (notes.results[i] != of_linux.results[i])
      FAIL_CHECK("step ", i, ": ", notes.results[i], " here, ", of_linux.results[i], ": ", what);
  }
  notes.fields[0] = run->packet().seen().ingress_ifindex;
  notes.fields[1] = run->packet().seen().rx_queue_index;
  CHECK_MESSAGE(notes == of_linux, what);
  const machine::TestOutput output = run->finish();
  CHECK_MESSAGE(output.data == reply.data, what);
  CHECK_MESSAGE(output.context == reply.context, what);
}

}  // namespace

TEST_CASE("random scripts of XDP helpers do the same on Linux and on the machine") {
  if (const auto& why = why_no_bpf()) return skip(*why);
  const auto map = create_map({.value_bytes = sizeof(Notes)});
  REQUIRE(map);
  Random random(seed_or(1));
  const std::uint64_t count = runs_or(rounds(20'000));
  std::uint64_t accepted = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    Round round = random_round(random);
    Notes of_linux = round.notes;
    const auto notes = std::as_writable_bytes(std::span(&of_linux, 1));
    REQUIRE(write_element(map->get(), 0, notes));
    const Loaded loaded =
        load_as({.type = abi::BPF_PROG_TYPE_XDP}, compile(round.script, kNoted, map->get(), 2));
    REQUIRE(loaded.accepted());
    const RunReply reply =
        run_program(loaded.program.get(),
                    {.data = round.frame, .context = round.context, .data_out_bytes = 200'000});
    REQUIRE(read_element(map->get(), 0, notes));
    compare(round, reply, of_linux);
    accepted += reply.sys == 0 ? 1 : 0;
  }
  MESSAGE("scripts: ", count, ", run: ", accepted);
}

}  // namespace skep::test
