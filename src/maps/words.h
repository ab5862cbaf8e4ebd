// SPDX-License-Identifier: Apache-2.0
// Moves and compares bytes that others may be changing: in whole words where both sides allow it,
// so that what is aligned is never seen half. No order between them; who needs one has a lock or an
// index that is published.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace skep::maps {

constexpr std::uint64_t round8(std::uint64_t bytes) { return (bytes + 7) & ~std::uint64_t{7}; }

template <class Word>
Word load_relaxed(const std::byte* from) {
  return __atomic_load_n(reinterpret_cast<const Word*>(from), __ATOMIC_RELAXED);
}
template <class Word>
void store_relaxed(std::byte* to, Word word) {
  __atomic_store_n(reinterpret_cast<Word*>(to), word, __ATOMIC_RELAXED);
}

// Into shared memory at an 8-aligned place, from memory of the caller.
inline void store_words(std::byte* to, const void* from, std::size_t bytes) {
  const auto* source = static_cast<const std::byte*>(from);
  std::size_t at = 0;
  for (; at + 8 <= bytes; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, source + at, 8);
    store_relaxed(to + at, word);
  }
  if (at + 4 <= bytes) {
    std::uint32_t word = 0;
    std::memcpy(&word, source + at, 4);
    store_relaxed(to + at, word);
    at += 4;
  }
  for (; at < bytes; ++at) store_relaxed(to + at, static_cast<std::uint8_t>(source[at]));
}

// Out of shared memory at an 8-aligned place.
inline void load_words(void* to, const std::byte* from, std::size_t bytes) {
  auto* target = static_cast<std::byte*>(to);
  std::size_t at = 0;
  for (; at + 8 <= bytes; at += 8) {
    const auto word = load_relaxed<std::uint64_t>(from + at);
    std::memcpy(target + at, &word, 8);
  }
  if (at + 4 <= bytes) {
    const auto word = load_relaxed<std::uint32_t>(from + at);
    std::memcpy(target + at, &word, 4);
    at += 4;
  }
  for (; at < bytes; ++at) target[at] = std::byte{load_relaxed<std::uint8_t>(from + at)};
}

// Whether the shared bytes at an 8-aligned place are those of the caller.
inline bool equal_words(const std::byte* shared, const void* own, std::size_t bytes) {
  const auto* mine = static_cast<const std::byte*>(own);
  std::size_t at = 0;
  for (; at + 8 <= bytes; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, mine + at, 8);
    if (load_relaxed<std::uint64_t>(shared + at) != word) return false;
  }
  if (at + 4 <= bytes) {
    std::uint32_t word = 0;
    std::memcpy(&word, mine + at, 4);
    if (load_relaxed<std::uint32_t>(shared + at) != word) return false;
    at += 4;
  }
  for (; at < bytes; ++at)
    if (std::byte{load_relaxed<std::uint8_t>(shared + at)} != mine[at]) return false;
  return true;
}

}  // namespace skep::maps
