// SPDX-License-Identifier: Apache-2.0
// Attaching: links, BPF_PROG_ATTACH, queries. Linux is asked in a network namespace of the test's
// own, so that nothing real is touched.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "abi/attach_types.h"
#include "abi/commands.h"
#include "abi/info.h"
#include "abi/link_types.h"
#include "abi/map_types.h"
#include "abi/program_types.h"
#include "tests/oracle/machine_session.h"
#include "tests/support/random_program.h"
#include "tests/support/rounds.h"
#include "tests/support/skip.h"

namespace skep::test {

namespace {

constexpr std::uint32_t kLoopback = 1;

// This thread's network namespace is another one until the end of the case.
class OwnNetwork {
 public:
  OwnNetwork() : before_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
    made_ = before_ && ::unshare(CLONE_NEWNET) == 0;
  }
  OwnNetwork(const OwnNetwork&) = delete;
  OwnNetwork& operator=(const OwnNetwork&) = delete;
  ~OwnNetwork() {
    if (made_) (void)::setns(before_.get(), CLONE_NEWNET);
  }
  [[nodiscard]] bool made() const { return made_; }

 private:
  Fd before_;
  bool made_ = false;
};

struct Target {
  std::uint32_t program_type;
  std::uint32_t attach_type;
  std::uint32_t target;  // a descriptor or an interface
};

// The others differ: docs/machine-differences.md.
constexpr std::array kTargets = {
    Target{abi::BPF_PROG_TYPE_SCHED_CLS, abi::BPF_TCX_INGRESS, kLoopback},
    Target{abi::BPF_PROG_TYPE_SCHED_CLS, abi::BPF_TCX_EGRESS, kLoopback},
};

struct Attaching {
  Session& session;
  Random& random;
  Target target;
  std::array<int, 3> programs{};
  std::array<int, 4> links = {-1, -1, -1, -1};
  std::string label{};

  [[nodiscard]] std::uint32_t program() {
    return random.one_in(12) ? static_cast<std::uint32_t>(Session::closed())
                             : static_cast<std::uint32_t>(programs[random.below(3)]);
  }
  [[nodiscard]] std::uint32_t flags() {
    constexpr std::array<std::uint32_t, 10> kSome = {0,
                                                     0,
                                                     0,
                                                     abi::BPF_F_BEFORE,
                                                     abi::BPF_F_AFTER,
                                                     abi::BPF_F_BEFORE | abi::BPF_F_AFTER,
                                                     abi::BPF_F_ALLOW_MULTI,
                                                     abi::BPF_F_ALLOW_OVERRIDE,
                                                     abi::BPF_F_REPLACE,
                                                     1U << 20};
    return random.one_of(kSome);
  }

  void create() {
    const std::uint32_t slot = random.below(4);
    session.close(links[slot]);
    auto& attr = session.fresh().link_create;
    attr.prog_fd = program();
    attr.target_fd = random.one_in(10) ? 0 : target.target;
    attr.attach_type = target.attach_type;
    attr.flags = flags();
    if (random.one_in(6)) attr.tcx.relative_fd = static_cast<std::uint32_t>(programs[0]);
    if (random.one_in(8)) attr.tcx.expected_revision = random.one_in(2) ? 0 : 1000;
    links[slot] =
        session.make(text("{} link create flags {} relative {} revision {}", label, attr.flags,
                          attr.tcx.relative_fd != 0, attr.tcx.expected_revision),
                     abi::BPF_LINK_CREATE);
  }
  void update() {
    auto& attr = session.fresh().link_update;
    attr.link_fd = static_cast<std::uint32_t>(links[random.below(4)]);
    attr.new_prog_fd = program();
    attr.flags = random.one_in(2) ? 0 : flags();
    if (random.one_in(3)) attr.old_prog_fd = program();
    session.ask(text("{} link update flags {} old {}", label, attr.flags, attr.old_prog_fd != 0),
                abi::BPF_LINK_UPDATE);
  }
  void detach_link() {
    session.fresh().link_detach.link_fd = static_cast<std::uint32_t>(links[random.below(4)]);
    session.ask(text("{} link detach", label), abi::BPF_LINK_DETACH);
  }
  void attach() {
    auto& attr = session.fresh();
    attr.target_fd = random.one_in(10) ? 0 : target.target;
    attr.attach_bpf_fd = program();
    attr.attach_type = target.attach_type;
    attr.attach_flags = flags();
    if (random.one_in(4)) attr.replace_bpf_fd = program();
    if (random.one_in(6)) attr.relative_fd = program();
    if (random.one_in(8)) attr.expected_revision = random.one_in(2) ? 0 : 1000;
    session.ask(
        text("{} attach flags {} replace {} relative {} revision {}", label, attr.attach_flags,
             attr.replace_bpf_fd != 0, attr.relative_fd != 0, attr.expected_revision),
        abi::BPF_PROG_ATTACH);
  }
  void detach() {
    auto& attr = session.fresh();
    attr.target_fd = target.target;
    attr.attach_bpf_fd = random.one_in(4) ? 0 : program();
    attr.attach_type = target.attach_type;
    session.ask(text("{} detach program {}", label, attr.attach_bpf_fd != 0), abi::BPF_PROG_DETACH);
  }
  void query() {
    std::array<std::uint32_t, 8> ids{};
    auto& attr = session.fresh().query;
    attr.target_fd = random.one_in(10) ? 0 : target.target;
    attr.attach_type = target.attach_type;
    attr.query_flags = random.one_in(10) ? 2 : 0;
    attr.prog_ids = random.one_in(3) ? 0 : address_of(ids.data());
    attr.count = random.below(8);
    const std::string name = text("{} query {} flags {}", label, attr.count, attr.query_flags);
    const long answer = session.ask(name, abi::BPF_PROG_QUERY);
    if (answer != 0 && answer != -ENOSPC) return;
    session.note(name + ": count", attr.count);
    session.note(name + ": flags", attr.attach_flags);
  }
  void info() {
    abi::bpf_link_info told{};
    auto& attr = session.fresh().info;
    attr.bpf_fd = static_cast<std::uint32_t>(links[random.below(4)]);
    attr.info_len = sizeof(told);
    attr.info = address_of(&told);
    if (session.ask(label + " info", abi::BPF_OBJ_GET_INFO_BY_FD) != 0) return;
    told.id = 0;
    told.prog_id = told.prog_id != 0 ? 1 : 0;
    session.note_bytes(label + " info bytes", &told, sizeof(told));
  }
};

void random_attaching(Session& session, std::uint64_t seed, const Target& target) {
  Random random(seed);
  Attaching one{.session = session, .random = random, .target = target};
  for (int& program : one.programs)
    program = make_program(session, target.program_type, 1, target.attach_type);
  for (unsigned step = 0; step < 25; ++step) {
    one.label = text("seed {} step {} attach type {}", seed, step, target.attach_type);
    switch (random.below(8)) {
      case 0:
      case 1:
        one.create();
        break;
      case 2:
        one.update();
        break;
      case 3:
        one.detach_link();
        break;
      case 4:
        one.attach();
        break;
      case 5:
        one.detach();
        break;
      case 6:
        one.query();
        break;
      default:
        one.info();
    }
  }
  // Programs that were attached without a link would stay.
  for (unsigned i = 0; i < 8; ++i)
    for (const int program : one.programs) {
      auto& attr = session.fresh();
      attr.target_fd = target.target;
      attr.attach_bpf_fd = static_cast<std::uint32_t>(program);
      attr.attach_type = target.attach_type;
      (void)session.side().bpf(abi::BPF_PROG_DETACH, &attr, sizeof(attr));
    }
}

}  // namespace

TEST_CASE("machine: links and attached programs") {
  if (const auto why = why_no_linux()) return skip(*why);
  const OwnNetwork network;
  if (!network.made()) return skip("no network namespace of our own");
  const std::uint64_t seed = seed_or(1);
  for (const Target& target : kTargets)
    for (std::uint64_t i = 0; i < runs_or(rounds(20)); ++i)
      (void)compare_to_first(
          [&](Session& session) { random_attaching(session, seed + i, target); });
}

}  // namespace skep::test
