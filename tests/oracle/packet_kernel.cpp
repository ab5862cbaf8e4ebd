// SPDX-License-Identifier: Apache-2.0
#include "tests/oracle/packet_kernel.h"

#include <linux/bpf.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace skep::test {

namespace {

std::uint64_t address_of(const void* place) { return reinterpret_cast<std::uint64_t>(place); }

long bpf(bpf_cmd command, bpf_attr& attributes) {
  return ::syscall(SYS_bpf, command, &attributes, sizeof(attributes));
}

long load(const LoadAs& as, const Bytes& code) {
  bpf_attr attributes{};
  attributes.prog_type = as.type;
  attributes.expected_attach_type = as.attach;
  attributes.prog_flags = as.flags;
  attributes.insns = address_of(code.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(code.size() / isa::kInsnBytes);
  attributes.license = address_of("GPL");
  return bpf(BPF_PROG_LOAD, attributes);
}

// In a child: gives up capabilities, so it may not return.
[[noreturn]] void load_and_leave(const LoadAs& as, const Bytes& code, std::uint64_t capabilities) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> sets{};
  for (std::size_t i = 0; i < sets.size(); ++i) {
    sets[i].effective = static_cast<std::uint32_t>(capabilities >> (32 * i));
    sets[i].permitted = sets[i].effective;
  }
  if (::syscall(SYS_capset, &header, sets.data()) != 0) ::_exit(255);
  ::_exit(load(as, code) >= 0 ? 0 : errno);
}

}  // namespace

Loaded load_as(const LoadAs& as, std::span<const isa::Insn> program) {
  const long fd = load(as, isa::encode(program));
  if (fd < 0) return {.sys = errno};
  return {.program = Fd(static_cast<int>(fd))};
}

int load_with_capabilities(const LoadAs& as, std::span<const isa::Insn> program,
                           std::uint64_t capabilities) {
  const Bytes code = isa::encode(program);
  const pid_t child = ::fork();
  if (child == 0) load_and_leave(as, code, capabilities);
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

RunReply run_program(int program, const RunRequest& request) {
  RunReply reply;
  reply.data.resize(request.data_out_bytes);
  reply.context.resize(request.context_out_bytes);
  bpf_attr attributes{};
  attributes.test.prog_fd = static_cast<std::uint32_t>(program);
  attributes.test.repeat = request.repeat;
  attributes.test.flags = request.flags;
  attributes.test.data_in = request.data.empty() ? 0 : address_of(request.data.data());
  attributes.test.data_size_in = static_cast<std::uint32_t>(request.data.size());
  attributes.test.data_out = reply.data.empty() ? 0 : address_of(reply.data.data());
  attributes.test.data_size_out = request.data_out_bytes;
  attributes.test.ctx_in = request.context.empty() ? 0 : address_of(request.context.data());
  attributes.test.ctx_size_in = static_cast<std::uint32_t>(request.context.size());
  attributes.test.ctx_out = reply.context.empty() ? 0 : address_of(reply.context.data());
  attributes.test.ctx_size_out = request.context_out_bytes;
  reply.sys = bpf(BPF_PROG_TEST_RUN, attributes) < 0 ? errno : 0;
  reply.retval = attributes.test.retval;
  reply.data_bytes = attributes.test.data_size_out;
  reply.context_bytes = attributes.test.ctx_size_out;
  reply.data.resize(std::min<std::size_t>(reply.data.size(), reply.data_bytes));
  reply.context.resize(std::min<std::size_t>(reply.context.size(), reply.context_bytes));
  return reply;
}

}  // namespace skep::test
