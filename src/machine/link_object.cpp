// SPDX-License-Identifier: Apache-2.0
#include "machine/link_object.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "machine/machine.h"

namespace skep::machine {

std::string LinkRecord::hook_name() const {
  return {hook.data(), strnlen(hook.data(), kHookNameBytes)};
}

Result<std::shared_ptr<LinkObject>> make_link(Machine& machine, LinkBirth birth) {
  const auto refuse = [](long status) {
    return std::unexpected(Error{.code = Code::invalid,
                                 .sys = static_cast<int>(-status),
                                 .what = "cannot attach the program"});
  };
  maps::Region& region = machine.region();
  const Offset block = SKEP_TRY(region.allocate(sizeof(LinkRecord)));
  auto* record = region.at<LinkRecord>(block);
  SKEP_ASSERT(record != nullptr);
  const Attachment& attachment = birth.attachment;
  if (attachment.hook.size() >= kHookNameBytes) {
    region.free(block);
    return refuse(-EINVAL);
  }
  record->type = birth.type;
  record->attach_type = birth.attach_type;
  record->target = birth.target;
  record->hook_number = birth.hook_number;
  record->family = birth.family;
  record->cgroup = birth.cgroup;
  record->flags = attachment.flags;
  record->priority = attachment.priority;
  record->cookie = attachment.cookie;
  record->program = attachment.program;
  std::memcpy(record->hook.data(), attachment.hook.data(), attachment.hook.size());
  const auto view = machine.objects().add(ObjectKind::link, block);
  if (!view) {
    region.free(block);
    return std::unexpected(view.error());
  }
  auto link = std::make_shared<LinkObject>(machine.objects(), *view, record);
  birth.attachment.link = link->id();
  if (const long status = machine.hooks().attach(birth.attachment, birth.place); status != 0) {
    record->detached = 1;
    return refuse(status);
  }
  machine.remember(link);
  return link;
}

std::shared_ptr<LinkObject> open_link(Machine& machine, const ObjectView& view) {
  auto* record = machine.region().at<LinkRecord>(view.block);
  return record == nullptr ? nullptr
                           : std::make_shared<LinkObject>(machine.objects(), view, record);
}

void bury_link(Machine& machine, const ObjectView& view) {
  auto* record = machine.region().at<LinkRecord>(view.block);
  if (record == nullptr) return;
  if (record->detached.exchange(1) == 0)
    (void)machine.hooks().detach(record->hook_name(), 0, view.id);
  machine.region().free(view.block);
}

}  // namespace skep::machine
