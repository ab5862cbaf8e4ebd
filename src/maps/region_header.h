// SPDX-License-Identifier: Apache-2.0
// How the first bytes of a Region are laid out; region.cpp alone uses it. Everything here may be
// changed at any moment by whoever shares the Region.
#pragma once

#include <array>
#include <atomic>

#include "maps/region.h"

namespace skep::maps {

inline constexpr std::uint64_t kMagic = 0x3130'7065'6b73'2070;  // changes when the layout does
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint32_t kBlocks = 32768;

enum class BlockState : std::uint32_t {
  free,
  held,       // belongs to `holder` and goes with it
  published,  // belongs to the region
};

struct Block {
  std::atomic<std::uint64_t> offset;
  std::atomic<std::uint64_t> bytes;
  std::atomic<BlockState> state;
  std::atomic<std::uint32_t> holder;
};

struct ProcessSlot {
  std::atomic<std::uint32_t> word;
  std::atomic<std::uint32_t> live;
  std::atomic<std::uint32_t> pid;  // for people
};

struct alignas(64) CpuSlot {
  Lock lock;
};

struct Preface {
  std::uint64_t magic;  // written last
  std::uint32_t version;
  std::uint32_t cpus;
  std::uint64_t limit_bytes;
};

struct RegionHeader {
  Preface preface;
  Lock heap_lock;
  std::atomic<std::uint32_t> block_count;
  std::array<std::atomic<std::uint64_t>, kRoots> roots;
  std::array<ProcessSlot, kProcesses> processes;
  std::array<CpuSlot, kMaxCpus> cpus;
  std::array<Block, kBlocks> blocks;
};

inline constexpr std::uint64_t kHeapBegin = std::uint64_t{2} << 20;
static_assert(sizeof(RegionHeader) <= kHeapBegin);

}  // namespace skep::maps
