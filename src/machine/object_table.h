// SPDX-License-Identifier: Apache-2.0
// The machine's objects (maps, programs, links, BTF) as the Region holds them: ids, and who still
// needs each. An object lives while a process has it open, or while something in the Region refers
// to it (a pin, a link, an element of another map, a program). What the object is, stands in a
// block of its own that the layers above lay out.
//
// One lock guards the table; reaping a dead process closes what it had open. Any thread.
#pragma once

#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "maps/map.h"

namespace skep::machine {

using maps::ObjectKind;
using maps::Offset;
using maps::Region;

inline constexpr unsigned kObjectKinds = 4;
inline constexpr std::uint32_t kMaxObjects = 16384;

// Where an object stands in the table; good as long as the caller has it open.
enum class ObjectIndex : std::uint32_t {};

struct ObjectView {
  ObjectIndex index{};
  ObjectKind kind{};
  std::uint32_t id = 0;
  Offset block{};
};

struct ObjectTableLayout;

class ObjectTable {
 public:
  // The table of that Region, made if there is none yet.
  [[nodiscard]] static Result<std::unique_ptr<ObjectTable>> open(Region& region);
  ObjectTable(const ObjectTable&) = delete;
  ObjectTable& operator=(const ObjectTable&) = delete;
  ~ObjectTable();

  // Called, without the lock, for an object that nobody needs any more; it frees the block.
  std::function<void(const ObjectView&)> on_gone;

  // A new object over a block that is published with it; open in this process.
  [[nodiscard]] Result<ObjectView> add(ObjectKind kind, Offset block);
  // Opens it once more; nothing when no such object lives.
  [[nodiscard]] std::optional<ObjectView> open(ObjectKind kind, std::uint32_t id);
  void close(ObjectIndex index);

  // References from inside the Region. `use` fails when no such object lives.
  [[nodiscard]] bool use(ObjectKind kind, std::uint32_t id);
  void disuse(ObjectKind kind, std::uint32_t id);

  // The smallest living id above `after`.
  [[nodiscard]] std::optional<std::uint32_t> next(ObjectKind kind, std::uint32_t after);
  // References of both sorts, for people.
  [[nodiscard]] unsigned references(ObjectIndex index);
  [[nodiscard]] std::vector<ObjectView> all(ObjectKind kind);

  // Closes what processes that died had open.
  void reap();

 private:
  ObjectTable(Region& region, ObjectTableLayout* layout) : region_(region), layout_(layout) {}
  [[nodiscard]] bool lock();
  void unlock();
  [[nodiscard]] std::optional<std::uint32_t> find(ObjectKind kind, std::uint32_t id) const;
  [[nodiscard]] bool needed(std::uint32_t index) const;
  [[nodiscard]] ObjectView view(std::uint32_t index) const;
  // Takes it out of sight if nobody needs it; the caller then calls on_gone without the lock.
  [[nodiscard]] bool retire(std::uint32_t index);
  void bury(std::uint32_t index);
  void forget_process(unsigned slot, std::vector<std::uint32_t>& retired);

  Region& region_;
  ObjectTableLayout* layout_;
  std::unordered_map<std::uint32_t, unsigned> open_here_;  // how often, guarded by the lock
};

}  // namespace skep::machine
