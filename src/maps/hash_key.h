// SPDX-License-Identifier: Apache-2.0
// Keys of hashes: how they are mixed and compared, quickly for the sizes that programs use most.
// A `tag` is the mixed key as a node carries it, never without kLive. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "maps/words.h"

namespace skep::maps {

// Seeds keep who chooses the keys from choosing the buckets.
struct HashSeed {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

// Set in the tag of a node that holds an element.
inline constexpr std::uint32_t kLive = std::uint32_t{1} << 31;

// Both halves of the product, folded: each bit of either side reaches every bit of the result.
inline std::uint64_t mix(std::uint64_t left, std::uint64_t right) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(left) * right;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline constexpr std::uint64_t kOddBits = 0xd6e8'feb8'6659'fd93;
inline constexpr std::uint64_t kMoreBits = 0xa076'1d64'78bd'642f;

inline std::uint32_t tag_of(std::uint64_t mixed) {
  return static_cast<std::uint32_t>(mixed ^ (mixed >> 32)) | kLive;
}

template <class Word>
struct WordKey {
  Word word;
  explicit WordKey(const void* key) { std::memcpy(&word, key, sizeof(Word)); }
  [[nodiscard]] std::uint32_t tag(const HashSeed& seed) const {
    return tag_of(mix(word ^ seed.first ^ kOddBits, seed.second ^ kMoreBits));
  }
  [[nodiscard]] bool equals(const std::byte* shared) const {
    return load_relaxed<Word>(shared) == word;
  }
};

struct PairKey {
  std::uint64_t low;
  std::uint64_t high;
  explicit PairKey(const void* key) {
    std::memcpy(&low, key, 8);
    std::memcpy(&high, static_cast<const std::byte*>(key) + 8, 8);
  }
  [[nodiscard]] std::uint32_t tag(const HashSeed& seed) const {
    const std::uint64_t half = mix(low ^ seed.first ^ kOddBits, kMoreBits);
    return tag_of(mix(half ^ high, seed.second ^ kMoreBits));
  }
  [[nodiscard]] bool equals(const std::byte* shared) const {
    return load_relaxed<std::uint64_t>(shared) == low &&
           load_relaxed<std::uint64_t>(shared + 8) == high;
  }
};

struct BytesKey {
  const std::byte* bytes;
  std::uint32_t length;
  BytesKey(const void* key, std::uint32_t key_bytes)
      : bytes(static_cast<const std::byte*>(key)), length(key_bytes) {}
  [[nodiscard]] std::uint32_t tag(const HashSeed& seed) const {
    std::uint64_t state = seed.first ^ kOddBits ^ length;
    std::uint32_t at = 0;
    std::uint64_t word = 0;
    for (; at + 8 <= length; at += 8) {
      std::memcpy(&word, bytes + at, 8);
      state = mix(state ^ word, kMoreBits);
    }
    if (at < length) {
      word = 0;
      std::memcpy(&word, bytes + at, length - at);
      state = mix(state ^ word, kMoreBits);
    }
    return tag_of(mix(state, seed.second ^ kOddBits));
  }
  [[nodiscard]] bool equals(const std::byte* shared) const {
    return equal_words(shared, bytes, length);
  }
};

// Calls `use` with the key as the type that suits its size.
template <class Use>
inline auto with_key(const void* key, std::uint32_t key_bytes, Use use) {
  switch (key_bytes) {
    case 4:
      return use(WordKey<std::uint32_t>(key));
    case 8:
      return use(WordKey<std::uint64_t>(key));
    case 16:
      return use(PairKey(key));
    default:
      return use(BytesKey(key, key_bytes));
  }
}

}  // namespace skep::maps
