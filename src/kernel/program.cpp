// SPDX-License-Identifier: Apache-2.0
#include "skep/program.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "abi/btf.h"
#include "abi/info.h"
#include "abi/program_types.h"
#include "kernel/call.h"

namespace skep {

namespace {

using abi::bpf_attr;
using kernel::address;
using kernel::fresh_attr;

static_assert(static_cast<std::uint32_t>(ProgramType::netfilter) + 1 == abi::__MAX_BPF_PROG_TYPE,
              "a program type has no name here");
static_assert(static_cast<std::uint32_t>(ProgramType::flow_dissector) ==
              abi::BPF_PROG_TYPE_FLOW_DISSECTOR);

constexpr std::uint64_t kInsnBytes = 8;
constexpr std::uint32_t kLogBytes = 1 << 16;
constexpr std::uint32_t kMostLogBytes = 1 << 24;

Result<bpf_attr> load_attr(const ProgramOptions& options) {
  const auto records = [](std::span<const std::byte> bytes, std::uint64_t size) {
    return static_cast<std::uint32_t>(bytes.size() / size);
  };
  if (options.insns.empty() || options.insns.size() % kInsnBytes != 0 ||
      options.insns.size() / kInsnBytes > UINT32_MAX)
    return fail(Code::invalid, "{} bytes are not instructions of {}", options.insns.size(),
                kInsnBytes);
  bpf_attr attr = fresh_attr();
  attr.prog_type = static_cast<std::uint32_t>(options.type);
  attr.insn_cnt = static_cast<std::uint32_t>(options.insns.size() / kInsnBytes);
  attr.insns = address(options.insns.data());
  attr.license = address(options.license.c_str());
  attr.prog_flags = options.flags;
  attr.expected_attach_type = options.attach_type;
  attr.attach_btf_id = options.attach_btf_id;
  attr.attach_prog_fd = static_cast<std::uint32_t>(options.attach_to);
  if (options.btf != nullptr) {
    attr.prog_btf_fd = static_cast<std::uint32_t>(options.btf->fd());
    attr.func_info = address(options.func_info.data());
    attr.func_info_cnt = records(options.func_info, sizeof(abi::bpf_func_info));
    attr.func_info_rec_size = sizeof(abi::bpf_func_info);
    attr.line_info = address(options.line_info.data());
    attr.line_info_cnt = records(options.line_info, sizeof(abi::bpf_line_info));
    attr.line_info_rec_size = sizeof(abi::bpf_line_info);
  }
  SKEP_TRY(kernel::set_name(attr.prog_name, options.name));
  return attr;
}

// Loads with a log, in a larger buffer when the kernel asks for one.
long load_with_log(Kernel& kernel, bpf_attr attr, std::uint32_t level, std::string& log) {
  for (std::uint32_t bytes = kLogBytes;; bytes *= 4) {
    log.assign(bytes, '\0');
    attr.log_level = level;
    attr.log_buf = address(log.data());
    attr.log_size = bytes;
    const long fd = kernel.bpf(abi::BPF_PROG_LOAD, &attr, sizeof(attr));
    if (fd == -ENOSPC && bytes < kMostLogBytes) continue;
    log.resize(std::min(log.find('\0'), log.size()));
    return fd;
  }
}

// Two steps for what has a length: ask how much there is, then for it.
Result<abi::bpf_prog_info> read_program_info(const Handle& handle,
                                             std::vector<std::uint32_t>& map_ids) {
  abi::bpf_prog_info info{};
  (void)SKEP_TRY(kernel::read_info(handle, &info, sizeof(info)));
  if (info.nr_map_ids == 0) return info;
  map_ids.resize(info.nr_map_ids);
  info = {};
  info.nr_map_ids = static_cast<std::uint32_t>(map_ids.size());
  info.map_ids = address(map_ids.data());
  (void)SKEP_TRY(kernel::read_info(handle, &info, sizeof(info)));
  map_ids.resize(std::min<std::size_t>(map_ids.size(), info.nr_map_ids));
  return info;
}

// A run gives back more than there is room for with ENOSPC: what fits is there.
Bytes cut(Bytes bytes, std::uint32_t filled) {
  bytes.resize(std::min<std::size_t>(bytes.size(), filled));
  return bytes;
}

}  // namespace

Result<Program> Program::load(Kernel& kernel, const ProgramOptions& options) {
  bpf_attr attr = SKEP_TRY(load_attr(options));
  std::string log;
  long fd = 0;
  if (options.log_level == 0) {
    bpf_attr quiet = attr;
    fd = kernel.bpf(abi::BPF_PROG_LOAD, &quiet, sizeof(quiet));
  }
  if (options.log_level != 0 || fd < 0)
    fd = load_with_log(kernel, attr, std::max(options.log_level, 1U), log);
  if (options.log != nullptr) *options.log = log;
  if (fd >= 0) return Program(Handle(kernel, static_cast<int>(fd)));
  Error error = kernel::refusal("the program is refused", fd);
  if (!log.empty()) error.what += "\n" + log;
  return std::unexpected(std::move(error));
}

Result<Program> Program::by_id(Kernel& kernel, std::uint32_t id) {
  return Program(SKEP_TRY(kernel::open_id(kernel, abi::BPF_PROG_GET_FD_BY_ID, id, 0, "program")));
}

Result<Program> Program::pinned(Kernel& kernel, const std::string& path) {
  return Program(SKEP_TRY(kernel::open_pin(kernel, kernel::Kind::program, path, 0)));
}

Result<std::vector<std::uint32_t>> Program::ids(Kernel& kernel) {
  return kernel::all_ids(kernel, abi::BPF_PROG_GET_NEXT_ID);
}

Result<TestResult> Program::test_run(const TestRun& run) const {
  constexpr std::size_t kMost = UINT32_MAX;
  if (run.data.size() > kMost || run.context.size() > kMost)
    return fail(Code::limit, "a run takes at most {} bytes", kMost);
  TestResult result;
  result.data.resize(run.data_out_bytes);
  result.context.resize(run.context_out_bytes);
  // Syscall programs write to the context that they are given.
  Bytes context(run.context.begin(), run.context.end());
  const auto or_null = [](const auto& bytes) { return bytes.empty() ? 0 : address(bytes.data()); };
  bpf_attr attr = fresh_attr();
  attr.test.prog_fd = static_cast<std::uint32_t>(fd());
  attr.test.data_size_in = static_cast<std::uint32_t>(run.data.size());
  attr.test.data_in = or_null(run.data);
  attr.test.data_size_out = run.data_out_bytes;
  attr.test.data_out = or_null(result.data);
  attr.test.ctx_size_in = static_cast<std::uint32_t>(context.size());
  attr.test.ctx_in = or_null(context);
  attr.test.ctx_size_out = run.context_out_bytes;
  attr.test.ctx_out = or_null(result.context);
  attr.test.repeat = run.repeat;
  attr.test.flags = run.flags;
  attr.test.cpu = run.cpu;
  (void)SKEP_TRY(kernel::call(kernel(), abi::BPF_PROG_TEST_RUN, attr, "cannot run the program"));
  result.retval = attr.test.retval;
  result.duration_ns = attr.test.duration;
  result.data = cut(std::move(result.data), attr.test.data_size_out);
  result.context = run.context_out_bytes == 0
                       ? std::move(context)
                       : cut(std::move(result.context), attr.test.ctx_size_out);
  return result;
}

Result<ProgramInfo> Program::info() const {
  ProgramInfo known;
  const abi::bpf_prog_info info = SKEP_TRY(read_program_info(handle_, known.map_ids));
  known.id = info.id;
  known.type = static_cast<ProgramType>(info.type);
  std::ranges::copy(info.tag, known.tag.begin());
  known.name = kernel::name_of(info.name);
  known.gpl = info.gpl_compatible != 0;
  known.loaded_ns = info.load_time;
  known.user_id = info.created_by_uid;
  known.xlated_bytes = info.xlated_prog_len;
  known.jited_bytes = info.jited_prog_len;
  known.btf_id = info.btf_id;
  known.attach_btf_id = info.attach_btf_id;
  known.verified_insns = info.verified_insns;
  known.run_ns = info.run_time_ns;
  known.run_count = info.run_cnt;
  known.recursion_misses = info.recursion_misses;
  return known;
}

Result<Bytes> Program::xlated() const {
  abi::bpf_prog_info info{};
  (void)SKEP_TRY(kernel::read_info(handle_, &info, sizeof(info)));
  Bytes insns(info.xlated_prog_len);
  info = {};
  info.xlated_prog_len = static_cast<std::uint32_t>(insns.size());
  info.xlated_prog_insns = address(insns.data());
  (void)SKEP_TRY(kernel::read_info(handle_, &info, sizeof(info)));
  // Kernels that hide them from this user say so by taking the buffer away.
  if (info.xlated_prog_insns == 0 && !insns.empty())
    return std::unexpected(Error{Code::denied, EPERM, "the kernel does not show the instructions"});
  return cut(std::move(insns), info.xlated_prog_len);
}

Status Program::pin(const std::string& path) const { return kernel::pin(handle_, path); }

Status Program::bind(int map_fd) const {
  bpf_attr attr = fresh_attr();
  attr.prog_bind_map.prog_fd = static_cast<std::uint32_t>(fd());
  attr.prog_bind_map.map_fd = static_cast<std::uint32_t>(map_fd);
  (void)SKEP_TRY(kernel::call(kernel(), abi::BPF_PROG_BIND_MAP, attr, "cannot bind the map"));
  return {};
}

Result<Handle> enable_run_statistics(Kernel& kernel) {
  bpf_attr attr = fresh_attr();
  return kernel::open(kernel, abi::BPF_ENABLE_STATS, attr, "cannot count runs");
}

}  // namespace skep
