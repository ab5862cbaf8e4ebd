// SPDX-License-Identifier: Apache-2.0
// Hooks: named events in the Region, and the programs that are attached to each, in order. A name
// says what happens where: "raw_tracepoint/demo", "xdp/1", "cgroup/4026/egress". Attachments belong
// to a link, or stand for themselves (BPF_PROG_ATTACH). All processes of the machine see the same;
// who fires a hook asks `changes` whether what it knows is still so. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "machine/object_table.h"

namespace skep::machine {

inline constexpr unsigned kMaxAttachments = 4096;
inline constexpr unsigned kHookNameBytes = 104;

struct Attachment {
  std::string hook;
  std::uint32_t program = 0;
  std::uint32_t link = 0;  // 0: attached without one
  std::uint32_t flags = 0;
  std::int32_t priority = 0;
  std::uint64_t cookie = 0;
};

// Where among those already there; at the end if nothing is said.
struct Place {
  enum class Side : std::uint8_t { end, begin, before, after, by_priority };
  Side side = Side::end;
  std::uint32_t program = 0;  // the neighbour
  std::uint32_t link = 0;     // or by its link
  std::optional<std::uint64_t> revision{};
  unsigned room = 64;  // so many may be there in all
};

struct HooksLayout;

class Hooks {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Hooks>> open(Region& region, ObjectTable& objects);

  // Results are 0 or a negative errno. An attachment keeps its program alive.
  [[nodiscard]] long attach(const Attachment& attachment, const Place& place);
  // By the link, or by the program where there is none.
  [[nodiscard]] long detach(std::string_view hook, std::uint32_t program, std::uint32_t link);
  // Another program in the same place; `before` of 0 stands for any.
  [[nodiscard]] long replace(std::string_view hook, std::uint32_t link, std::uint32_t before,
                             std::uint32_t program);

  [[nodiscard]] std::vector<Attachment> list(std::string_view hook);
  // Of all hooks; goes up whenever something is attached, detached or replaced.
  [[nodiscard]] std::uint64_t changes() const;
  // Of one hook, from 1 on, as BPF_PROG_QUERY says it.
  [[nodiscard]] std::uint64_t revision(std::string_view hook);

 private:
  Hooks(Region& region, ObjectTable& objects, HooksLayout* layout)
      : region_(region), objects_(objects), layout_(layout) {}
  [[nodiscard]] std::vector<unsigned> find(std::string_view hook) const;
  [[nodiscard]] std::optional<std::size_t> index_for(const std::vector<unsigned>& there,
                                                     const Attachment& attachment,
                                                     const Place& place) const;
  void changed(std::string_view hook);

  Region& region_;
  ObjectTable& objects_;
  HooksLayout* layout_;
};

}  // namespace skep::machine
