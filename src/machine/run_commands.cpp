// SPDX-License-Identifier: Apache-2.0
// BPF_PROG_TEST_RUN, and what else commands do with programs that run.
#include <algorithm>
#include <cerrno>
#include <vector>

#include "abi/commands.h"
#include "abi/context_trace.h"
#include "abi/limits.h"
#include "abi/program_types.h"
#include "machine/bpf.h"
#include "machine/program.h"
#include "machine/program_types.h"
#include "machine/run.h"
#include "machine/skb_test_run.h"
#include "machine/user_memory.h"
#include "machine/xdp_test_run.h"

namespace skep::machine {

namespace {

using Test = abi::bpf_attr_test;

struct Repeated {
  long status = 0;
  std::uint32_t retval = 0;
  std::uint32_t mean_ns = 0;
};

// Runs it `repeat` times under one CPU slot. A run that the engine had to end is an error of the
// program: EFAULT, as the kernel would have refused to load it.
Repeated repeat(const Call& call, const Program& program, Run& run, engine::Input& input) {
  const std::uint32_t times = std::max(call.attr.test.repeat, std::uint32_t{1});
  const Host& host = call.machine.host();
  Repeated done;
  const maps::Cpu cpu(call.machine.region());
  if (!cpu.held()) return {.status = -EBUSY};
  run.caller.cpu = cpu.number();
  const std::uint64_t begin = host.now_ns(host.self, Clock::monotonic);
  for (std::uint32_t i = 0; i < times; ++i) {
    const engine::Outcome outcome = program.run(run, input);
    if (!outcome.ok()) return {.status = -EFAULT};
    done.retval = static_cast<std::uint32_t>(outcome.r0);
  }
  const std::uint64_t mean = (host.now_ns(host.self, Clock::monotonic) - begin) / times;
  done.mean_ns = static_cast<std::uint32_t>(std::min<std::uint64_t>(mean, UINT32_MAX));
  return done;
}

// What packet runs take in: data of at most what any of them accepts, and a context.
struct PacketInput {
  Bytes data;
  Bytes context;
  TestInput test;

  [[nodiscard]] long read(const Test& attr) {
    constexpr std::uint32_t kMost = 1U << 20;
    if (attr.data_size_in > kMost || attr.ctx_size_in > kMost) return -EINVAL;
    data.resize(attr.data_size_in);
    context.resize(attr.ctx_size_in);
    if (copy_from_user(data.data(), attr.data_in, data.size()) != 0 ||
        copy_from_user(context.data(), attr.ctx_in, context.size()) != 0)
      return -EFAULT;
    test = {.data = data,
            .context = context,
            .wants_context = attr.ctx_out != 0,
            .flags = attr.flags,
            .cpu = attr.cpu,
            .batch_size = attr.batch_size};
    return 0;
  }
};

long write_results(const Call& call, const Repeated& done) {
  if (call.write_back(offsetof(abi::bpf_attr, test.retval), done.retval) != 0) return -EFAULT;
  return call.write_back(offsetof(abi::bpf_attr, test.duration), done.mean_ns);
}

long write_output(const Call& call, const TestOutput& output, const Repeated& done) {
  const Test& attr = call.attr.test;
  const CopySize data = copy_size(output.data.size(), attr.data_size_out);
  // That not all of it fits is told first.
  if (attr.data_out != 0 && copy_to_user(attr.data_out, output.data.data(), data.bytes) != 0)
    return data.sys != 0 ? -data.sys : -EFAULT;
  const auto data_bytes = static_cast<std::uint32_t>(output.data.size());
  if (call.write_back(offsetof(abi::bpf_attr, test.data_size_out), data_bytes) != 0) return -EFAULT;
  if (write_results(call, done) != 0) return -EFAULT;
  if (data.sys != 0 && attr.data_out != 0) return -data.sys;
  if (output.context.empty() || attr.ctx_out == 0) return 0;
  const CopySize context = copy_size(output.context.size(), attr.ctx_size_out);
  if (copy_to_user(attr.ctx_out, output.context.data(), context.bytes) != 0) return -EFAULT;
  const auto context_bytes = static_cast<std::uint32_t>(output.context.size());
  if (call.write_back(offsetof(abi::bpf_attr, test.ctx_size_out), context_bytes) != 0)
    return -EFAULT;
  return -context.sys;
}

engine::Region region_of(std::string_view name, const void* begin, std::uint64_t bytes) {
  return {.name = name, .begin = reinterpret_cast<std::uint64_t>(begin), .bytes = bytes};
}

long run_skb(const Call& call, const Program& program, const ProgramType& type) {
  PacketInput given;
  const Test& attr = call.attr.test;
  // Before anything is copied.
  if ((attr.flags & ~abi::BPF_F_TEST_SKB_CHECKSUM_COMPLETE) != 0 || attr.cpu != 0 ||
      attr.batch_size != 0 || attr.data_size_in < engine::kEthernetHeaderBytes)
    return -EINVAL;
  if (const long status = given.read(attr); status != 0) return status;
  auto prepared = SkbTestRun::prepare(type, given.test);
  if (!prepared) return -prepared.error().sys;
  Skb& skb = prepared->skb();
  const std::array regions = {region_of("context", &skb.context(), sizeof(SkbContext))};
  Run run{.context = &skb.context(), .skb = &skb};
  engine::Input input{.r1 = regions[0].begin, .packet = &skb.packet(), .regions = regions};
  const Repeated done = repeat(call, program, run, input);
  if (done.status != 0) return done.status;
  auto output = prepared->finish();
  if (!output) return -output.error().sys;
  return write_output(call, *output, done);
}

long run_xdp(const Call& call, const Program& program) {
  PacketInput given;
  const Test& attr = call.attr.test;
  const bool live = (attr.flags & abi::BPF_F_TEST_XDP_LIVE_FRAMES) != 0;
  if ((attr.flags & ~std::uint32_t{abi::BPF_F_TEST_XDP_LIVE_FRAMES}) != 0 ||
      (attr.batch_size != 0 && !live) || attr.data_size_in < engine::kEthernetHeaderBytes)
    return -EINVAL;
  if (const long status = given.read(attr); status != 0) return status;
  given.test.cpu = 0;  // nobody looks at it
  auto prepared = XdpTestRun::prepare(program.spec().attach_type, given.test);
  if (!prepared) return -prepared.error().sys;
  XdpBuffer& xdp = prepared->packet();
  const std::array regions = {region_of("context", &xdp.context(), sizeof(XdpContext))};
  Run run{.context = &xdp.context(), .xdp = &xdp};
  engine::Input input{.r1 = regions[0].begin, .regions = regions};
  const Repeated done = repeat(call, program, run, input);
  return done.status != 0 ? done.status : write_output(call, prepared->finish(), done);
}

long run_over_context(const Call& call, const Program& program, Bytes& context, bool write_back) {
  const Test& attr = call.attr.test;
  const std::array regions = {region_of("context", context.data(), context.size())};
  Run run{.context = context.data()};
  engine::Input input{.r1 = regions[0].begin, .regions = regions};
  const Repeated done = repeat(call, program, run, input);
  if (done.status != 0) return done.status;
  if (write_back && copy_to_user(attr.ctx_in, context.data(), context.size()) != 0) return -EFAULT;
  return call.write_back(offsetof(abi::bpf_attr, test.retval), done.retval);
}

// kernel: bpf_prog_test_run_syscall
long run_syscall(const Call& call, const Program& program) {
  const Test& attr = call.attr.test;
  if (attr.data_in != 0 || attr.data_out != 0 || attr.ctx_out != 0 || attr.duration != 0 ||
      attr.repeat != 0 || attr.flags != 0 || attr.batch_size != 0 || attr.ctx_size_in > UINT16_MAX)
    return -EINVAL;
  Bytes context(attr.ctx_size_in);
  if (copy_from_user(context.data(), attr.ctx_in, context.size()) != 0) return -EFAULT;
  return run_over_context(call, program, context, true);
}

// kernel: bpf_prog_test_run_raw_tp
long run_raw_tracepoint(const Call& call, const Program& program) {
  const Test& attr = call.attr.test;
  if (attr.data_in != 0 || attr.data_out != 0 || attr.ctx_out != 0 || attr.duration != 0 ||
      attr.repeat != 0 || attr.batch_size != 0)
    return -EINVAL;
  if (attr.ctx_size_in > abi::MAX_BPF_FUNC_ARGS * sizeof(std::uint64_t)) return -EINVAL;
  const bool on_cpu = (attr.flags & abi::BPF_F_TEST_RUN_ON_CPU) != 0;
  if (!on_cpu && attr.cpu != 0) return -EINVAL;
  if (on_cpu && attr.cpu >= call.machine.region().cpus()) return -ENXIO;
  Bytes context(attr.ctx_size_in);
  if (copy_from_user(context.data(), attr.ctx_in, context.size()) != 0) return -EFAULT;
  return run_over_context(call, program, context, false);
}

}  // namespace

long program_test_run(const Call& call) {
  const Test& attr = call.attr.test;
  if ((attr.ctx_size_in != 0) != (attr.ctx_in != 0)) return -EINVAL;
  if ((attr.ctx_size_out != 0) != (attr.ctx_out != 0)) return -EINVAL;
  std::shared_ptr<const File> file;
  std::shared_ptr<Program> program;
  if (const long status = object_of(call.machine, static_cast<int>(attr.prog_fd), file, program);
      status != 0)
    return status;
  const ProgramType* type = find_program_type(program->spec().type);
  SKEP_ASSERT(type != nullptr);
  switch (type->test_run) {
    case TestRun::skb:
      return run_skb(call, *program, *type);
    case TestRun::xdp:
      return run_xdp(call, *program);
    case TestRun::raw_tracepoint:
      return run_raw_tracepoint(call, *program);
    case TestRun::syscall:
      return run_syscall(call, *program);
    default:
      return -abi::ENOTSUPP;
  }
}

long enable_stats(const Call& call) {
  if (call.attr.enable_stats.type != abi::BPF_STATS_RUN_TIME) return -EINVAL;
  return call.machine.files().add({.keeps = call.machine.count_runs()});
}

// Streams carry what programs report of themselves; none of the helpers writes to them yet, so that
// they are empty.
long stream_read(const Call& call) {
  const auto& attr = call.attr.prog_stream_read;
  std::shared_ptr<const File> file;
  std::shared_ptr<Program> program;
  if (const long status = object_of(call.machine, static_cast<int>(attr.prog_fd), file, program);
      status != 0)
    return status;
  return attr.stream_id == abi::BPF_STDOUT || attr.stream_id == abi::BPF_STDERR ? 0 : -ENOENT;
}

}  // namespace skep::machine
