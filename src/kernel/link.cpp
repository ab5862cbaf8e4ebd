// SPDX-License-Identifier: Apache-2.0
#include "skep/link.h"

#include <algorithm>

#include "abi/attach_types.h"
#include "abi/info.h"
#include "kernel/call.h"

namespace skep {

namespace {

using abi::bpf_attr;
using kernel::address;
using kernel::fresh_attr;

constexpr std::size_t kCreateHead = offsetof(abi::bpf_attr_link_create, target_btf_id);
constexpr std::size_t kInfoHead = offsetof(abi::bpf_link_info, raw_tracepoint);

}  // namespace

Result<Link> Link::create(const Program& program, const LinkOptions& options) {
  bpf_attr attr = fresh_attr();
  if (options.more.size() > sizeof(attr) - kCreateHead)
    return fail(Code::limit, "{} bytes behind the head of link_create, more than {}",
                options.more.size(), sizeof(attr) - kCreateHead);
  attr.link_create.prog_fd = static_cast<std::uint32_t>(program.fd());
  attr.link_create.target_fd = options.target;
  attr.link_create.attach_type = options.attach_type;
  attr.link_create.flags = options.flags;
  std::ranges::copy(options.more, reinterpret_cast<std::byte*>(&attr) + kCreateHead);
  return Link(SKEP_TRY(
      kernel::open(program.kernel(), abi::BPF_LINK_CREATE, attr, "cannot attach the program")));
}

Result<Link> Link::raw_tracepoint(const Program& program, const std::string& name,
                                  std::uint64_t cookie) {
  bpf_attr attr = fresh_attr();
  attr.raw_tracepoint.name = name.empty() ? 0 : address(name.c_str());
  attr.raw_tracepoint.prog_fd = static_cast<std::uint32_t>(program.fd());
  attr.raw_tracepoint.cookie = cookie;
  return Link(SKEP_TRY(kernel::open(program.kernel(), abi::BPF_RAW_TRACEPOINT_OPEN, attr,
                                    text("cannot attach to \"{}\"", name))));
}

Result<Link> Link::by_id(Kernel& kernel, std::uint32_t id) {
  return Link(SKEP_TRY(kernel::open_id(kernel, abi::BPF_LINK_GET_FD_BY_ID, id, 0, "link")));
}

Result<Link> Link::pinned(Kernel& kernel, const std::string& path) {
  return Link(SKEP_TRY(kernel::open_pin(kernel, kernel::Kind::link, path, 0)));
}

Result<std::vector<std::uint32_t>> Link::ids(Kernel& kernel) {
  return kernel::all_ids(kernel, abi::BPF_LINK_GET_NEXT_ID);
}

Result<LinkInfo> Link::info() const {
  abi::bpf_link_info info{};
  const std::uint32_t bytes = SKEP_TRY(kernel::read_info(handle_, &info, sizeof(info)));
  const auto all = std::as_bytes(std::span(&info, 1));
  const auto more = all.first(std::max<std::size_t>(bytes, kInfoHead)).subspan(kInfoHead);
  return LinkInfo{.id = info.id,
                  .type = info.type,
                  .program_id = info.prog_id,
                  .more = {more.begin(), more.end()}};
}

Status Link::update(const Program& program, const Program* expected) const {
  bpf_attr attr = fresh_attr();
  attr.link_update.link_fd = static_cast<std::uint32_t>(fd());
  attr.link_update.new_prog_fd = static_cast<std::uint32_t>(program.fd());
  if (expected != nullptr) {
    attr.link_update.flags = abi::BPF_F_REPLACE;
    attr.link_update.old_prog_fd = static_cast<std::uint32_t>(expected->fd());
  }
  (void)SKEP_TRY(
      kernel::call(handle_.kernel(), abi::BPF_LINK_UPDATE, attr, "cannot update the link"));
  return {};
}

Status Link::detach() const {
  bpf_attr attr = fresh_attr();
  attr.link_detach.link_fd = static_cast<std::uint32_t>(fd());
  (void)SKEP_TRY(
      kernel::call(handle_.kernel(), abi::BPF_LINK_DETACH, attr, "cannot detach the link"));
  return {};
}

Status Link::pin(const std::string& path) const { return kernel::pin(handle_, path); }

}  // namespace skep
