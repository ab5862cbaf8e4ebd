// SPDX-License-Identifier: Apache-2.0
// BPF_MAP_TYPE_ARENA: pages that programs and user space share, with pointers that mean the same to
// both: a pointer's low 32 bits say where in the arena it is. Pages are given out by a bitmap, and
// are zero when they are; memory is taken by the system when it is touched.
//
// On Linux a page that was not given out faults in programs, and in user space comes into being.
// Here all pages of the range can be touched at any time, and touching one does not take it.
#pragma once

#include "maps/map.h"
#include "maps/quick_lock.h"

namespace skep::maps {

class ArenaMap final : public Map {
 public:
  static constexpr std::uint64_t kPage = 4096;

  explicit ArenaMap(const MapInit& init);

  // bpf_arena_alloc_pages: the user's address of `pages` pages, at `address` if that is not 0; 0
  // when there are none.
  [[nodiscard]] std::uint64_t allocate(std::uint64_t address, std::uint32_t pages);
  // bpf_arena_free_pages; what is not given out already stays so.
  void free(std::uint64_t address, std::uint32_t pages);
  // bpf_arena_reserve_pages: nobody gets them. -EBUSY when somebody has.
  [[nodiscard]] long reserve(std::uint64_t address, std::uint32_t pages);
  [[nodiscard]] std::uint32_t pages_in_use() const;

  // Where user space sees page 0: map_extra, or what the first mmap(2) settled. -EBUSY when it is
  // settled already to be elsewhere, -ERANGE when the low half would overflow.
  [[nodiscard]] long set_user_start(std::uint64_t address);
  [[nodiscard]] std::uint64_t user_start() const;
  // Where this process has the byte that a pointer means; nullptr outside of the arena.
  [[nodiscard]] std::byte* resolve(std::uint64_t pointer, std::uint64_t bytes) const;
  // For engines: page 0 in this process.
  [[nodiscard]] std::byte* base() const { return base_; }
  [[nodiscard]] std::uint64_t arena_bytes() const { return spec_.max_entries * kPage; }

  [[nodiscard]] long update(const Caller&, const void* key, const void* value,
                            std::uint64_t flags) override;
  [[nodiscard]] long erase(const Caller&, const void* key) override;
  [[nodiscard]] long push(const Caller&, const void* value, std::uint64_t flags) override;
  [[nodiscard]] long pop(const Caller&, void* value) override;
  [[nodiscard]] long peek(const Caller&, void* value) override;
  [[nodiscard]] long read(const Caller&, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long next_key(const Caller&, const void* key, void* next) override;
  [[nodiscard]] long freeze() override;
  [[nodiscard]] std::uint64_t direct_value(std::uint32_t offset) override;
  [[nodiscard]] long pages(std::uint64_t offset, std::uint64_t bytes, bool writable,
                           Pages& out) override;

 private:
  struct Header {
    QuickLock lock;
    std::atomic<std::uint32_t> hint;  // where to look first
    std::atomic<std::uint64_t> user_start;
  };

  [[nodiscard]] Header& header() const { return *reinterpret_cast<Header*>(memory_); }
  [[nodiscard]] std::atomic<std::uint64_t>& word(std::uint32_t page) const;
  [[nodiscard]] bool used(std::uint32_t page) const;
  [[nodiscard]] bool any_used(std::uint32_t page, std::uint32_t count) const;
  void mark(std::uint32_t page, std::uint32_t count, bool used) const;
  // First of `count` free pages; max_entries when there are none.
  [[nodiscard]] std::uint32_t find(std::uint32_t from, std::uint32_t count) const;
  // The page of a user's address; nothing when `count` pages from there leave the arena.
  [[nodiscard]] std::optional<std::uint32_t> page_of(std::uint64_t address,
                                                     std::uint32_t count) const;

  std::byte* base_;
};

[[nodiscard]] long check_arena(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> arena_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_arena(const MapInit& init);

}  // namespace skep::maps
