// SPDX-License-Identifier: Apache-2.0
#include "maps/region.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "maps/cpus.h"
#include "maps/region_header.h"

namespace skep::maps {

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kGrowBytes = std::uint64_t{1} << 20;
// Blocks of odd sizes are reused for the same size alone, so there are more addresses than bytes.
constexpr std::uint64_t kSpanPerLimit = 8;
constexpr std::uint64_t kMaxLimit = std::uint64_t{1} << 40;
constexpr std::uint64_t kMinLimit = std::uint64_t{1} << 16;
// Above this, giving pages back to the system is cheaper than writing zeros.
constexpr std::uint64_t kPunchBytes = std::uint64_t{1} << 16;

constexpr std::chrono::milliseconds kLockTurn{1};

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t to) {
  return (value + to - 1) / to * to;
}

// The sum of two offsets; 0, which is nowhere, when it is more than `end`.
constexpr std::uint64_t sum_within(std::uint64_t a, std::uint64_t b, std::uint64_t end) {
  return a <= end && b <= end - a ? a + b : 0;
}

// Few sizes, so that a freed block finds another use: powers of two, and eighths between them.
std::uint64_t class_bytes(std::uint64_t bytes) {
  if (bytes <= 64) return 64;
  const std::uint64_t power = std::uint64_t{1} << (63 - __builtin_clzll(bytes - 1) + 1);
  if (power <= kPage) return power;
  return round_up(bytes, std::max(kPage, power / 16));
}

// What the table says may be anything; what is built on a block relies on where it can begin.
bool may_begin_block(Offset offset) {
  const auto begin = static_cast<std::uint64_t>(offset);
  return begin >= kHeapBegin && begin % 64 == 0;
}

// OFD locks hold for an open file, whichever thread or process asks; the bytes lie far behind all
// data. Each slot has two: that its process lives, and, kProcesses bytes on, that it is being
// reaped.
struct flock byte_lock(unsigned slot, short type) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = (off_t{1} << 48) + slot;
  lock.l_len = 1;
  return lock;
}

std::unexpected<Error> no_memory(std::uint64_t bytes, std::uint64_t used, std::uint64_t limit) {
  return std::unexpected(
      Error{.code = Code::limit,
            .sys = ENOMEM,
            .what = text("{} bytes more would exceed the region's limit: {} of {} are in use",
                         bytes, used, limit)});
}

Result<Fd> sealed_memfd() {
  Fd fd(memfd_create("skep", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return std::unexpected(system_error("cannot make a memfd", errno));
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK) != 0)
    return std::unexpected(system_error("cannot seal a memfd", errno));
  return fd;
}

// Whether nobody else can take away bytes that are mapped here, which would end this process.
bool stays_long(int fd) {
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals >= 0 && ((seals & F_SEAL_SHRINK) != 0 || ::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0))
    return true;
  struct stat info{};
  return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() &&
         (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// Others hold this lock while they write a header and no longer; a hostile one could for ever.
bool lock_file(int fd) {
  for (unsigned i = 0; i < kPatience / kLockTurn; ++i) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK && errno != EINTR) return false;
    std::this_thread::sleep_for(kLockTurn);
  }
  errno = EBUSY;
  return false;
}

std::unexpected<Error> refuse(Code code, int sys, std::string_view what) {
  return std::unexpected(Error{.code = code, .sys = sys, .what = std::string(what)});
}

}  // namespace

Result<std::unique_ptr<Region>> Region::create(const RegionOptions& options) {
  std::unique_ptr<Region> region(new Region);
  region->fd_ = SKEP_TRY(sealed_memfd());
  (void)SKEP_TRY(region->map(options.limit_bytes));
  (void)SKEP_TRY(region->start(options));
  region->word_ = 1U << 8;
  region->header_->processes[0].word = region->word_;
  return region;
}

Result<std::unique_ptr<Region>> Region::create_shared(const RegionOptions& options) {
  auto fd = SKEP_TRY(sealed_memfd());
  return from_file(std::move(fd), true, options);
}

Result<std::unique_ptr<Region>> Region::attach(Fd fd) {
  return from_file(std::move(fd), false, {});
}

Result<std::unique_ptr<Region>> Region::open(const std::string& path,
                                             const RegionOptions& options) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return std::unexpected(system_error(text("cannot open {}", path), errno));
  struct stat info{};
  if (fstat(fd.get(), &info) != 0)
    return std::unexpected(system_error(text("cannot look at {}", path), errno));
  if (!S_ISREG(info.st_mode) || info.st_uid != geteuid())
    return refuse(Code::denied, EPERM, text("{} is not a file of this user", path));
  return in(path, from_file(std::move(fd), true, options));
}

Result<std::unique_ptr<Region>> Region::from_file(Fd fd, bool make, const RegionOptions& options) {
  if (!stays_long(fd.get()))
    return refuse(Code::denied, EPERM, "not a region: others could cut off its memory");
  std::unique_ptr<Region> region(new Region);
  region->fd_ = std::move(fd);
  // A description of its own: locks on it end with this process, even if others hold the same file.
  region->life_ = Fd(::open(text("/proc/self/fd/{}", region->fd()).c_str(), O_RDWR | O_CLOEXEC));
  if (!region->life_)
    return std::unexpected(system_error("cannot open the region once more through /proc", errno));
  // Whoever comes first writes the header while the others wait here.
  if (!lock_file(region->life_.get()))
    return std::unexpected(system_error("cannot lock the region's file", errno));
  Status status = region->settle(make, options);
  ::flock(region->life_.get(), LOCK_UN);
  (void)SKEP_TRY(std::move(status));
  return region;
}

Status Region::settle(bool make, const RegionOptions& options) {
  Preface preface{};
  const ssize_t got = ::pread(fd(), &preface, sizeof(preface), 0);
  const bool made = got == sizeof(preface) && preface.magic == kMagic;
  // A file of that size whose header was not finished is taken over from a process that died.
  struct stat info{};
  const bool blank = fstat(fd(), &info) == 0 && preface.magic == 0 &&
                     (info.st_size == 0 || info.st_size == off_t{kHeapBegin});
  if (!made && (!make || !blank)) return refuse(Code::invalid, EINVAL, "not a region: no header");
  if (made && preface.version != kVersion)
    return refuse(Code::unsupported, EINVAL,
                  text("region of version {}, this program knows {}", preface.version, kVersion));
  (void)SKEP_TRY(map(made ? preface.limit_bytes : options.limit_bytes));
  if (made)
    (void)SKEP_TRY(join());
  else
    (void)SKEP_TRY(start(options));
  return claim_process();
}

Status Region::map(std::uint64_t limit_bytes) {
  if (limit_bytes < kMinLimit || limit_bytes > kMaxLimit)
    return fail(Code::invalid, "a region holds {} bytes to {} bytes, not {}", kMinLimit, kMaxLimit,
                limit_bytes);
  limit_bytes_ = limit_bytes;
  span_bytes_ = kHeapBegin + limit_bytes * kSpanPerLimit;
  void* base =
      mmap(nullptr, span_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd_.get(), 0);
  if (base == MAP_FAILED)
    return std::unexpected(
        system_error(text("cannot reserve {} bytes of addresses", span_bytes_), errno));
  base_ = static_cast<std::byte*>(base);
  header_ = reinterpret_cast<RegionHeader*>(base_);
  return {};
}

Status Region::start(const RegionOptions& options) {
  (void)SKEP_TRY(grow(kHeapBegin));
  cpus_ = options.cpus != 0 ? options.cpus : possible_cpus();
  if (cpus_ > kMaxCpus) return fail(Code::limit, "{} CPUs, this build knows {}", cpus_, kMaxCpus);
  header_->preface = {.magic = 0, .version = kVersion, .cpus = cpus_, .limit_bytes = limit_bytes_};
  std::atomic_thread_fence(std::memory_order_release);
  header_->preface.magic = kMagic;
  return {};
}

Status Region::join() {
  if (!refresh(kHeapBegin)) return fail(Code::invalid, "not a region: truncated");
  cpus_ = header_->preface.cpus;
  if (cpus_ == 0 || cpus_ > kMaxCpus)
    return fail(Code::invalid, "region with {} CPUs, expected 1 to {}", cpus_, kMaxCpus);
  return {};
}

Status Region::claim_process() {
  for (unsigned slot = 0; slot < kProcesses; ++slot) {
    ProcessSlot& process = header_->processes[slot];
    // A slot that a dead process left behind has to be reaped first.
    if (process.live.load() != 0 || !lock_slot(slot, true)) continue;
    const std::uint32_t generation = ((process.word.load() >> 8) + 1) & 0x7f'ffff;
    word_ = slot | std::max(generation, 1U) << 8;
    process.word = word_;
    process.pid = static_cast<std::uint32_t>(getpid());
    process.live = 1;
    return {};
  }
  return refuse(Code::limit, EAGAIN, text("{} processes use this region already", kProcesses));
}

Region::~Region() {
  if (base_ == nullptr) return;
  // A forked child that leaves first takes nothing away from its parent.
  if (life_ && word_ != 0 &&
      header_->processes[process_slot()].pid.load() == static_cast<std::uint32_t>(getpid())) {
    drop_blocks_of(word_);
    header_->processes[process_slot()].live = 0;
  }
  munmap(base_, span_bytes_);
}

Status Region::grow(std::uint64_t end) {
  if (end > span_bytes_) return no_memory(end - span_bytes_, span_bytes_, span_bytes_);
  if (refresh(end)) return {};
  const std::uint64_t size = std::min(round_up(end, kGrowBytes), span_bytes_);
  // Growing only: nobody truncates to less than another has made.
  int status = EINTR;
  while (status == EINTR) status = posix_fallocate(fd_.get(), static_cast<off_t>(size - 1), 1);
  if (status != 0)
    return std::unexpected(system_error(text("cannot grow the region to {} bytes", size), ENOMEM));
  backed_ = size;
  return {};
}

bool Region::refresh(std::uint64_t end) {
  if (end <= backed_.load(std::memory_order_acquire)) return true;
  struct stat info{};
  if (fstat(fd_.get(), &info) != 0) return false;
  const std::uint64_t size =
      std::min<std::uint64_t>(static_cast<std::uint64_t>(info.st_size), span_bytes_);
  std::uint64_t known = backed_.load();
  while (known < size && !backed_.compare_exchange_weak(known, size)) {
  }
  return end <= size;
}

std::byte* Region::at(Offset offset, std::uint64_t bytes) {
  const auto begin = static_cast<std::uint64_t>(offset);
  if (begin == 0 || begin > span_bytes_ || bytes > span_bytes_ - begin) return nullptr;
  return refresh(begin + bytes) ? base_ + begin : nullptr;
}

Status Region::mirror(Offset block, std::uint64_t from, std::uint64_t bytes) {
  const auto begin = sum_within(static_cast<std::uint64_t>(block), from, span_bytes_);
  std::byte* place = bytes <= span_bytes_ / 2 ? at(Offset{begin}, 2 * bytes) : nullptr;
  if (place == nullptr) return fail(Code::invalid, "mirrored bytes lie outside the region");
  return map_at(place + bytes, begin, bytes);
}

void Region::unmirror(Offset block, std::uint64_t from, std::uint64_t bytes) {
  const auto begin = sum_within(static_cast<std::uint64_t>(block), from, span_bytes_);
  if (bytes > span_bytes_ / 2 || at(Offset{begin}, 2 * bytes) == nullptr) return;
  SKEP_ASSERT(map_at(base_ + begin + bytes, begin + bytes, bytes).has_value());
}

Status Region::map_at(std::byte* place, std::uint64_t file_offset, std::uint64_t bytes) {
  const void* made =
      mmap(place, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd(),
           static_cast<off_t>(file_offset));
  if (made == MAP_FAILED) return std::unexpected(system_error("cannot map a ring twice", errno));
  return {};
}

bool Region::holds_blocks(std::uint64_t address, std::uint64_t bytes) const {
  const auto first = reinterpret_cast<std::uintptr_t>(base_) + kHeapBegin;
  const auto end =
      reinterpret_cast<std::uintptr_t>(base_) + backed_.load(std::memory_order_relaxed);
  return address >= first && address <= end && bytes <= end - address;
}

unsigned Region::block_count() const {
  return std::min(header_->block_count.load(std::memory_order_acquire), kBlocks);
}

int Region::find_block(Offset block) const {
  for (unsigned i = 0; i < block_count(); ++i)
    if (header_->blocks[i].offset.load(std::memory_order_relaxed) ==
        static_cast<std::uint64_t>(block))
      return static_cast<int>(i);
  return -1;
}

Result<Offset> Region::allocate(std::uint64_t bytes) {
  if (bytes > limit_bytes_) return no_memory(bytes, use().used_bytes, limit_bytes_);
  const std::uint64_t rounded = class_bytes(bytes);
  const Guard guard(header_->heap_lock, *this);
  if (guard.busy())
    return refuse(Code::limit, EBUSY, "the region's heap is held by another process");
  const std::uint64_t used = use().used_bytes;
  if (rounded > limit_bytes_ || used > limit_bytes_ - rounded)
    return no_memory(bytes, used, limit_bytes_);
  auto block = reuse(rounded);
  return block ? block : extend(rounded);
}

Result<Offset> Region::reuse(std::uint64_t bytes) {
  for (unsigned i = 0; i < block_count(); ++i) {
    Block& block = header_->blocks[i];
    if (block.state.load() != BlockState::free || block.bytes.load() != bytes) continue;
    const Offset offset{block.offset.load()};
    if (!may_begin_block(offset) || at(offset, bytes) == nullptr) continue;
    block.holder = word_;
    block.state = BlockState::held;
    clear(offset, bytes);
    return offset;
  }
  return fail(Code::not_found, "no free block of {} bytes", bytes);
}

Result<Offset> Region::extend(std::uint64_t bytes) {
  const unsigned count = block_count();
  if (count == kBlocks)
    return refuse(Code::limit, ENOMEM, text("the region has {} blocks already", kBlocks));
  std::uint64_t begin = kHeapBegin;
  if (count != 0) {
    const Block& last = header_->blocks[count - 1];
    if (__builtin_add_overflow(last.offset.load(), last.bytes.load(), &begin) ||
        begin < kHeapBegin || begin > span_bytes_)
      return fail(Code::invalid, "the region's heap is damaged: block {} lies outside", count - 1);
  }
  begin = round_up(begin, bytes >= kPage ? kPage : 64);
  (void)SKEP_TRY(grow(begin + bytes));
  Block& block = header_->blocks[count];
  block.offset = begin;
  block.bytes = bytes;
  block.holder = word_;
  block.state = BlockState::held;
  // The block exists from here on; before, a death leaves nothing behind.
  header_->block_count.store(count + 1, std::memory_order_release);
  return Offset{begin};
}

void Region::clear(Offset block, std::uint64_t bytes) {
  std::byte* place = at(block, bytes);
  if (place == nullptr) return;
  // By the file and not by addresses: these may show other bytes, where a ring was mirrored.
  if (bytes >= kPunchBytes && ::fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                          static_cast<off_t>(static_cast<std::uint64_t>(block)),
                                          static_cast<off_t>(bytes)) == 0)
    return;
  std::memset(place, 0, bytes);
}

void Region::publish(Offset block) {
  const int index = find_block(block);
  if (index >= 0) header_->blocks[index].state = BlockState::published;
}

void Region::unpublish(Offset block) {
  const int index = find_block(block);
  if (index < 0) return;
  header_->blocks[index].holder = word_;
  header_->blocks[index].state = BlockState::held;
}

void Region::free(Offset block) {
  const int index = find_block(block);
  if (index >= 0) release_block(static_cast<unsigned>(index));
}

void Region::release_block(unsigned index) {
  Block& block = header_->blocks[index];
  const std::uint64_t bytes = block.bytes.load();
  if (bytes >= kPunchBytes) clear(Offset{block.offset.load()}, bytes);
  block.state = BlockState::free;
}

std::uint64_t Region::block_bytes(Offset block) const {
  const int index = find_block(block);
  if (index < 0 || !may_begin_block(block) ||
      header_->blocks[index].state.load() != BlockState::published)
    return 0;
  return header_->blocks[index].bytes.load();
}

void Region::drop_blocks_of(HolderWord word) {
  for (unsigned i = 0; i < block_count(); ++i) {
    const Block& block = header_->blocks[i];
    if (block.state.load() == BlockState::held && block.holder.load() == word) release_block(i);
  }
}

Result<std::byte*> Region::root(unsigned which, std::uint64_t bytes) {
  SKEP_ASSERT(which < kRoots);
  std::atomic<std::uint64_t>& root = header_->roots[which];
  if (root.load() == 0) {
    const Offset fresh = SKEP_TRY(allocate(bytes));
    publish(fresh);
    std::uint64_t none = 0;
    if (!root.compare_exchange_strong(none, static_cast<std::uint64_t>(fresh))) free(fresh);
  }
  const Offset block{root.load()};
  std::byte* place = static_cast<std::uint64_t>(block) % 64 == 0 ? at(block, bytes) : nullptr;
  if (place == nullptr || block_bytes(block) < bytes)
    return fail(Code::invalid, "the region is damaged: its root {} is no block", which);
  return place;
}

Lock& Region::cpu_lock(unsigned cpu) {
  SKEP_ASSERT(cpu < kMaxCpus);
  return header_->cpus[cpu].lock;
}

RegionUse Region::use() const {
  RegionUse use{.limit_bytes = limit_bytes_};
  for (unsigned i = 0; i < block_count(); ++i) {
    if (header_->blocks[i].state.load() == BlockState::free) continue;
    use.used_bytes += header_->blocks[i].bytes.load();
    ++use.blocks;
  }
  for (const ProcessSlot& process : header_->processes)
    if (process.live.load() != 0 || !shared()) ++use.processes;
  if (!shared()) use.processes = 1;
  return use;
}

HolderWord Region::process_word(unsigned slot) const {
  return slot < kProcesses ? header_->processes[slot].word.load() & ~Lock::kWaiters : 0;
}

bool Region::locked_by_other(unsigned slot) const {
  struct flock lock = byte_lock(slot, F_WRLCK);
  return ::fcntl(life_.get(), F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

bool Region::lock_slot(unsigned slot, bool hold) {
  struct flock lock = byte_lock(slot, hold ? F_WRLCK : F_UNLCK);
  return ::fcntl(life_.get(), F_OFD_SETLK, &lock) == 0;
}

bool Region::lives(HolderWord word) const {
  if (word == word_) return true;
  if (!shared()) return false;
  const unsigned slot = word & 0xff;
  return slot != process_slot() && process_word(slot) == word && locked_by_other(slot);
}

void Region::reap(const std::function<void(unsigned slot)>& dead) {
  if (!shared()) return;
  const std::lock_guard guard(reaping_);
  for (unsigned slot = 0; slot < kProcesses; ++slot) {
    ProcessSlot& process = header_->processes[slot];
    if (slot == process_slot() || process.live.load() == 0 || locked_by_other(slot)) continue;
    // Not the lock of the process itself: to others it would seem to live until it is reaped.
    const unsigned reaper = kProcesses + slot;
    if (!lock_slot(reaper, true)) continue;
    // Only now nobody else can reap it and hand the slot on.
    if (process.live.load() != 0 && !locked_by_other(slot)) {
      dead(slot);
      drop_blocks_of(process_word(slot));
      process.live = 0;
    }
    (void)lock_slot(reaper, false);
  }
}

}  // namespace skep::maps
