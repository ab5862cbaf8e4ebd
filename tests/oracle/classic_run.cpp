// SPDX-License-Identifier: Apache-2.0
// The running Linux as judge of what classic filters do: as the kernel runs them itself, on a
// socket and in seccomp, and as it runs our translation.
#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/cursor.h"
#include "base/fd.h"
#include "engine/classic.h"
#include "engine/contained.h"
#include "isa/classic_print.h"
#include "isa/classic_translate.h"
#include "isa/print.h"
#include "tests/support/classic_random.h"
#include "tests/support/linux_bpf.h"
#include "tests/support/rounds.h"
#include "tests/support/skip.h"

namespace skep {

namespace {

using isa::AncillarySource;
using isa::ClassicFilter;
using isa::ClassicInsn;
using isa::ClassicKind;
using isa::ClassicProgram;

std::string shown(const ClassicFilter& filter) {
  return "\n" + isa::print_classic(filter.program()) +
         isa::print_program(isa::translate_classic(filter), {}).value_or("not printable\n");
}

sock_fprog as_kernel_program(const ClassicProgram& program) {
  return {.len = static_cast<unsigned short>(program.size()),
          .filter = const_cast<sock_filter*>(reinterpret_cast<const sock_filter*>(program.data()))};
}

// A program whose last instruction is `ret a` and that ends nowhere else, then folds all of A into
// few bits, so that a narrow channel shows it.
ClassicProgram folded(ClassicProgram program, const ClassicProgram& tail) {
  program.pop_back();
  for (ClassicInsn& insn : program)
    if (insn.code == 0x06 || insn.code == 0x16) insn = {.code = 0x07};
  for (const std::uint32_t shift : {16U, 8U})
    program.insert(program.end(), {{.code = 0x07}, {.code = 0x74, .k = shift}, {.code = 0xac}});
  program.insert(program.end(), tail.begin(), tail.end());
  return program;
}

// A random program that ends so and is accepted; `allowed` says which instructions it may have.
ClassicFilter folded_filter(test::ClassicRandom& random, ClassicKind kind,
                            const ClassicProgram& tail, bool (*allowed)(const ClassicInsn&)) {
  for (;;) {
    const ClassicProgram program = folded(random.filter(kind).program(), tail);
    if (!std::all_of(program.begin(), program.end(), allowed)) continue;
    if (auto filter = ClassicFilter::make(program, kind)) return *std::move(filter);
  }
}

// A message between local sockets has bytes and a length, no headers, device or protocol.
bool for_plain_message(const ClassicInsn& insn) {
  const isa::ClassicOperand operand = isa::find_classic_op(insn.code)->operand;
  const bool from_packet = operand == isa::ClassicOperand::packet ||
                           operand == isa::ClassicOperand::packet_x ||
                           operand == isa::ClassicOperand::header;
  return !from_packet || insn.k < 0x8000'0000;
}

struct SocketPair {
  Fd in;
  Fd out;
};

SocketPair make_sockets() {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return {};
  return {Fd(ends[0]), Fd(ends[1])};
}

// How many bytes of the packet the filter lets through.
std::uint32_t bytes_let_through(const SocketPair& sockets, std::span<const std::byte> packet) {
  REQUIRE(send(sockets.in.get(), packet.data(), packet.size(), 0) == std::ssize(packet));
  Bytes buffer(packet.size());
  const auto got = recv(sockets.out.get(), buffer.data(), buffer.size(), 0);
  return got < 0 ? 0 : static_cast<std::uint32_t>(got);
}

}  // namespace

TEST_CASE("a filter on a socket lets through what run_classic says") {
  const SocketPair sockets = make_sockets();
  REQUIRE(sockets.out);
  const std::uint64_t seed = test::seed_or(1);
  std::uint64_t passed = 0;
  const std::uint64_t runs = test::runs_or(test::rounds(40'000));
  for (std::uint64_t i = 0; i < runs; ++i) {
    test::ClassicRandom random(seed + i);
    CAPTURE(seed + i);
    const ClassicFilter filter = folded_filter(
        random, ClassicKind::socket, {{.code = 0x54, .k = 63}, {.code = 0x16}}, for_plain_message);
    const sock_fprog program = as_kernel_program(filter.program());
    if (setsockopt(sockets.out.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
      return test::skip("no SO_ATTACH_FILTER here");
    for (int packets = 0; packets < 3; ++packets) {
      const Bytes packet = random.packet(64);
      engine::ClassicContext context;
      context.packet.bytes = packet;
      context.fields.length = context.packet.length();
      const std::uint32_t expected = engine::run_classic(filter, context);
      passed += expected != 0 ? 1 : 0;
      const std::uint32_t got = bytes_let_through(sockets, packet);
      if (got != expected) FAIL("Linux ", got, ", Skep ", expected, shown(filter));
    }
  }
  CHECK(passed >= runs / 4);
}

namespace {

// What BPF_PROG_TEST_RUN makes of a frame for a socket filter: the view begins behind the
// link-layer header, and the device is the loopback one.
engine::ClassicContext test_run_context(std::span<const std::byte> frame) {
  engine::ClassicContext context = engine::context_of(frame);
  context.packet.start = context.packet.network_offset;
  context.fields.length = context.packet.length();
  context.fields.ifindex = 1;
  // The address of the loopback device is zero, and so is what it takes for a broadcast.
  constexpr std::uint32_t kMulticast = 2, kOtherHost = 3;
  const bool here = std::all_of(frame.begin(), frame.begin() + 6,
                                [](std::byte byte) { return byte == std::byte{0}; });
  const bool multicast = (frame[0] & std::byte{1}) != std::byte{0};
  if (!here) context.fields.packet_type = multicast ? kMulticast : kOtherHost;
  return context;
}

Bytes random_frame(test::ClassicRandom& random) {
  Bytes frame = random.packet(20);
  if (random.one_in(8)) std::fill_n(frame.begin(), 6, std::byte{0});
  if (random.one_in(8)) std::fill_n(frame.begin(), 6, std::byte{0xff});
  // Below 0x600 it would be a length, not a protocol; 0x0800 is refused without a whole IP header.
  frame[12] |= std::byte{0x08};
  frame[13] |= std::byte{0x01};
  return frame;
}

// A random number cannot be compared.
bool is_predictable(const ClassicFilter& filter) {
  return std::ranges::none_of(filter.program(), [](const ClassicInsn& insn) {
    const isa::Ancillary* ancillary = find_ancillary(insn);
    return ancillary != nullptr && ancillary->source == AncillarySource::call &&
           ancillary->place == isa::kRandomHelper;
  });
}

// Keeps the thread on CPU 0, so that it is known which one a filter sees.
class OnFirstCpu {
 public:
  OnFirstCpu() {
    sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    works_ = sched_setaffinity(0, sizeof first, &first) == 0;
  }
  OnFirstCpu(const OnFirstCpu&) = delete;
  OnFirstCpu& operator=(const OnFirstCpu&) = delete;
  ~OnFirstCpu() { sched_setaffinity(0, sizeof before_, &before_); }
  [[nodiscard]] bool works() const { return works_; }

 private:
  cpu_set_t before_{};
  bool works_ = false;
};

}  // namespace

TEST_CASE("Linux takes every translation, and runs it with the result of run_classic") {
  if (const auto& why = test::why_no_bpf()) return test::skip(*why);
  const OnFirstCpu first_cpu;
  if (!first_cpu.works()) return test::skip("cannot choose the CPU");
  const std::uint64_t seed = test::seed_or(1);
  std::uint64_t passed = 0;
  const std::uint64_t runs = test::runs_or(test::rounds(10'000));
  for (std::uint64_t i = 0; i < runs; ++i) {
    test::ClassicRandom random(seed + i);
    CAPTURE(seed + i);
    const ClassicFilter filter = random.filter(ClassicKind::socket);
    const isa::Program translated = isa::translate_classic(filter);
    const auto verdict = test::load_program({.program = translated, .log_level = 0});
    REQUIRE(verdict);
    if (!verdict->accepted()) {
      const auto again = test::load_program({.program = translated});
      FAIL("Linux refuses: ", again->log, shown(filter));
    }
    if (!is_predictable(filter)) continue;
    for (int packets = 0; packets < 3; ++packets) {
      const Bytes frame = random_frame(random);
      const std::uint32_t expected = engine::run_classic(filter, test_run_context(frame));
      passed += expected != 0 ? 1 : 0;
      const auto got = test::test_run(verdict->program.get(), frame);
      REQUIRE_MESSAGE(got, got.error().what);
      if (*got != expected)
        FAIL("Linux ", *got, ", Skep ", expected, " for ", print_hex(frame), shown(filter));
    }
  }
  CHECK(passed >= runs / 4);
}

namespace {

// Loads of the instruction pointer are left out: nobody knows it beforehand.
bool for_known_call(const ClassicInsn& insn) {
  return insn.code != 0x20 || (insn.k != 8 && insn.k != 12);
}

// In a child, installs the filter and makes one call that does not exist. Gives what the filter
// returned, in the low 12 bits; 0 when the call ended the child. -1: no filter could be installed.
std::int64_t ask_seccomp(const ClassicFilter& filter, const engine::SeccompData& data,
                         volatile std::int64_t* answer) {
  constexpr std::int64_t kInstalled = -2;
  *answer = -1;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit no_core{};
    setrlimit(RLIMIT_CORE, &no_core);
    std::signal(SIGILL, SIG_DFL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const sock_fprog program = as_kernel_program(filter.program());
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) _exit(1);
    *answer = kInstalled;
    const auto& a = data.arguments;
    const long result = syscall(data.number, a[0], a[1], a[2], a[3], a[4], a[5]);
    *answer = result == -1 ? errno : 0;
    // The filter does not let the child exit, so it dies.
    __builtin_trap();
  }
  waitpid(child, nullptr, 0);
  return *answer == kInstalled ? 0 : *answer;
}

}  // namespace

TEST_CASE("a seccomp filter answers a call with what run_classic says") {
#if defined(SKEP_SANITIZED)
  return test::skip("a sanitizer cannot do its work under a random seccomp filter");
#endif
  const auto shared = engine::SharedMemory::make(sizeof(std::int64_t));
  REQUIRE(shared);
  auto* answer = reinterpret_cast<volatile std::int64_t*>(shared->bytes().data());
  const std::uint64_t seed = test::seed_or(1);
  const ClassicProgram tail = {
      {.code = 0x54, .k = 0xfff}, {.code = 0x44, .k = SECCOMP_RET_ERRNO}, {.code = 0x16}};
  std::uint64_t passed = 0;
  const std::uint64_t runs = test::runs_or(test::rounds(3'000));
  for (std::uint64_t i = 0; i < runs; ++i) {
    test::ClassicRandom random(seed + i);
    CAPTURE(seed + i);
    const ClassicFilter filter = folded_filter(random, ClassicKind::seccomp, tail, for_known_call);
    engine::SeccompData data = random.seccomp_data();
    data.number = static_cast<std::int32_t>(2000 + random.below(1000));
#ifdef __x86_64__
    data.arch = 0xc000'003e;
#else
    data.arch = 0xc000'00b7;
#endif
    const std::uint32_t expected = engine::run_classic(filter, data) & 0xfff;
    passed += expected != 0 ? 1 : 0;
    const std::int64_t got = ask_seccomp(filter, data, answer);
    if (got < 0) return test::skip("no seccomp filters here");
    if (got != expected) FAIL("Linux ", got, ", Skep ", expected, shown(filter));
  }
  CHECK(passed >= runs / 4);
}

}  // namespace skep
