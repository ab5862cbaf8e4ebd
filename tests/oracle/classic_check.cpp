// SPDX-License-Identifier: Apache-2.0
// The running Linux as judge of check_classic: the same programs must be taken and refused by
// SO_ATTACH_FILTER and by seccomp(2).
#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <thread>

#include "base/fd.h"
#include "isa/classic_check.h"
#include "isa/classic_print.h"
#include "tests/support/classic_random.h"
#include "tests/support/rounds.h"
#include "tests/support/skip.h"

namespace skep {

namespace {

using isa::ClassicInsn;
using isa::ClassicKind;
using isa::ClassicProgram;

sock_fprog as_kernel_program(const ClassicProgram& program) {
  static_assert(sizeof(sock_filter) == sizeof(ClassicInsn));
  return {.len = static_cast<unsigned short>(program.size()),
          .filter = const_cast<sock_filter*>(reinterpret_cast<const sock_filter*>(program.data()))};
}

// errno, or 0 when Linux takes the program.
int attach_to_socket(int socket, const ClassicProgram& program) {
  const sock_fprog filter = as_kernel_program(program);
  return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0 ? 0 : errno;
}

// Asks seccomp(2) without ever installing a filter: another thread has one of its own, so that
// SECCOMP_FILTER_FLAG_TSYNC must fail, which it does only after the program was checked.
class SeccompJudge {
 public:
  SeccompJudge()
      : other_([this] {
          ready_ = ask({{.code = 0x06, .k = SECCOMP_RET_ALLOW}}, 0) == 0 ? 1 : -1;
          ready_.notify_all();
          done_.wait(false);
        }) {
    ready_.wait(0);
  }
  SeccompJudge(const SeccompJudge&) = delete;
  SeccompJudge& operator=(const SeccompJudge&) = delete;
  ~SeccompJudge() {
    done_ = true;
    done_.notify_all();
    other_.join();
  }

  // 0 when Linux takes the program, else errno.
  int judge(const ClassicProgram& program) {
    const int sys = ask(program, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
    return sys == ESRCH ? 0 : sys;
  }

  bool works() {
    return ready_ > 0 && judge({{.code = 0x06, .k = 1}}) == 0 && judge({{.code = 0}}) == EINVAL;
  }

 private:
  static int ask(const ClassicProgram& program, unsigned flags) {
    const sock_fprog filter = as_kernel_program(program);
    const auto call = [&] { return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter); };
    if (call() == 0) return 0;
    // Without privilege a thread must first give up ever gaining any.
    if (errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && call() == 0) return 0;
    return errno;
  }

  std::atomic<int> ready_ = 0;
  std::atomic<bool> done_ = false;
  std::thread other_;
};

struct Tally {
  std::uint64_t taken = 0;
  std::uint64_t refused = 0;
};

void compare(const ClassicProgram& program, ClassicKind kind, int sys, Tally& tally) {
  const Status ours = isa::check_classic(program, kind);
  ++(ours ? tally.taken : tally.refused);
  const bool linux_refuses = sys == EINVAL;
  // Out of memory is no verdict about the program.
  if (linux_refuses == !ours || sys == ENOMEM) return;
  FAIL("Linux: ", std::strerror(sys), ", Skep: ", ours ? "taken" : ours.error().what, "\n",
       isa::print_classic(program));
}

// Every operation and every opcode in a frame that would be taken with the right one.
void compare_single_insns(ClassicKind kind, const std::function<int(const ClassicProgram&)>& ask) {
  constexpr auto kConstants = std::to_array<std::uint32_t>(
      {0,  1,           2,           3,           4,           15,          16,
       31, 32,          60,          61,          62,          63,          64,
       68, 0x7fff'ffff, 0x8000'0000, 0xffdf'ffff, 0xffef'ffff, 0xffff'efff, 0xffff'ffff});
  Tally tally;
  const auto try_one = [&](const ClassicInsn& insn) {
    const ClassicProgram program = {{.code = 0x02, .k = 3}, insn, {.code = 0x07}, {.code = 0x16}};
    compare(program, kind, ask(program), tally);
  };
  for (std::uint32_t code = 0; code < 0x400; ++code)
    for (const std::uint32_t k : kConstants)
      try_one({.code = static_cast<std::uint16_t>(code), .jt = 1, .jf = 0, .k = k});
  for (std::uint32_t distance = 0; distance < 80; ++distance)
    for (const std::uint16_t code : std::to_array<std::uint16_t>({0x20, 0x28, 0x30, 0x40, 0xb1}))
      try_one({.code = code, .k = isa::kAncillaryBase + distance});
  for (std::uint8_t skip = 0; skip < 4; ++skip)
    for (const ClassicInsn insn : {ClassicInsn{.code = 0x15, .jt = skip},
                                   {.code = 0x15, .jf = skip},
                                   {.code = 0x05, .k = skip}})
      try_one(insn);
  CHECK(tally.taken > 500);
  CHECK(tally.refused > 5000);
}

void compare_random(ClassicKind kind, const std::function<int(const ClassicProgram&)>& ask) {
  const std::uint64_t seed = test::seed_or(1);
  const std::uint64_t runs = test::runs_or(test::rounds(200'000));
  Tally tally;
  for (std::uint64_t i = 0; i < runs; ++i) {
    test::ClassicRandom random(seed + i);
    CAPTURE(seed + i);
    ClassicProgram program = random.program(kind);
    if (random.one_in(2)) random.mutate(program);
    compare(program, kind, ask(program), tally);
  }
  CHECK(tally.taken >= runs / 8);
  CHECK(tally.refused >= runs / 8);
}

void compare_sizes(ClassicKind kind, const std::function<int(const ClassicProgram&)>& ask) {
  Tally tally;
  for (const std::size_t insns : {0U, 1U, 2U, 4095U, 4096U, 4097U, 10'000U, 65'535U}) {
    ClassicProgram program(insns, {.code = 0x07});
    if (!program.empty()) program.back() = {.code = 0x06};
    compare(program, kind, ask(program), tally);
  }
}

void compare_all(ClassicKind kind, const std::function<int(const ClassicProgram&)>& ask) {
  compare_single_insns(kind, ask);
  compare_sizes(kind, ask);
  compare_random(kind, ask);
}

}  // namespace

TEST_CASE("Linux takes the same socket filters") {
  const Fd socket_fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  REQUIRE(socket_fd);
  if (attach_to_socket(socket_fd.get(), {{.code = 0x06}}) != 0)
    return test::skip("no SO_ATTACH_FILTER here");
  compare_all(ClassicKind::socket, [&](const ClassicProgram& program) {
    return attach_to_socket(socket_fd.get(), program);
  });
}

TEST_CASE("Linux takes the same seccomp filters") {
  SeccompJudge judge;
  if (!judge.works()) return test::skip("no seccomp filters here");
  compare_all(ClassicKind::seccomp,
              [&](const ClassicProgram& program) { return judge.judge(program); });
}

}  // namespace skep
