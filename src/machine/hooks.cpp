// SPDX-License-Identifier: Apache-2.0
#include "machine/hooks.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace skep::machine {

namespace {

constexpr unsigned kRoot = 2;
// Revisions are counted for hooks by a hash of their name: one that shares it counts too often.
constexpr unsigned kRevisions = 1024;

struct AttachmentRecord {
  std::atomic<std::uint32_t> alive;
  std::atomic<std::uint32_t> program;
  std::uint32_t link;
  std::uint32_t flags;
  std::int32_t priority;
  std::atomic<std::uint32_t> place;
  std::uint64_t cookie;
  std::array<char, kHookNameBytes> hook;

  [[nodiscard]] std::string_view name() const {
    return {hook.data(), strnlen(hook.data(), kHookNameBytes)};
  }
};

unsigned revision_slot(std::string_view hook) {
  return static_cast<unsigned>(std::hash<std::string_view>{}(hook) % kRevisions);
}

Attachment attachment_of(const AttachmentRecord& record) {
  return {.hook = std::string(record.name()),
          .program = record.program.load(),
          .link = record.link,
          .flags = record.flags,
          .priority = record.priority,
          .cookie = record.cookie};
}

}  // namespace

struct HooksLayout {
  maps::Lock lock;
  std::atomic<std::uint64_t> changes;
  std::array<std::atomic<std::uint64_t>, kRevisions> revisions;
  std::array<AttachmentRecord, kMaxAttachments> records;
};

Result<std::unique_ptr<Hooks>> Hooks::open(Region& region, ObjectTable& objects) {
  auto* layout = SKEP_TRY(region.root<HooksLayout>(kRoot));
  std::unique_ptr<Hooks> hooks(new Hooks(region, objects, layout));
  return hooks;
}

// In their order.
std::vector<unsigned> Hooks::find(std::string_view hook) const {
  std::vector<std::pair<std::uint32_t, unsigned>> there;
  for (unsigned i = 0; i < kMaxAttachments; ++i) {
    const AttachmentRecord& record = layout_->records[i];
    if (record.alive.load(std::memory_order_acquire) != 0 && record.name() == hook)
      there.emplace_back(record.place.load(), i);
  }
  std::ranges::sort(there);
  std::vector<unsigned> indices;
  indices.reserve(there.size());
  for (const auto& [place, index] : there) indices.push_back(index);
  return indices;
}

std::optional<std::size_t> Hooks::index_for(const std::vector<unsigned>& there,
                                            const Attachment& attachment,
                                            const Place& place) const {
  const auto& records = layout_->records;
  switch (place.side) {
    case Place::Side::end:
      return there.size();
    case Place::Side::begin:
      return 0;
    case Place::Side::by_priority: {
      const auto later = std::ranges::find_if(
          there, [&](unsigned i) { return records[i].priority > attachment.priority; });
      return static_cast<std::size_t>(later - there.begin());
    }
    case Place::Side::before:
    case Place::Side::after:
      break;
  }
  const auto neighbour = std::ranges::find_if(there, [&](unsigned i) {
    return place.link != 0 ? records[i].link == place.link
                           : records[i].program.load() == place.program;
  });
  if (neighbour == there.end()) return {};
  const auto index = static_cast<std::size_t>(neighbour - there.begin());
  return place.side == Place::Side::after ? index + 1 : index;
}

void Hooks::changed(std::string_view hook) {
  ++layout_->revisions[revision_slot(hook)];
  layout_->changes.fetch_add(1, std::memory_order_release);
}

long Hooks::attach(const Attachment& attachment, const Place& place) {
  if (attachment.hook.empty() || attachment.hook.size() >= kHookNameBytes) return -EINVAL;
  const maps::Guard guard(layout_->lock, region_);
  if (guard.busy()) return -EBUSY;
  if (place.revision && *place.revision != revision(attachment.hook)) return -ESTALE;
  const std::vector<unsigned> there = find(attachment.hook);
  if (there.size() >= place.room) return place.room == 1 ? -EBUSY : -ERANGE;
  const auto index = index_for(there, attachment, place);
  if (!index) return -ENOENT;
  const auto free = std::ranges::find_if(
      layout_->records, [](const AttachmentRecord& record) { return record.alive.load() == 0; });
  if (free == layout_->records.end()) return -ENOSPC;
  if (!objects_.use(ObjectKind::program, attachment.program)) return -ENOENT;
  // Those behind it move first: seen half way, two share a place and nothing is lost.
  for (std::size_t i = there.size(); i-- > 0;)
    layout_->records[there[i]].place = static_cast<std::uint32_t>(i < *index ? i : i + 1);
  free->program = attachment.program;
  free->link = attachment.link;
  free->flags = attachment.flags;
  free->priority = attachment.priority;
  free->cookie = attachment.cookie;
  free->place = static_cast<std::uint32_t>(*index);
  free->hook = {};
  std::memcpy(free->hook.data(), attachment.hook.data(), attachment.hook.size());
  free->alive.store(1, std::memory_order_release);
  changed(attachment.hook);
  return 0;
}

long Hooks::detach(std::string_view hook, std::uint32_t program, std::uint32_t link) {
  std::uint32_t gone = 0;
  {
    const maps::Guard guard(layout_->lock, region_);
    if (guard.busy()) return -EBUSY;
    for (const unsigned i : find(hook)) {
      AttachmentRecord& record = layout_->records[i];
      const bool meant =
          link != 0 ? record.link == link : record.link == 0 && record.program.load() == program;
      if (!meant) continue;
      gone = record.program.load();
      record.alive = 0;
      break;
    }
    if (gone == 0) return -ENOENT;
    changed(hook);
  }
  objects_.disuse(ObjectKind::program, gone);
  return 0;
}

long Hooks::replace(std::string_view hook, std::uint32_t link, std::uint32_t before,
                    std::uint32_t program) {
  std::uint32_t gone = 0;
  {
    const maps::Guard guard(layout_->lock, region_);
    if (guard.busy()) return -EBUSY;
    for (const unsigned i : find(hook)) {
      AttachmentRecord& record = layout_->records[i];
      if (record.link != link || (link == 0 && record.program.load() != before)) continue;
      if (before != 0 && record.program.load() != before) return -EPERM;
      if (!objects_.use(ObjectKind::program, program)) return -ENOENT;
      gone = record.program.exchange(program);
      break;
    }
    if (gone == 0) return -ENOENT;
    changed(hook);
  }
  objects_.disuse(ObjectKind::program, gone);
  return 0;
}

std::vector<Attachment> Hooks::list(std::string_view hook) {
  std::vector<Attachment> found;
  const maps::Guard guard(layout_->lock, region_);
  if (guard.busy()) return found;
  for (const unsigned i : find(hook)) found.push_back(attachment_of(layout_->records[i]));
  return found;
}

std::uint64_t Hooks::changes() const { return layout_->changes.load(std::memory_order_acquire); }

std::uint64_t Hooks::revision(std::string_view hook) {
  return layout_->revisions[revision_slot(hook)].load() + 1;
}

}  // namespace skep::machine
