// SPDX-License-Identifier: Apache-2.0
#include "machine/object_table.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace skep::machine {

namespace {

constexpr unsigned kRoot = 0;
constexpr unsigned kHolderWords = maps::kProcesses / 64;

enum class State : std::uint32_t {
  free,
  alive,
  going,  // out of sight; `owner` is about to free what belongs to it
};

}  // namespace

struct ObjectRecord {
  std::atomic<State> state;
  std::atomic<std::uint32_t> kind;
  std::atomic<std::uint32_t> id;
  std::atomic<std::uint32_t> owner;
  std::atomic<std::uint32_t> uses;
  std::array<std::atomic<std::uint64_t>, kHolderWords> open_in;  // a bit for each process slot
  std::atomic<std::uint64_t> block;
};

struct ObjectTableLayout {
  maps::Lock lock;
  std::array<std::atomic<std::uint32_t>, kObjectKinds> last_id;
  std::array<ObjectRecord, kMaxObjects> records;
};

Result<std::unique_ptr<ObjectTable>> ObjectTable::open(Region& region) {
  auto* layout = SKEP_TRY(region.root<ObjectTableLayout>(kRoot));
  std::unique_ptr<ObjectTable> table(new ObjectTable(region, layout));
  return table;
}

ObjectTable::~ObjectTable() {
  std::vector<std::uint32_t> open;
  open.reserve(open_here_.size());
  for (const auto& [index, times] : open_here_) open.push_back(index);
  for (const std::uint32_t index : open) {
    open_here_[index] = 1;
    close(ObjectIndex{index});
  }
}

// Everything under this lock is a single store or can be redone, so there is nothing to repair.
bool ObjectTable::lock() { return layout_->lock.take(region_) != maps::Taken::busy; }

void ObjectTable::unlock() { layout_->lock.release(); }

ObjectView ObjectTable::view(std::uint32_t index) const {
  const ObjectRecord& record = layout_->records[index];
  return {.index = ObjectIndex{index},
          .kind = static_cast<ObjectKind>(record.kind.load() % kObjectKinds),
          .id = record.id.load(),
          .block = Offset{record.block.load()}};
}

std::optional<std::uint32_t> ObjectTable::find(ObjectKind kind, std::uint32_t id) const {
  for (std::uint32_t i = 0; i < kMaxObjects; ++i) {
    const ObjectRecord& record = layout_->records[i];
    if (record.state.load() == State::alive && record.id.load() == id &&
        record.kind.load() == static_cast<std::uint32_t>(kind))
      return i;
  }
  return {};
}

bool ObjectTable::needed(std::uint32_t index) const {
  const ObjectRecord& record = layout_->records[index];
  return record.uses.load() != 0 ||
         std::ranges::any_of(record.open_in, [](const auto& bits) { return bits.load() != 0; });
}

bool ObjectTable::retire(std::uint32_t index) {
  ObjectRecord& record = layout_->records[index];
  if (record.state.load() != State::alive || needed(index)) return false;
  record.owner = region_.word();
  record.state = State::going;
  return true;
}

void ObjectTable::bury(std::uint32_t index) {
  if (on_gone) on_gone(view(index));
  layout_->records[index].state = State::free;
}

Result<ObjectView> ObjectTable::add(ObjectKind kind, Offset block) {
  if (!lock())
    return std::unexpected(
        Error{Code::limit, EBUSY, "the object table is held by another process"});
  std::uint32_t index = 0;
  while (index < kMaxObjects && layout_->records[index].state.load() != State::free) ++index;
  if (index == kMaxObjects) {
    unlock();
    return std::unexpected(
        Error{Code::limit, ENOSPC, text("the machine has {} objects already", kMaxObjects)});
  }
  ObjectRecord& record = layout_->records[index];
  const auto which = static_cast<std::uint32_t>(kind);
  record.kind = which;
  record.id = layout_->last_id[which].fetch_add(1) + 1;
  record.uses = 0;
  for (auto& bits : record.open_in) bits = 0;
  const unsigned slot = region_.process_slot();
  record.open_in[slot / 64] = std::uint64_t{1} << slot % 64;
  record.block = static_cast<std::uint64_t>(block);
  // The order matters to whoever repairs: a block that is alive twice would be freed twice, one
  // that nobody knows goes with this process.
  record.state = State::alive;
  region_.publish(block);
  open_here_[index] = 1;
  unlock();
  return view(index);
}

std::optional<ObjectView> ObjectTable::open(ObjectKind kind, std::uint32_t id) {
  if (!lock()) return {};
  const auto index = find(kind, id);
  if (index) {
    const unsigned slot = region_.process_slot();
    layout_->records[*index].open_in[slot / 64] |= std::uint64_t{1} << slot % 64;
    ++open_here_[*index];
  }
  unlock();
  return index ? std::optional(view(*index)) : std::nullopt;
}

void ObjectTable::close(ObjectIndex which) {
  const auto index = static_cast<std::uint32_t>(which);
  if (!lock()) return;
  bool retired = false;
  const auto times = open_here_.find(index);
  if (times != open_here_.end() && --times->second == 0) {
    open_here_.erase(times);
    const unsigned slot = region_.process_slot();
    layout_->records[index].open_in[slot / 64] &= ~(std::uint64_t{1} << slot % 64);
    retired = retire(index);
  }
  unlock();
  if (retired) bury(index);
}

bool ObjectTable::use(ObjectKind kind, std::uint32_t id) {
  if (!lock()) return false;
  const auto index = find(kind, id);
  if (index) ++layout_->records[*index].uses;
  unlock();
  return index.has_value();
}

void ObjectTable::disuse(ObjectKind kind, std::uint32_t id) {
  if (!lock()) return;
  const auto index = find(kind, id);
  bool retired = false;
  if (index && layout_->records[*index].uses.load() != 0) {
    --layout_->records[*index].uses;
    retired = retire(*index);
  }
  unlock();
  if (retired) bury(*index);
}

std::optional<std::uint32_t> ObjectTable::next(ObjectKind kind, std::uint32_t after) {
  std::optional<std::uint32_t> best;
  for (const ObjectRecord& record : layout_->records) {
    const std::uint32_t id = record.id.load();
    if (record.state.load() == State::alive &&
        record.kind.load() == static_cast<std::uint32_t>(kind) && id > after)
      best = std::min(best.value_or(id), id);
  }
  return best;
}

unsigned ObjectTable::references(ObjectIndex index) {
  const ObjectRecord& record = layout_->records[static_cast<std::uint32_t>(index)];
  unsigned count = record.uses.load();
  for (const auto& bits : record.open_in)
    count += static_cast<unsigned>(__builtin_popcountll(bits.load()));
  return count;
}

std::vector<ObjectView> ObjectTable::all(ObjectKind kind) {
  std::vector<ObjectView> found;
  for (std::uint32_t i = 0; i < kMaxObjects; ++i)
    if (layout_->records[i].state.load() == State::alive &&
        layout_->records[i].kind.load() == static_cast<std::uint32_t>(kind))
      found.push_back(view(i));
  return found;
}

void ObjectTable::forget_process(unsigned slot, std::vector<std::uint32_t>& retired) {
  const maps::HolderWord word = region_.process_word(slot);
  for (std::uint32_t i = 0; i < kMaxObjects; ++i) {
    ObjectRecord& record = layout_->records[i];
    if (record.state.load() == State::going && record.owner.load() == word) {
      record.owner = region_.word();
      retired.push_back(i);
    }
    const std::uint64_t bit = std::uint64_t{1} << slot % 64;
    if (record.state.load() != State::alive || (record.open_in[slot / 64].load() & bit) == 0)
      continue;
    // It may have died between the two steps of `add`.
    region_.publish(Offset{record.block.load()});
    record.open_in[slot / 64] &= ~bit;
    if (retire(i)) retired.push_back(i);
  }
}

void ObjectTable::reap() {
  std::vector<std::uint32_t> retired;
  region_.reap([&](unsigned slot) {
    if (!lock()) return;
    forget_process(slot, retired);
    unlock();
  });
  for (const std::uint32_t index : retired) bury(index);
}

}  // namespace skep::machine
