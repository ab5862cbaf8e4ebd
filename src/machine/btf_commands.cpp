// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <vector>

#include "abi/map_types.h"
#include "machine/bpf.h"
#include "machine/btf_object.h"
#include "machine/load_log.h"
#include "machine/user_memory.h"

namespace skep::machine {

namespace {

constexpr std::uint32_t kMaxBtfBytes = 16U << 20;  // kernel: BTF_MAX_SIZE

}  // namespace

long btf_load(const Call& call) {
  const abi::bpf_attr& attr = call.attr;
  if ((attr.btf_flags & ~std::uint32_t{abi::BPF_F_TOKEN_FD}) != 0) return -EINVAL;
  // No descriptor is a token.
  if (attr.btf_flags != 0) return bad_descriptor(attr.btf_token_fd);
  if (attr.btf_size > kMaxBtfBytes) return -E2BIG;
  LoadLog log{.buffer = attr.btf_log_buf, .bytes = attr.btf_log_size, .level = attr.btf_log_level};
  if (const long status = log.check(); status != 0) return status;
  std::vector<std::byte> bytes(attr.btf_size);
  if (const long status = copy_from_user(bytes.data(), attr.btf, bytes.size()); status != 0)
    return status;
  auto object = make_btf(call.machine, bytes);
  if (!object) log.add(object.error().what);
  const long written = log.write();
  if (const long status =
          call.write_back(offsetof(abi::bpf_attr, btf_log_true_size), log.true_bytes());
      status != 0)
    return status;
  if (!object) return -object.error().sys;
  if (written != 0) return written;
  return call.machine.files().add({.object = std::move(*object)});
}

}  // namespace skep::machine
