// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <climits>

#include "abi/map_types.h"
#include "machine/bpf.h"
#include "machine/pins.h"
#include "machine/user_memory.h"

namespace skep::machine {

namespace {

constexpr std::uint32_t kPathMax = 4096;
constexpr std::uint32_t kAccessFlags = abi::BPF_F_RDONLY | abi::BPF_F_WRONLY;

long next_id(const Call& call, ObjectKind kind) {
  if (call.attr.start_id >= INT_MAX) return -EINVAL;
  const auto next = call.machine.objects().next(kind, call.attr.start_id);
  if (!next) return -ENOENT;
  return call.write_back(offsetof(abi::bpf_attr, next_id), *next);
}

long descriptor_of(const Call& call, ObjectKind kind, std::uint32_t id, std::uint32_t flags) {
  auto object = call.machine.object(kind, id);
  if (object == nullptr) return -ENOENT;
  return call.machine.files().add({.object = std::move(object),
                                   .source = nullptr,
                                   .readable = (flags & abi::BPF_F_WRONLY) == 0,
                                   .writable = (flags & abi::BPF_F_RDONLY) == 0});
}

// The flag and the descriptor of a directory belong together.
bool is_path_fd_alone(const abi::bpf_attr& attr) {
  return (attr.file_flags & abi::BPF_F_PATH_FD) == 0 && attr.path_fd != 0;
}

// A name of the machine's namespace, which has no directories to begin at.
long read_path(const abi::bpf_attr& attr, std::string& path) {
  const long status = string_from_user(path, attr.pathname, kPathMax, ENAMETOOLONG);
  if (status != 0) return status;
  if (path.empty()) return -ENOENT;
  return (attr.file_flags & abi::BPF_F_PATH_FD) != 0 ? -EOPNOTSUPP : 0;
}

}  // namespace

long program_next_id(const Call& call) { return next_id(call, ObjectKind::program); }
long map_next_id(const Call& call) { return next_id(call, ObjectKind::map); }
long btf_next_id(const Call& call) { return next_id(call, ObjectKind::btf); }
long link_next_id(const Call& call) { return next_id(call, ObjectKind::link); }

long program_by_id(const Call& call) {
  return descriptor_of(call, ObjectKind::program, call.attr.prog_id, 0);
}

long map_by_id(const Call& call) {
  const std::uint32_t flags = call.attr.open_flags;
  if ((flags & ~kAccessFlags) != 0 || flags == kAccessFlags) return -EINVAL;
  return descriptor_of(call, ObjectKind::map, call.attr.map_id, flags);
}

long btf_by_id(const Call& call) {
  if ((call.attr.open_flags & ~std::uint32_t{abi::BPF_F_TOKEN_FD}) != 0) return -EINVAL;
  // No descriptor is a token.
  if (call.attr.open_flags != 0) return bad_descriptor(call.attr.fd_by_id_token_fd);
  return descriptor_of(call, ObjectKind::btf, call.attr.btf_id, 0);
}

long link_by_id(const Call& call) {
  return descriptor_of(call, ObjectKind::link, call.attr.link_id, 0);
}

long object_pin(const Call& call) {
  const abi::bpf_attr& attr = call.attr;
  if ((attr.file_flags & ~std::uint32_t{abi::BPF_F_PATH_FD}) != 0) return -EINVAL;
  if (is_path_fd_alone(attr)) return -EINVAL;
  // Whatever is not of a kind that can be pinned is EINVAL, even what is not open.
  const auto file = call.machine.files().get(static_cast<int>(attr.bpf_fd));
  if (file == nullptr || file->object == nullptr || file->object->kind() == ObjectKind::btf)
    return -EINVAL;
  std::string path;
  if (const long status = read_path(attr, path); status != 0) return status;
  return call.machine.pins().add(path, file->object->kind(), file->object->id());
}

long object_get(const Call& call) {
  const abi::bpf_attr& attr = call.attr;
  if (attr.bpf_fd != 0 || (attr.file_flags & ~(kAccessFlags | abi::BPF_F_PATH_FD)) != 0)
    return -EINVAL;
  if (is_path_fd_alone(attr)) return -EINVAL;
  const std::uint32_t access = attr.file_flags & kAccessFlags;
  if (access == kAccessFlags) return -EINVAL;
  std::string path;
  if (const long status = read_path(attr, path); status != 0) return status;
  const auto pin = call.machine.pins().find(path);
  if (!pin) return -ENOENT;
  if (pin->kind != ObjectKind::map && access != 0) return -EINVAL;
  return descriptor_of(call, pin->kind, pin->id, access);
}

}  // namespace skep::machine
