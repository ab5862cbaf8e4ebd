// SPDX-License-Identifier: Apache-2.0
#include "skep/btf.h"

#include <algorithm>
#include <array>

#include "abi/info.h"
#include "kernel/call.h"

namespace skep {

namespace {

using kernel::address;
using kernel::fresh_attr;

// What a kernel says of the types that it refuses; the first lines matter.
constexpr std::uint32_t kLogBytes = 1 << 16;

}  // namespace

Result<Btf> Btf::load(Kernel& kernel, std::span<const std::byte> bytes) {
  if (bytes.size() > UINT32_MAX) return fail(Code::limit, "BTF of {} bytes", bytes.size());
  abi::bpf_attr attr = fresh_attr();
  attr.btf = address(bytes.data());
  attr.btf_size = static_cast<std::uint32_t>(bytes.size());
  auto handle = kernel::open(kernel, abi::BPF_BTF_LOAD, attr, "the BTF is refused");
  if (handle) return Btf(std::move(*handle));
  std::string log(kLogBytes, '\0');
  attr = fresh_attr();
  attr.btf = address(bytes.data());
  attr.btf_size = static_cast<std::uint32_t>(bytes.size());
  attr.btf_log_level = 1;
  attr.btf_log_buf = address(log.data());
  attr.btf_log_size = kLogBytes;
  handle = kernel::open(kernel, abi::BPF_BTF_LOAD, attr, "the BTF is refused");
  if (handle) return Btf(std::move(*handle));
  Error error = std::move(handle).error();
  log.resize(std::min(log.find('\0'), log.size()));
  if (!log.empty()) error.what += "\n" + log;
  return std::unexpected(std::move(error));
}

Result<Btf> Btf::by_id(Kernel& kernel, std::uint32_t id) {
  return Btf(SKEP_TRY(kernel::open_id(kernel, abi::BPF_BTF_GET_FD_BY_ID, id, 0, "BTF")));
}

Result<std::vector<std::uint32_t>> Btf::ids(Kernel& kernel) {
  return kernel::all_ids(kernel, abi::BPF_BTF_GET_NEXT_ID);
}

Result<BtfInfo> Btf::info() const {
  abi::bpf_btf_info info{};
  std::array<char, 64> name{};
  info.name = address(name.data());
  info.name_len = name.size();
  (void)SKEP_TRY(kernel::read_info(handle_, &info, sizeof(info)));
  return BtfInfo{.id = info.id,
                 .bytes = info.btf_size,
                 .name = {name.data(), std::ranges::find(name, '\0')},
                 .kernel = info.kernel_btf != 0};
}

Result<Bytes> Btf::bytes() const {
  const BtfInfo known = SKEP_TRY(info());
  Bytes bytes(known.bytes);
  abi::bpf_btf_info info{};
  info.btf = address(bytes.data());
  info.btf_size = known.bytes;
  (void)SKEP_TRY(kernel::read_info(handle_, &info, sizeof(info)));
  return bytes;
}

}  // namespace skep
