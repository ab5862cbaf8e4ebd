// SPDX-License-Identifier: Apache-2.0
#include "maps/bloom_filter.h"

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>

#include "abi/map_types.h"
#include "maps/value_limits.h"

namespace skep::maps {

namespace {

constexpr std::uint64_t kHeaderBytes = 64;
constexpr std::uint32_t kMaxHashes = 15;
constexpr std::uint32_t kDefaultHashes = 5;

std::uint32_t hashes_of(const MapSpec& spec) {
  return spec.extra == 0 ? kDefaultHashes : static_cast<std::uint32_t>(spec.extra);
}

// Bits for one false answer as rare as so many hashes make it: entries * hashes / ln 2. As Linux,
// up to 2^32.
std::uint64_t bits_of(const MapSpec& spec) {
  const std::uint64_t wanted = std::uint64_t{spec.max_entries} * hashes_of(spec);
  if (wanted > UINT32_MAX) return std::uint64_t{1} << 32;
  const std::uint64_t bits = wanted / 5 * 7;
  if (bits > std::uint64_t{1} << 31) return std::uint64_t{1} << 32;
  return bits <= 64 ? 64 : std::bit_ceil(bits);
}

// Mixes any number of bytes into 64 bits.
std::uint64_t digest(const void* value, std::uint32_t bytes, std::uint64_t seed) {
  const auto* at = static_cast<const std::byte*>(value);
  std::uint64_t state = seed ^ kOddBits ^ bytes;
  std::uint64_t word = 0;
  for (; bytes >= 8; bytes -= 8, at += 8) {
    std::memcpy(&word, at, 8);
    state = mix(state ^ word, kMoreBits);
  }
  word = 0;
  std::memcpy(&word, at, bytes);
  return mix(state ^ word, kOddBits);
}

}  // namespace

long check_bloom_filter(MapSpec& spec, unsigned) {
  if (spec.value_bytes > kMaxAllocation) return -E2BIG;
  if (spec.key_bytes != 0 || spec.value_bytes == 0 || spec.max_entries == 0) return -EINVAL;
  if (!flags_known(spec.flags, abi::BPF_F_NUMA_NODE | abi::BPF_F_ZERO_SEED | kAccessFlags))
    return -EINVAL;
  return spec.extra > kMaxHashes ? -EINVAL : 0;
}

std::optional<std::uint64_t> bloom_filter_bytes(const MapSpec& spec, unsigned) {
  return kHeaderBytes + bits_of(spec) / 8;
}

std::unique_ptr<Map> open_bloom_filter(const MapInit& init) {
  return std::make_unique<BloomFilterMap>(init);
}

BloomFilterMap::BloomFilterMap(const MapInit& init)
    : Map(init), mask_(bits_of(spec_) - 1), hashes_(hashes_of(spec_)) {
  if (init.fresh && (spec_.flags & abi::BPF_F_ZERO_SEED) == 0)
    store_relaxed(memory_, std::uint64_t{world_.random()} << 32 | world_.random());
  seed_ = load_relaxed<std::uint64_t>(memory_);
}

template <class Each>
bool BloomFilterMap::for_bits(const void* value, Each each) const {
  auto* words = reinterpret_cast<std::atomic<std::uint64_t>*>(memory_ + kHeaderBytes);
  std::uint64_t hash = digest(value, spec_.value_bytes, seed_);
  const std::uint64_t step = mix(hash, kMoreBits) | 1;
  for (std::uint32_t i = 0; i < hashes_; ++i, hash += step) {
    const std::uint64_t bit = (hash >> 32) & mask_;
    if (!each(words[bit / 64], std::uint64_t{1} << (bit % 64))) return false;
  }
  return true;
}

long BloomFilterMap::push(const Caller&, const void* value, std::uint64_t flags) {
  if (flags != abi::BPF_ANY) return -EINVAL;
  (void)for_bits(value, [](std::atomic<std::uint64_t>& word, std::uint64_t bit) {
    if ((word.load(std::memory_order_relaxed) & bit) == 0)
      word.fetch_or(bit, std::memory_order_relaxed);
    return true;
  });
  return 0;
}

long BloomFilterMap::peek(const Caller&, void* value) {
  const bool all = for_bits(value, [](const std::atomic<std::uint64_t>& word, std::uint64_t bit) {
    return (word.load(std::memory_order_relaxed) & bit) != 0;
  });
  return all ? 0 : -ENOENT;
}

long BloomFilterMap::update(const Caller&, const void*, const void*, std::uint64_t) {
  return -EINVAL;
}
long BloomFilterMap::erase(const Caller&, const void*) { return -EOPNOTSUPP; }
long BloomFilterMap::pop(const Caller&, void*) { return -EOPNOTSUPP; }
long BloomFilterMap::next_key(const Caller&, const void*, void*) { return -EOPNOTSUPP; }

long BloomFilterMap::read(const Caller& caller, const void*, void* user_value, std::uint64_t) {
  return peek(caller, user_value);
}

long BloomFilterMap::write(const Caller& caller, const void*, const void* user_value,
                           std::uint64_t flags) {
  return push(caller, user_value, flags);
}

}  // namespace skep::maps
