// SPDX-License-Identifier: Apache-2.0
#include "maps/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "abi/map_types.h"

namespace skep::maps {

namespace {

constexpr std::uint64_t kPage = ArenaMap::kPage;
constexpr std::uint64_t kMaxArenaBytes = std::uint64_t{4} << 30;
constexpr std::uint64_t kBitmapAt = 64;

std::uint64_t base_offset(const MapSpec& spec) {
  const std::uint64_t bitmap = (std::uint64_t{spec.max_entries} + 63) / 64 * 8;
  return (kBitmapAt + bitmap + kPage - 1) / kPage * kPage;
}

// A pointer's low half must not wrap inside of the arena.
bool low_half_wraps(std::uint64_t start, std::uint64_t bytes) {
  return start >> 32 != (start + bytes - 1) >> 32;
}

}  // namespace

long check_arena(MapSpec& spec, unsigned) {
  const std::uint32_t known =
      abi::BPF_F_MMAPABLE | abi::BPF_F_SEGV_ON_FAULT | abi::BPF_F_NO_USER_CONV;
  if (spec.key_bytes != 0 || spec.value_bytes != 0 || spec.max_entries == 0) return -EINVAL;
  if ((spec.flags & ~known) != 0 || (spec.flags & abi::BPF_F_MMAPABLE) == 0) return -EINVAL;
  if (spec.extra % kPage != 0) return -EINVAL;
  const std::uint64_t bytes = spec.max_entries * kPage;
  if (bytes > kMaxArenaBytes) return -E2BIG;
  return low_half_wraps(spec.extra, bytes) ? -ERANGE : 0;
}

std::optional<std::uint64_t> arena_bytes(const MapSpec& spec, unsigned) {
  return base_offset(spec) + spec.max_entries * kPage;
}

std::unique_ptr<Map> open_arena(const MapInit& init) { return std::make_unique<ArenaMap>(init); }

ArenaMap::ArenaMap(const MapInit& init) : Map(init), base_(memory_ + base_offset(spec_)) {
  if (init.fresh) header().user_start.store(spec_.extra);
}

std::atomic<std::uint64_t>& ArenaMap::word(std::uint32_t page) const {
  return reinterpret_cast<std::atomic<std::uint64_t>*>(memory_ + kBitmapAt)[page / 64];
}

bool ArenaMap::used(std::uint32_t page) const {
  return (word(page).load(std::memory_order_relaxed) >> (page % 64) & 1) != 0;
}

bool ArenaMap::any_used(std::uint32_t page, std::uint32_t count) const {
  for (std::uint32_t i = 0; i < count; ++i)
    if (used(page + i)) return true;
  return false;
}

void ArenaMap::mark(std::uint32_t page, std::uint32_t count, bool used) const {
  for (std::uint32_t i = page; i < page + count; ++i) {
    const std::uint64_t bit = std::uint64_t{1} << (i % 64);
    if (used)
      word(i).fetch_or(bit, std::memory_order_relaxed);
    else
      word(i).fetch_and(~bit, std::memory_order_relaxed);
  }
}

std::uint32_t ArenaMap::find(std::uint32_t from, std::uint32_t count) const {
  const std::uint32_t all = spec_.max_entries;
  std::uint32_t run = 0;
  for (std::uint32_t page = from; page < all; ++page) {
    if (page % 64 == 0 && run == 0 && word(page).load(std::memory_order_relaxed) == UINT64_MAX) {
      page += 63;
      continue;
    }
    run = used(page) ? 0 : run + 1;
    if (run == count) return page + 1 - count;
  }
  return all;
}

std::uint64_t ArenaMap::user_start() const {
  const std::uint64_t start = header().user_start.load(std::memory_order_relaxed);
  return start % kPage != 0 || low_half_wraps(start, arena_bytes()) ? 0 : start;
}

long ArenaMap::set_user_start(std::uint64_t address) {
  if (address % kPage != 0) return -EINVAL;
  if (low_half_wraps(address, arena_bytes())) return -ERANGE;
  std::uint64_t before = 0;
  if (header().user_start.compare_exchange_strong(before, address)) return 0;
  return before == address ? 0 : -EBUSY;
}

std::optional<std::uint32_t> ArenaMap::page_of(std::uint64_t address, std::uint32_t count) const {
  const auto low = static_cast<std::uint32_t>(address - user_start());
  const auto page = static_cast<std::uint32_t>(low / kPage);
  if (count > spec_.max_entries || page > spec_.max_entries - count) return std::nullopt;
  return page;
}

std::byte* ArenaMap::resolve(std::uint64_t pointer, std::uint64_t bytes) const {
  const auto low = static_cast<std::uint32_t>(pointer - user_start());
  if (low > arena_bytes() || bytes > arena_bytes() - low) return nullptr;
  return base_ + low;
}

std::uint64_t ArenaMap::allocate(std::uint64_t address, std::uint32_t pages) {
  const std::uint32_t all = spec_.max_entries;
  if (pages == 0 || pages > all || address % kPage != 0) return 0;
  const QuickGuard guard(header().lock, region_);
  if (!guard.held()) return 0;
  std::uint32_t page = 0;
  if (address != 0) {
    const auto wanted = page_of(address, pages);
    if (!wanted || any_used(*wanted, pages)) return 0;
    page = *wanted;
  } else {
    page = find(std::min(header().hint.load(std::memory_order_relaxed), all), pages);
    if (page == all) page = find(0, pages);
    if (page == all) return 0;
    header().hint.store(page + pages, std::memory_order_relaxed);
  }
  mark(page, pages, true);
  return user_start() + page * kPage;
}

void ArenaMap::free(std::uint64_t address, std::uint32_t pages) {
  const auto page = page_of(address & ~(kPage - 1), 1);
  if (!page) return;
  pages = std::min(pages, spec_.max_entries - *page);
  if (pages == 0) return;
  const QuickGuard guard(header().lock, region_);
  if (!guard.held()) return;
  // Zero before anybody can have them again.
  std::byte* place = base_ + *page * kPage;
  if (madvise(place, pages * kPage, MADV_REMOVE) != 0) std::memset(place, 0, pages * kPage);
  mark(*page, pages, false);
  if (*page < header().hint.load(std::memory_order_relaxed))
    header().hint.store(*page, std::memory_order_relaxed);
}

long ArenaMap::reserve(std::uint64_t address, std::uint32_t pages) {
  if (pages == 0) return 0;
  const auto page = page_of(address, pages);
  if (!page || address % kPage != 0) return -EINVAL;
  const QuickGuard guard(header().lock, region_);
  if (!guard.held() || any_used(*page, pages)) return -EBUSY;
  mark(*page, pages, true);
  return 0;
}

std::uint32_t ArenaMap::pages_in_use() const {
  std::uint32_t count = 0;
  for (std::uint32_t page = 0; page < spec_.max_entries; ++page) count += used(page) ? 1 : 0;
  return count;
}

long ArenaMap::read(const Caller&, const void*, void*, std::uint64_t) { return -EINVAL; }
long ArenaMap::update(const Caller&, const void*, const void*, std::uint64_t) {
  return -EOPNOTSUPP;
}
long ArenaMap::erase(const Caller&, const void*) { return -EOPNOTSUPP; }
long ArenaMap::push(const Caller&, const void*, std::uint64_t) { return -EOPNOTSUPP; }
long ArenaMap::pop(const Caller&, void*) { return -EOPNOTSUPP; }
long ArenaMap::peek(const Caller&, void*) { return -EOPNOTSUPP; }
long ArenaMap::next_key(const Caller&, const void*, void*) { return -EOPNOTSUPP; }
long ArenaMap::freeze() { return -EBUSY; }

std::uint64_t ArenaMap::direct_value(std::uint32_t offset) {
  return offset > arena_bytes() ? 0 : user_start();
}

long ArenaMap::pages(std::uint64_t offset, std::uint64_t bytes, bool, Pages& out) {
  if (offset != 0) return -EINVAL;
  if (bytes > arena_bytes()) return -E2BIG;
  out = {.offset = static_cast<std::uint64_t>(block_) + base_offset(spec_), .bytes = bytes};
  return 0;
}

}  // namespace skep::maps
