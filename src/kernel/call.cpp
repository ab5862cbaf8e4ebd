// SPDX-License-Identifier: Apache-2.0
#include "kernel/call.h"

#include <algorithm>
#include <cerrno>

namespace skep::kernel {

namespace {

using abi::bpf_attr;

constexpr std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::map:
      return "map";
    case Kind::program:
      return "program";
    case Kind::link:
      return "link";
  }
  return "";
}

// Each command takes one kind, and says EINVAL to any other; then it stumbles over what is missing.
bool is_kind(Kernel& kernel, Kind kind, int fd) {
  constexpr auto kNone = static_cast<std::uint32_t>(-1);
  bpf_attr attr = fresh_attr();
  switch (kind) {
    case Kind::map:
      attr.map_fd = static_cast<std::uint32_t>(fd);
      return kernel.bpf(abi::BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) != -EINVAL;
    case Kind::program:
      attr.prog_bind_map.prog_fd = static_cast<std::uint32_t>(fd);
      attr.prog_bind_map.map_fd = kNone;
      return kernel.bpf(abi::BPF_PROG_BIND_MAP, &attr, sizeof(attr)) != -EINVAL;
    case Kind::link:
      attr.link_update.link_fd = static_cast<std::uint32_t>(fd);
      attr.link_update.new_prog_fd = kNone;
      return kernel.bpf(abi::BPF_LINK_UPDATE, &attr, sizeof(attr)) != -EINVAL;
  }
  return false;
}

}  // namespace

Error refusal(std::string_view what, long status) {
  const auto sys = static_cast<int>(-status);
  if (sys == abi::ENOTSUPP)
    return {.code = Code::unsupported, .sys = sys, .what = text("{}: not supported", what)};
  return system_error(what, sys);
}

Result<long> call(Kernel& kernel, abi::bpf_cmd command, bpf_attr& attr, std::string_view what) {
  const long status = kernel.bpf(command, &attr, sizeof(attr));
  if (status < 0) return std::unexpected(refusal(what, status));
  return status;
}

Result<Handle> open(Kernel& kernel, abi::bpf_cmd command, bpf_attr& attr, std::string_view what) {
  const long fd = SKEP_TRY(call(kernel, command, attr, what));
  return Handle(kernel, static_cast<int>(fd));
}

Result<Handle> open_id(Kernel& kernel, abi::bpf_cmd command, std::uint32_t id, std::uint32_t flags,
                       std::string_view what) {
  bpf_attr attr = fresh_attr();
  attr.map_id = id;
  attr.open_flags = flags;
  return open(kernel, command, attr, text("cannot open {} {}", what, id));
}

// Others make and drop objects meanwhile; ids only grow, so that this ends.
Result<std::vector<std::uint32_t>> all_ids(Kernel& kernel, abi::bpf_cmd command) {
  std::vector<std::uint32_t> ids;
  bpf_attr attr = fresh_attr();
  for (;;) {
    const long status = kernel.bpf(command, &attr, sizeof(attr));
    if (status == -ENOENT) return ids;
    if (status < 0) return std::unexpected(refusal("cannot list ids", status));
    if (attr.next_id <= attr.start_id) return fail(Code::io, "the kernel lists ids backwards");
    ids.push_back(attr.next_id);
    attr.start_id = attr.next_id;
    attr.next_id = 0;
  }
}

Result<Handle> open_pin(Kernel& kernel, Kind kind, const std::string& path, std::uint32_t flags) {
  bpf_attr attr = fresh_attr();
  attr.pathname = address(path.c_str());
  attr.file_flags = flags;
  auto handle = SKEP_TRY(open(kernel, abi::BPF_OBJ_GET, attr, text("cannot open {}", path)));
  if (!is_kind(kernel, kind, handle.fd()))
    return fail(Code::invalid, "{} is not a {}", path, kind_name(kind));
  return handle;
}

Status pin(const Handle& handle, const std::string& path) {
  bpf_attr attr = fresh_attr();
  attr.pathname = address(path.c_str());
  attr.bpf_fd = static_cast<std::uint32_t>(handle.fd());
  (void)SKEP_TRY(call(handle.kernel(), abi::BPF_OBJ_PIN, attr, text("cannot pin to {}", path)));
  return {};
}

Status set_name(char (&to)[abi::BPF_OBJ_NAME_LEN], std::string_view name) {
  if (name.size() >= sizeof(to) || name.contains('\0'))
    return fail(Code::invalid, "\"{}\" is no name: at most {} letters, digits, '_', '.'", name,
                sizeof(to) - 1);
  std::ranges::copy(name, to);
  return {};
}

std::string name_of(const char (&name)[abi::BPF_OBJ_NAME_LEN]) {
  return {name, std::ranges::find(name, '\0')};
}

Result<std::uint32_t> read_info(const Handle& handle, void* info, std::uint32_t bytes) {
  bpf_attr attr = fresh_attr();
  attr.info.bpf_fd = static_cast<std::uint32_t>(handle.fd());
  attr.info.info_len = bytes;
  attr.info.info = address(info);
  (void)SKEP_TRY(call(handle.kernel(), abi::BPF_OBJ_GET_INFO_BY_FD, attr, "cannot read the info"));
  return std::min(attr.info.info_len, bytes);
}

}  // namespace skep::kernel
