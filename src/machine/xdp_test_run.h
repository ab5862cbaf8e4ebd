// SPDX-License-Identifier: Apache-2.0
// BPF_PROG_TEST_RUN for XDP programs, by the rules and errno of Linux 6.18 (kernel:
// net/bpf/test_run.c), without live frames. See skb_test_run.h for what lies with the caller.
#pragma once

#include "machine/skb_test_run.h"
#include "machine/xdp.h"

namespace skep::machine {

class XdpTestRun {
 public:
  // `attach` is what the program was loaded for.
  [[nodiscard]] static Result<XdpTestRun> prepare(std::uint32_t attach, const TestInput& input);

  [[nodiscard]] XdpBuffer& packet() { return packet_; }

  [[nodiscard]] TestOutput finish() const;

 private:
  explicit XdpTestRun(XdpBuffer packet) : packet_(std::move(packet)) {}

  XdpBuffer packet_;
  std::optional<abi::xdp_md> context_{};
};

}  // namespace skep::machine
