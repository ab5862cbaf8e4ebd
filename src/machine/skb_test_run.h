// SPDX-License-Identifier: Apache-2.0
// BPF_PROG_TEST_RUN for programs over a packet: what goes in becomes a Skb, what comes out is read
// from it, by the rules and errno of Linux 6.18 (kernel: net/bpf/test_run.c). Running the program
// lies with the caller, as do errors of pointers and of sizes without pointers. Pure.
#pragma once

#include "base/error.h"
#include "machine/program_types.h"
#include "machine/skb.h"

namespace skep::machine {

struct TestInput {
  std::span<const std::byte> data{};
  std::span<const std::byte> context{};  // ctx_in as given; empty for none
  bool wants_context = false;            // there is a ctx_out
  std::uint32_t flags = 0;
  std::uint32_t cpu = 0;
  std::uint32_t batch_size = 0;
  Devices devices{};
};

// What a test run gives back, in full: copy_size says how much of it the caller's memory gets.
struct TestOutput {
  Bytes data{};
  Bytes context{};  // empty when there was none, neither in nor out
};

// How much to copy into `room` bytes; 0 means all, as Linux has it. What is cut off makes ENOSPC,
// and then no context is copied if it was the data that did not fit; the full size is reported.
struct CopySize {
  std::size_t bytes = 0;
  int sys = 0;
};
[[nodiscard]] CopySize copy_size(std::size_t bytes, std::uint32_t room);

// The context as the caller gave it, made `bytes` long: E2BIG when more of it is not zero. Nothing
// when there is none, neither in nor out.
[[nodiscard]] Result<std::optional<Bytes>> read_test_context(const TestInput& input,
                                                             std::size_t bytes);

[[nodiscard]] std::unexpected<Error> refuse_run(int sys, const char* why);

class SkbTestRun {
 public:
  // `type` is one with TestRun::skb.
  [[nodiscard]] static Result<SkbTestRun> prepare(const ProgramType& type, const TestInput& input);

  [[nodiscard]] Skb& skb() { return skb_; }

  // Call once, after the last repetition.
  [[nodiscard]] Result<TestOutput> finish();

 private:
  SkbTestRun(Skb skb, bool sees_ethernet, bool checks_sum)
      : skb_(std::move(skb)), sees_ethernet_(sees_ethernet), checks_sum_(checks_sum) {}

  Skb skb_;
  std::optional<abi::__sk_buff> context_{};
  bool sees_ethernet_;
  bool checks_sum_;
};

}  // namespace skep::machine
