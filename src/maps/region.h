// SPDX-License-Identifier: Apache-2.0
// One range of addresses that holds everything which programs and processes share: maps, records of
// objects, CPU slots, locks. Positions in it are offsets, since each process sees it elsewhere. A
// memfd is behind it, which a private Region keeps for itself, or a file. It grows by touching more
// of the range, so nothing moves.
//
// What it holds is written by others, perhaps badly: `at` checks every offset against what this
// process knows to be there, and sizes that matter are remembered in the process, never read again.
// All functions may be called from any thread. A forked child goes on as its parent: while one of
// the two lives, the other's death is not noticed.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "maps/lock.h"

namespace skep::maps {

enum class Offset : std::uint64_t { none = 0 };

inline constexpr unsigned kProcesses = 256;
inline constexpr unsigned kMaxCpus = 512;
inline constexpr unsigned kRoots = 16;
inline constexpr std::uint64_t kDefaultLimit = std::uint64_t{4} << 30;

struct RegionOptions {
  std::uint64_t limit_bytes = kDefaultLimit;  // of all blocks together
  unsigned cpus = 0;                          // 0: as many as the host could have
};

struct RegionUse {
  std::uint64_t limit_bytes = 0;
  std::uint64_t used_bytes = 0;
  unsigned blocks = 0;
  unsigned processes = 0;
};

struct RegionHeader;

class Region final : public Holder {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Region>> create(const RegionOptions& options);
  // Sealed against shrinking, so that nobody can take memory away under a reader.
  [[nodiscard]] static Result<std::unique_ptr<Region>> create_shared(const RegionOptions& options);
  // What another process made: its memfd, or any file that one of these functions wrote.
  [[nodiscard]] static Result<std::unique_ptr<Region>> attach(Fd fd);
  // The Region of that file, made with mode 0600 if there is none.
  [[nodiscard]] static Result<std::unique_ptr<Region>> open(const std::string& path,
                                                            const RegionOptions& options);
  ~Region() override;

  // `bytes` zeroed bytes, aligned to 64, from one page on to 4096. Until `publish` they belong to
  // this process and go with it. Fails with ENOMEM at the limit.
  [[nodiscard]] Result<Offset> allocate(std::uint64_t bytes);
  void publish(Offset block);
  // Makes it this process's own again: the first half of giving back what others can reach.
  void unpublish(Offset block);
  void free(Offset block);
  // Size of a published block as the Region knows it; 0 if there is none at that place.
  [[nodiscard]] std::uint64_t block_bytes(Offset block) const;

  // Where an offset is in this process; nullptr when any of the bytes lies outside.
  [[nodiscard]] std::byte* at(Offset offset, std::uint64_t bytes);
  template <class T>
  [[nodiscard]] T* at(Offset offset, std::uint64_t count = 1) {
    std::uint64_t bytes = 0;
    if (__builtin_mul_overflow(count, sizeof(T), &bytes) ||
        static_cast<std::uint64_t>(offset) % alignof(T) != 0)
      return nullptr;
    return reinterpret_cast<T*>(at(offset, bytes));
  }
  // Shows the bytes at `block` + `from` once more behind their end, which must be within the block:
  // a ring without a seam. All on page borders.
  [[nodiscard]] Status mirror(Offset block, std::uint64_t from, std::uint64_t bytes);
  // Before the block is given back: its addresses show its own bytes again.
  void unmirror(Offset block, std::uint64_t from, std::uint64_t bytes);
  // Whether these are addresses of this process where blocks may be.
  [[nodiscard]] bool holds_blocks(std::uint64_t address, std::uint64_t bytes) const;

  // Sixteen blocks that the layers above find by number: made zeroed by whoever asks first. The
  // error says that the Region is full or damaged.
  [[nodiscard]] Result<std::byte*> root(unsigned which, std::uint64_t bytes);
  template <class T>
  [[nodiscard]] Result<T*> root(unsigned which) {
    auto block = root(which, sizeof(T));
    if (!block) return std::unexpected(std::move(block).error());
    return reinterpret_cast<T*>(*block);
  }

  [[nodiscard]] unsigned cpus() const { return cpus_; }
  [[nodiscard]] Lock& cpu_lock(unsigned cpu);
  [[nodiscard]] bool shared() const { return static_cast<bool>(life_); }
  // The memfd or file: for handing over, and for mmap of blocks.
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] RegionUse use() const;

  [[nodiscard]] bool lives(HolderWord word) const override;
  [[nodiscard]] unsigned process_slot() const { return word_ & 0xff; }
  // The word of whoever uses a process slot now or used it last; 0 if nobody ever did.
  [[nodiscard]] HolderWord process_word(unsigned slot) const;
  // Frees what dead processes allocated and never published, and calls `dead` for each of them,
  // once in all processes. Cheap when nobody died.
  void reap(const std::function<void(unsigned slot)>& dead);

 private:
  Region() = default;
  [[nodiscard]] static Result<std::unique_ptr<Region>> from_file(Fd fd, bool make,
                                                                 const RegionOptions& options);
  [[nodiscard]] Status settle(bool make, const RegionOptions& options);
  [[nodiscard]] Status map(std::uint64_t limit_bytes);
  [[nodiscard]] Status start(const RegionOptions& options);
  [[nodiscard]] Status join();
  [[nodiscard]] Status claim_process();
  [[nodiscard]] Status map_at(std::byte* place, std::uint64_t file_offset, std::uint64_t bytes);
  [[nodiscard]] Status grow(std::uint64_t end);
  [[nodiscard]] bool refresh(std::uint64_t end);
  [[nodiscard]] unsigned block_count() const;
  [[nodiscard]] int find_block(Offset block) const;
  [[nodiscard]] Result<Offset> reuse(std::uint64_t bytes);
  [[nodiscard]] Result<Offset> extend(std::uint64_t bytes);
  void clear(Offset block, std::uint64_t bytes);
  void release_block(unsigned index);
  void drop_blocks_of(HolderWord word);
  [[nodiscard]] bool locked_by_other(unsigned slot) const;
  [[nodiscard]] bool lock_slot(unsigned slot, bool hold);

  RegionHeader* header_ = nullptr;
  std::byte* base_ = nullptr;
  std::uint64_t span_bytes_ = 0;  // of the mapping
  std::uint64_t limit_bytes_ = 0;
  std::atomic<std::uint64_t> backed_{0};  // bytes that surely exist
  unsigned cpus_ = 0;
  Fd fd_;
  Fd life_;             // holds the byte lock that tells others that this process lives
  std::mutex reaping_;  // byte locks do not keep threads of one process apart
};

}  // namespace skep::maps
