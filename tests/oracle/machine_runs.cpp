// SPDX-License-Identifier: Apache-2.0
// BPF_PROG_TEST_RUN: which arguments each type of program takes, sizes, and what comes back.
#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "abi/commands.h"
#include "abi/context_packet.h"
#include "abi/program_types.h"
#include "tests/oracle/machine_session.h"
#include "tests/support/random_program.h"
#include "tests/support/rounds.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

constexpr std::array kTypes = {
    abi::BPF_PROG_TYPE_SOCKET_FILTER, abi::BPF_PROG_TYPE_SCHED_CLS,
    abi::BPF_PROG_TYPE_XDP,           abi::BPF_PROG_TYPE_CGROUP_SKB,
    abi::BPF_PROG_TYPE_LWT_IN,        abi::BPF_PROG_TYPE_RAW_TRACEPOINT,
    abi::BPF_PROG_TYPE_KPROBE,        abi::BPF_PROG_TYPE_TRACEPOINT,
    abi::BPF_PROG_TYPE_CGROUP_SYSCTL, abi::BPF_PROG_TYPE_SK_MSG,
};

struct Places {
  std::array<std::byte, 4096> data{};
  std::array<std::byte, 4096> data_out{};
  std::array<std::byte, 256> context{};
  std::array<std::byte, 256> context_out{};
};

// An ARP frame: no layer looks further than its Ethernet header.
void make_frame(Places& places) {
  for (std::size_t i = 0; i < 64; ++i) places.data[i] = static_cast<std::byte>(i);
  places.data[12] = std::byte{0x08};
  places.data[13] = std::byte{0x06};
}

void run(Session& session, std::string_view label) {
  const long answer = session.ask(label, abi::BPF_PROG_TEST_RUN);
  const auto& test = session.attr().test;
  if (answer != 0) return;
  session.note(text("{}: result", label), test.retval);
  session.note(text("{}: size", label), test.data_size_out);
  session.note(text("{}: context size", label), test.ctx_size_out);
}

void random_run(Session& session, std::uint64_t seed) {
  Random random(seed);
  Places places;
  make_frame(places);
  const std::uint32_t type = random.one_of(kTypes);
  const int program = make_program(session, type, static_cast<std::int32_t>(random.below(2)));
  auto& test = session.fresh().test;
  test.prog_fd = static_cast<std::uint32_t>(program);
  const bool packet = random.one_in(2) || type <= abi::BPF_PROG_TYPE_XDP;
  constexpr std::array<std::uint32_t, 9> kSizes = {14, 64, 0, 13, 15, 60, 34, 1500, 100};
  if (packet && !random.one_in(8)) {
    test.data_in = random.one_in(10) ? 8 : address_of(places.data.data());
    test.data_size_in = random.one_of(kSizes);
  }
  if (packet && random.one_in(2)) {
    test.data_out = random.one_in(10) ? 8 : address_of(places.data_out.data());
    test.data_size_out = random.one_in(3) ? 0 : random.below(200);
  }
  constexpr std::array<std::uint32_t, 6> kContexts = {8, 24, 192, 96, 200, 0};
  if (random.one_in(3)) {
    test.ctx_in = random.one_in(10) ? 8 : address_of(places.context.data());
    test.ctx_size_in = random.one_of(kContexts);
  }
  if (random.one_in(4)) {
    test.ctx_out = address_of(places.context_out.data());
    test.ctx_size_out = random.one_of(kContexts);
  }
  if (random.one_in(4)) test.repeat = random.below(3);
  // Bit 1 runs XDP on live frames, bit 2 checks sums: neither is for frames like these.
  if (random.one_in(8)) test.flags = 1U << random.one_of(std::array<unsigned, 3>{0, 3, 31});
  if (random.one_in(8)) test.cpu = random.below(3);
  if (random.one_in(10)) test.batch_size = random.below(300);
  if (random.one_in(10)) test.duration = 1;
  run(session, text("seed {} type {} data {} {} out {} {} ctx {} {} out {} {} repeat {} flags {} "
                    "cpu {} batch {}",
                    seed, type, test.data_in != 0, test.data_size_in, test.data_out != 0,
                    test.data_size_out, test.ctx_in != 0, test.ctx_size_in, test.ctx_out != 0,
                    test.ctx_size_out, test.repeat, test.flags, test.cpu, test.batch_size));
  // What a run that failed leaves behind is not promised.
  if (session.lines().front() != "0") return;
  session.note_bytes("data", places.data_out.data(), 256);
  session.note_bytes("context", places.context_out.data(), places.context_out.size());
}

void wrong_descriptors(Session& session) {
  const int map = make_array(session, 1);
  const int btf = make_btf(session);
  for (const int fd : {-1, Session::closed(), session.other_file(), map, btf}) {
    session.fresh().test.prog_fd = static_cast<std::uint32_t>(fd);
    session.ask("run of something else", abi::BPF_PROG_TEST_RUN);
  }
}

}  // namespace

TEST_CASE("machine: test runs") {
  if (const auto why = why_no_linux()) return skip(*why);
  compare(wrong_descriptors);
  const std::uint64_t seed = seed_or(1);
  for (std::uint64_t i = 0; i < runs_or(rounds(1500)); ++i)
    compare([&](Session& session) { random_run(session, seed + i); });
}

}  // namespace skep::test
