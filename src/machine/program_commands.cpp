// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <vector>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "abi/program_types.h"
#include "machine/accept.h"
#include "machine/bpf.h"
#include "machine/btf_object.h"
#include "machine/names.h"
#include "machine/program_types.h"
#include "machine/user_memory.h"

namespace skep::machine {

namespace {

constexpr std::uint32_t kLicenseBytes = 128;
constexpr std::uint32_t kMaxFds = 4096;
constexpr std::uint32_t kKnownFlags =
    abi::BPF_F_STRICT_ALIGNMENT | abi::BPF_F_ANY_ALIGNMENT | abi::BPF_F_TEST_RND_HI32 |
    abi::BPF_F_TEST_STATE_FREQ | abi::BPF_F_SLEEPABLE | abi::BPF_F_XDP_HAS_FRAGS |
    abi::BPF_F_XDP_DEV_BOUND_ONLY | abi::BPF_F_TEST_REG_INVARIANTS | abi::BPF_F_TOKEN_FD;

// kernel: bpf_prog_load, in its order
long check_load(const abi::bpf_attr& attr, ProgramSpec& spec) {
  if ((attr.prog_flags & ~kKnownFlags) != 0) return -EINVAL;
  if ((attr.prog_flags & abi::BPF_F_TOKEN_FD) != 0) return -EOPNOTSUPP;
  if (attr.insn_cnt == 0 || attr.insn_cnt > abi::BPF_COMPLEXITY_LIMIT_INSNS) return -E2BIG;
  const ProgramType* type = find_program_type(attr.prog_type);
  if (type == nullptr) return -EINVAL;
  const auto attach = resolve_attach_type(*type, attr.expected_attach_type);
  if (!attach) return -EINVAL;
  // There are no devices to offload to.
  if (attr.prog_ifindex != 0) return -EINVAL;
  spec.type = attr.prog_type;
  spec.attach_type = *attach;
  spec.flags = attr.prog_flags;
  spec.attach_btf_id = attr.attach_btf_id;
  return 0;
}

long read_program(const abi::bpf_attr& attr, ProgramSpec& spec) {
  std::vector<std::byte> bytes(std::size_t{attr.insn_cnt} * isa::kInsnBytes);
  if (copy_from_user(bytes.data(), attr.insns, bytes.size()) != 0) return -EFAULT;
  auto insns = isa::decode(bytes);
  SKEP_ASSERT(insns.has_value());
  spec.insns = std::move(*insns);
  // A license may be longer than what is kept of it.
  const long status = string_from_user(spec.license, attr.license, kLicenseBytes - 1, 0);
  return status;
}

// The records of one kind: as many bytes as the kernel knows of each are kept.
long read_records(Bytes& to, std::uint64_t user, std::uint32_t count, std::uint32_t record_bytes,
                  std::uint32_t known_bytes) {
  constexpr std::uint32_t most = 256;  // kernel: MAX_FUNCINFO_REC_SIZE, MAX_LINEINFO_REC_SIZE
  if (count == 0) return 0;
  if (record_bytes < known_bytes || record_bytes > most || record_bytes % 4 != 0) return -EINVAL;
  if (count > abi::BPF_COMPLEXITY_LIMIT_INSNS) return -EINVAL;
  Bytes given(std::size_t{count} * record_bytes);
  if (copy_from_user(given.data(), user, given.size()) != 0) return -EFAULT;
  for (std::size_t at = 0; at < given.size(); at += record_bytes) {
    const auto record = std::span(given).subspan(at, record_bytes);
    if (std::ranges::any_of(record.subspan(known_bytes),
                            [](std::byte b) { return b != std::byte{}; }))
      return -E2BIG;
    to.insert(to.end(), record.begin(), record.begin() + known_bytes);
  }
  return 0;
}

long read_btf(const Call& call, ProgramSpec& spec) {
  const abi::bpf_attr& attr = call.attr;
  if (attr.func_info_cnt == 0 && attr.line_info_cnt == 0 && attr.core_relo_cnt == 0) return 0;
  std::shared_ptr<const File> file;
  std::shared_ptr<BtfObject> btf;
  if (const long status = object_of(call.machine, static_cast<int>(attr.prog_btf_fd), file, btf);
      status != 0)
    return status;
  if (const long status = read_records(spec.func_info, attr.func_info, attr.func_info_cnt,
                                       attr.func_info_rec_size, sizeof(abi::bpf_func_info));
      status != 0)
    return status;
  if (const long status = read_records(spec.line_info, attr.line_info, attr.line_info_cnt,
                                       attr.line_info_rec_size, sizeof(abi::bpf_line_info));
      status != 0)
    return status;
  if (!call.machine.objects().use(ObjectKind::btf, btf->id())) return -ENOENT;
  spec.btf_id = btf->id();
  return 0;
}

long read_fd_array(const abi::bpf_attr& attr, const isa::Program& insns, std::vector<int>& fds) {
  std::uint32_t count = std::min(attr.fd_array_cnt, kMaxFds);
  for (const isa::Insn& insn : insns)
    if (isa::is_imm64(insn) &&
        (insn.src == abi::BPF_PSEUDO_MAP_IDX || insn.src == abi::BPF_PSEUDO_MAP_IDX_VALUE))
      count = std::max(count, std::min(static_cast<std::uint32_t>(insn.imm), kMaxFds - 1) + 1);
  if (attr.fd_array == 0 || count == 0) return 0;
  fds.resize(count);
  return copy_from_user(fds.data(), attr.fd_array, fds.size() * sizeof(int));
}

// References that a program which was not made would have kept.
void drop(Machine& machine, const ProgramSpec& spec) {
  for (const std::uint32_t id : spec.maps) machine.objects().disuse(ObjectKind::map, id);
  if (spec.btf_id != 0) machine.objects().disuse(ObjectKind::btf, spec.btf_id);
}

long verify(const Call& call, ProgramSpec& spec, LoadLog& log) {
  std::vector<int> fds;
  if (const long status = read_fd_array(call.attr, spec.insns, fds); status != 0) return status;
  if (const long status = read_btf(call, spec); status != 0) return status;
  return accept_program(call.machine, fds, spec, log);
}

}  // namespace

long program_load(const Call& call) {
  const abi::bpf_attr& attr = call.attr;
  ProgramSpec spec;
  if (const long status = check_load(attr, spec); status != 0) return status;
  if (const long status = read_program(attr, spec); status != 0) return status;
  if (const long status = copy_object_name(spec.name, attr.prog_name); status != 0) return status;
  LoadLog log{.buffer = attr.log_buf, .bytes = attr.log_size, .level = attr.log_level};
  if (const long status = log.check(); status != 0) return status;
  long status = verify(call, spec, log);
  std::shared_ptr<Program> program;
  if (status == 0) {
    auto made = make_program(call.machine, spec);
    if (made) {
      program = std::move(*made);
    } else {
      log.add(made.error().what);
      status = made.error().sys != 0 ? -made.error().sys : -EINVAL;
    }
  }
  if (status != 0) drop(call.machine, spec);
  const long written = log.write();
  if (const long back = call.write_back(offsetof(abi::bpf_attr, log_true_size), log.true_bytes());
      back != 0)
    return back;
  if (status != 0 || written != 0) return status != 0 ? status : written;
  return call.machine.files().add({.object = std::move(program)});
}

long program_bind_map(const Call& call) {
  if (call.attr.prog_bind_map.flags != 0) return -EINVAL;
  std::shared_ptr<const File> file;
  std::shared_ptr<Program> program;
  if (const long status =
          object_of(call.machine, static_cast<int>(call.attr.prog_bind_map.prog_fd), file, program);
      status != 0)
    return status;
  std::shared_ptr<MapObject> map;
  if (const long status =
          object_of(call.machine, static_cast<int>(call.attr.prog_bind_map.map_fd), file, map);
      status != 0)
    return status;
  return program->bind(map);
}

}  // namespace skep::machine
