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
#include "machine/program_records.h"
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

// Programs that are attached to something that BTF describes.
bool has_target(std::uint32_t type) {
  return type == abi::BPF_PROG_TYPE_TRACING || type == abi::BPF_PROG_TYPE_LSM ||
         type == abi::BPF_PROG_TYPE_STRUCT_OPS || type == abi::BPF_PROG_TYPE_EXT;
}

// kernel: bpf_prog_load, in its order
long check_load(const abi::bpf_attr& attr, ProgramSpec& spec) {
  if ((attr.prog_flags & ~kKnownFlags) != 0) return -EINVAL;
  // No descriptor is a token.
  if ((attr.prog_flags & abi::BPF_F_TOKEN_FD) != 0) return bad_descriptor(attr.prog_token_fd);
  if (attr.insn_cnt == 0 || attr.insn_cnt > abi::BPF_COMPLEXITY_LIMIT_INSNS) return -E2BIG;
  const ProgramType* type = find_program_type(attr.prog_type);
  if (type == nullptr) return -EINVAL;
  if ((attr.attach_btf_id != 0 || attr.attach_prog_fd != 0) && !has_target(attr.prog_type))
    return -EINVAL;
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

long read_btf(const Call& call, ProgramSpec& spec, LoadLog& log) {
  const abi::bpf_attr& attr = call.attr;
  if (attr.func_info_cnt == 0 && attr.line_info_cnt == 0) return 0;
  std::shared_ptr<const File> file;
  std::shared_ptr<BtfObject> btf;
  if (const long status = object_of(call.machine, static_cast<int>(attr.prog_btf_fd), file, btf);
      status != 0)
    return status;
  if (const long status = read_records(attr, btf->types(), spec, log); status != 0) return status;
  // Relocations against the types of a kernel, of which there are none here.
  if (attr.core_relo_cnt != 0) return -EOPNOTSUPP;
  if (!call.machine.objects().use(ObjectKind::btf, btf->id())) return -ENOENT;
  spec.btf_id = btf->id();
  return 0;
}

long read_fd_array(const abi::bpf_attr& attr, const isa::Program& insns, std::vector<int>& fds) {
  if (attr.fd_array_cnt >= UINT32_MAX / sizeof(int)) return -EINVAL;
  if (attr.fd_array_cnt > kMaxFds) return -E2BIG;
  std::uint32_t count = attr.fd_array_cnt;
  for (const isa::Insn& insn : insns)
    if (isa::is_imm64(insn) &&
        (insn.src == abi::BPF_PSEUDO_MAP_IDX || insn.src == abi::BPF_PSEUDO_MAP_IDX_VALUE))
      count = std::max(count, std::min(static_cast<std::uint32_t>(insn.imm), kMaxFds - 1) + 1);
  if (count == 0 || (attr.fd_array == 0 && attr.fd_array_cnt == 0)) return 0;
  fds.resize(count);
  return copy_from_user(fds.data(), attr.fd_array, fds.size() * sizeof(int));
}

// Where a count is given, all are maps or BTF, whether instructions name them or not.
long check_fd_array(const Call& call, std::span<const int> fds, LoadLog& log) {
  for (const int fd : fds.first(call.attr.fd_array_cnt)) {
    const auto file = call.machine.files().get(fd);
    const bool fits =
        file != nullptr && file->object != nullptr &&
        (file->object->kind() == ObjectKind::map || file->object->kind() == ObjectKind::btf);
    if (fits) continue;
    log.add(text("fd {} is not pointing to valid bpf_map or btf", fd));
    return file == nullptr ? bad_descriptor(fd) : -EINVAL;
  }
  return 0;
}

long check_sleepable(const ProgramSpec& spec, LoadLog& log) {
  const ProgramType* type = find_program_type(spec.type);
  SKEP_ASSERT(type != nullptr);
  const bool sleeps = (spec.flags & abi::BPF_F_SLEEPABLE) != 0;
  if (sleeps ? type->sleepable.contains(spec.attach_type) : !type->sleepable_only) return 0;
  log.add(sleeps ? "programs of this type cannot sleep"
                 : "programs of this type must be sleepable");
  return -EINVAL;
}

// References that a program which was not made would have kept.
void drop(Machine& machine, const ProgramSpec& spec) {
  for (const std::uint32_t id : spec.maps) machine.objects().disuse(ObjectKind::map, id);
  if (spec.btf_id != 0) machine.objects().disuse(ObjectKind::btf, spec.btf_id);
}

long verify(const Call& call, ProgramSpec& spec, LoadLog& log) {
  std::vector<int> fds;
  if (const long status = read_fd_array(call.attr, spec.insns, fds); status != 0) return status;
  if (const long status = check_fd_array(call, fds, log); status != 0) return status;
  if (const long status = check_sleepable(spec, log); status != 0) return status;
  if (const long status = read_btf(call, spec, log); status != 0) return status;
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
