// SPDX-License-Identifier: Apache-2.0
// A link as an object of the machine: it holds one program at one hook for as long as somebody has
// it open or pinned.
#pragma once

#include "machine/files.h"
#include "machine/hooks.h"

namespace skep::machine {

class Machine;

struct LinkRecord {
  std::uint32_t type;         // abi::bpf_link_type
  std::uint32_t attach_type;  // abi::bpf_attach_type
  std::uint32_t target;       // ifindex, BTF id, or inode of a namespace
  std::uint32_t hook_number;  // of netfilter
  std::uint32_t family;       // of netfilter
  std::uint32_t flags;
  std::int32_t priority;
  std::uint64_t cookie;
  std::uint64_t cgroup;
  std::atomic<std::uint32_t> program;
  std::atomic<std::uint32_t> detached;
  std::array<char, kHookNameBytes> hook;

  [[nodiscard]] std::string hook_name() const;
};

class LinkObject final : public Object {
 public:
  LinkObject(ObjectTable& table, const ObjectView& view, LinkRecord* record)
      : Object(table, view), record_(record) {}
  [[nodiscard]] LinkRecord& record() const { return *record_; }

 private:
  LinkRecord* record_;
};

// What a link is made of; the hook's name stands in the attachment.
struct LinkBirth {
  Attachment attachment{};
  Place place{};
  std::uint32_t type = 0;
  std::uint32_t attach_type = 0;
  std::uint32_t target = 0;
  std::uint32_t hook_number = 0;
  std::uint32_t family = 0;
  std::uint64_t cgroup = 0;
};

// The link, attached; the Error's sys is the errno.
[[nodiscard]] Result<std::shared_ptr<LinkObject>> make_link(Machine& machine, LinkBirth birth);
[[nodiscard]] std::shared_ptr<LinkObject> open_link(Machine& machine, const ObjectView& view);
void bury_link(Machine& machine, const ObjectView& view);

}  // namespace skep::machine
