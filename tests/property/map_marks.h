// SPDX-License-Identifier: Apache-2.0
// Values that say themselves whether they are whole and whose they are: what a test with many
// writers writes, so that any reader can check any element.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace skep::test {

inline constexpr std::uint32_t kMarkBytes = 24;

// The value of `key` after its `turn`th change.
class Mark {
 public:
  Mark() = default;
  Mark(std::uint64_t key, std::uint64_t turn) : words_{key, turn, check(key, turn)} {}

  [[nodiscard]] const void* data() const { return words_.data(); }
  [[nodiscard]] void* data() { return words_.data(); }
  [[nodiscard]] std::uint64_t key() const { return words_[0]; }
  [[nodiscard]] std::uint64_t turn() const { return words_[1]; }
  [[nodiscard]] bool whole() const { return words_[2] == check(words_[0], words_[1]); }
  bool operator==(const Mark&) const = default;

 private:
  [[nodiscard]] static constexpr std::uint64_t check(std::uint64_t key, std::uint64_t turn) {
    std::uint64_t mixed = key * 0x9e37'79b9'7f4a'7c15 + turn + 1;
    mixed = (mixed ^ mixed >> 29) * 0xbf58'476d'1ce4'e5b9;
    return mixed ^ mixed >> 32;
  }
  std::array<std::uint64_t, 3> words_{};
};
static_assert(sizeof(Mark) == kMarkBytes);

}  // namespace skep::test
