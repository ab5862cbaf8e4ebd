// SPDX-License-Identifier: Apache-2.0
#include "tests/oracle/helper_kernel.h"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace skep::test {

namespace {

constexpr std::uint32_t kMmapable = 1U << 10;
constexpr std::uint32_t kReadOnlyProgram = 1U << 7;

std::uint64_t address_of(const void* place) { return reinterpret_cast<std::uint64_t>(place); }

long bpf(bpf_cmd command, bpf_attr& attributes) {
  return ::syscall(SYS_bpf, command, &attributes, sizeof(attributes));
}

Fd make_array(std::uint32_t bytes, std::uint32_t flags) {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = 4;
  attributes.value_size = bytes;
  attributes.max_entries = 1;
  attributes.map_flags = flags;
  return Fd(static_cast<int>(bpf(BPF_MAP_CREATE, attributes)));
}

}  // namespace

HelperVerdict load_helper_program(const ProgramKind& kind, std::span<const isa::Insn> program,
                                  const char* license) {
  const Bytes code = isa::encode(program);
  std::string log(1 << 16, '\0');
  bpf_attr attributes{};
  attributes.prog_type = kind.type;
  attributes.expected_attach_type = kind.attach;
  attributes.attach_btf_id = kind.btf_id;
  attributes.prog_flags = kind.flags;
  attributes.insns = address_of(code.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(code.size() / isa::kInsnBytes);
  attributes.license = address_of(license);
  attributes.log_level = 1;
  attributes.log_buf = address_of(log.data());
  attributes.log_size = static_cast<std::uint32_t>(log.size());
  const long fd = bpf(BPF_PROG_LOAD, attributes);
  HelperVerdict verdict;
  if (fd < 0)
    verdict.sys = errno;
  else
    verdict.program = Fd(static_cast<int>(fd));
  verdict.log = log.c_str();
  return verdict;
}

SharedValue::SharedValue(std::uint32_t bytes, bool read_only_for_programs)
    : map_(make_array(bytes, kMmapable | (read_only_for_programs ? kReadOnlyProgram : 0))) {
  if (!map_) return;
  void* place = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_.get(), 0);
  if (place != MAP_FAILED) bytes_ = {static_cast<std::byte*>(place), bytes};
}

SharedValue::~SharedValue() {
  if (ok()) ::munmap(bytes_.data(), bytes_.size());
}

Fd frozen_value(std::span<const std::byte> value) {
  Fd map = make_array(static_cast<std::uint32_t>(value.size()), kReadOnlyProgram);
  if (!map) return map;
  const std::uint32_t key = 0;
  bpf_attr attributes{};
  attributes.map_fd = static_cast<std::uint32_t>(map.get());
  attributes.key = address_of(&key);
  attributes.value = address_of(value.data());
  if (bpf(BPF_MAP_UPDATE_ELEM, attributes) != 0) return {};
  attributes = {};
  attributes.map_fd = static_cast<std::uint32_t>(map.get());
  if (bpf(BPF_MAP_FREEZE, attributes) != 0) return {};
  return map;
}

SyscallRun run_syscall_program(int program, std::span<std::byte> context) {
  bpf_attr attributes{};
  attributes.test.prog_fd = static_cast<std::uint32_t>(program);
  attributes.test.ctx_in = address_of(context.data());
  attributes.test.ctx_size_in = static_cast<std::uint32_t>(context.size());
  if (bpf(BPF_PROG_TEST_RUN, attributes) != 0) return {.sys = errno};
  return {.retval = attributes.test.retval};
}

}  // namespace skep::test
