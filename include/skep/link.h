// SPDX-License-Identifier: Apache-2.0
// A program attached to an event. Owns one descriptor: when the last goes, and no pin is left, the
// program is detached. Any thread.
#pragma once

#include <string>

#include "skep/program.h"

namespace skep {

struct LinkOptions {
  std::uint32_t target = 0;  // descriptor or interface index, as the attach type wants it
  std::uint32_t attach_type = 0;
  std::uint32_t flags = 0;
  // What stands behind these in struct bpf_attr's link_create, as the attach type has it.
  std::span<const std::byte> more{};
};

struct LinkInfo {
  std::uint32_t id = 0;
  std::uint32_t type = 0;  // BPF_LINK_TYPE_*
  std::uint32_t program_id = 0;
  // The rest of struct bpf_link_info, as the type has it.
  Bytes more;
};

class Link {
 public:
  [[nodiscard]] static Result<Link> create(const Program& program, const LinkOptions& options);
  [[nodiscard]] static Result<Link> raw_tracepoint(const Program& program, const std::string& name,
                                                   std::uint64_t cookie = 0);
  [[nodiscard]] static Result<Link> by_id(Kernel& kernel, std::uint32_t id);
  [[nodiscard]] static Result<Link> pinned(Kernel& kernel, const std::string& path);
  [[nodiscard]] static Result<std::vector<std::uint32_t>> ids(Kernel& kernel);

  [[nodiscard]] int fd() const { return handle_.fd(); }
  [[nodiscard]] Result<LinkInfo> info() const;
  // With `expected`, only if that is the program now.
  [[nodiscard]] Status update(const Program& program, const Program* expected = nullptr) const;
  [[nodiscard]] Status detach() const;
  [[nodiscard]] Status pin(const std::string& path) const;

 private:
  explicit Link(Handle handle) : handle_(std::move(handle)) {}

  Handle handle_;
};

}  // namespace skep
