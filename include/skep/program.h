// SPDX-License-Identifier: Apache-2.0
// A program that a kernel has verified and holds. Owns one descriptor; the program stays as long as
// anybody needs it. Any thread.
#pragma once

#include <array>
#include <string>

#include "skep/btf.h"
#include "skep/kernel.h"

namespace skep {

enum class ProgramType : std::uint32_t {
  socket_filter = 1,
  kprobe,
  sched_cls,
  sched_act,
  tracepoint,
  xdp,
  perf_event,
  cgroup_skb,
  cgroup_sock,
  lwt_in,
  lwt_out,
  lwt_xmit,
  sock_ops,
  sk_skb,
  cgroup_device,
  sk_msg,
  raw_tracepoint,
  cgroup_sock_addr,
  lwt_seg6local,
  lirc_mode2,
  sk_reuseport,
  flow_dissector,
  cgroup_sysctl,
  raw_tracepoint_writable,
  cgroup_sockopt,
  tracing,
  struct_ops,
  ext,
  lsm,
  sk_lookup,
  syscall,
  netfilter,
};

struct ProgramOptions {
  ProgramType type = ProgramType::socket_filter;
  std::span<const std::byte> insns{};  // 8 bytes each, as assemble() gives them
  std::string license = "GPL";
  std::string name{};  // at most 15 letters, digits, '_', '.'
  std::uint32_t attach_type = 0;
  std::uint32_t flags = 0;  // BPF_F_*
  std::uint32_t attach_btf_id = 0;
  int attach_to = 0;  // descriptor of a program or a BTF
  const Btf* btf = nullptr;
  std::span<const std::byte> func_info{};  // of struct bpf_func_info
  std::span<const std::byte> line_info{};  // of struct bpf_line_info
  // 0: the verifier's log is asked for only when it refuses, and stands in the error.
  std::uint32_t log_level = 0;
  std::string* log = nullptr;
};

struct ProgramInfo {
  std::uint32_t id = 0;
  ProgramType type{};
  std::array<std::uint8_t, 8> tag{};
  std::string name;
  bool gpl = false;
  std::uint64_t loaded_ns = 0;  // since the kernel began
  std::uint32_t user_id = 0;
  std::uint32_t xlated_bytes = 0;
  std::uint32_t jited_bytes = 0;
  std::uint32_t btf_id = 0;
  std::uint32_t attach_btf_id = 0;
  std::uint32_t verified_insns = 0;
  std::uint64_t run_ns = 0;
  std::uint64_t run_count = 0;
  std::uint64_t recursion_misses = 0;
  std::vector<std::uint32_t> map_ids;
};

// What each program type takes of it, and refuses, is as on Linux.
struct TestRun {
  std::span<const std::byte> data{};
  std::span<const std::byte> context{};
  std::uint32_t data_out_bytes = 0;  // room for what comes back; 0: it is not wanted
  std::uint32_t context_out_bytes = 0;
  std::uint32_t repeat = 0;
  std::uint32_t flags = 0;
  std::uint32_t cpu = 0;
};

struct TestResult {
  std::uint32_t retval = 0;
  std::uint32_t duration_ns = 0;  // of one run, the mean
  Bytes data;
  Bytes context;
};

class Program {
 public:
  [[nodiscard]] static Result<Program> load(Kernel& kernel, const ProgramOptions& options);
  [[nodiscard]] static Result<Program> by_id(Kernel& kernel, std::uint32_t id);
  [[nodiscard]] static Result<Program> pinned(Kernel& kernel, const std::string& path);
  [[nodiscard]] static Result<std::vector<std::uint32_t>> ids(Kernel& kernel);

  [[nodiscard]] Kernel& kernel() const { return handle_.kernel(); }
  [[nodiscard]] int fd() const { return handle_.fd(); }

  // Syscall programs may change `context`; TestResult::context is theirs then.
  [[nodiscard]] Result<TestResult> test_run(const TestRun& run) const;
  [[nodiscard]] Result<ProgramInfo> info() const;
  // The instructions as they run, after what the kernel made of them.
  [[nodiscard]] Result<Bytes> xlated() const;
  [[nodiscard]] Status pin(const std::string& path) const;
  // Keeps a map that the instructions do not name.
  [[nodiscard]] Status bind(int map_fd) const;

 private:
  explicit Program(Handle handle) : handle_(std::move(handle)) {}

  Handle handle_;
};

// Runs are counted and timed while it lives.
[[nodiscard]] Result<Handle> enable_run_statistics(Kernel& kernel);

}  // namespace skep
