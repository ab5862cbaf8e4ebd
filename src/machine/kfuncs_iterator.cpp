// SPDX-License-Identifier: Apache-2.0
// Iterators on a program's stack: over a range of numbers, over the bits of memory.
#include <bit>
#include <cerrno>

#include "abi/limits.h"
#include "machine/kfunc_functions.h"
#include "machine/objects.h"
#include "machine/probe_read.h"

namespace skep::machine::kfunc {

using u64 = std::uint64_t;

namespace {

struct NumberIterator {
  std::int32_t current;
  std::int32_t end;
};

// One word stands in the iterator itself, more of them in an object.
struct BitIterator {
  static constexpr std::uint32_t kMostWords = 511;
  u64 word_or_place;
  std::uint32_t bits;
  std::int32_t bit;

  [[nodiscard]] bool has_place() const { return bits > 64; }
  [[nodiscard]] const u64* words() const {
    return has_place() ? pointer<const u64>(word_or_place) : &word_or_place;
  }
};
static_assert(sizeof(BitIterator) == 16);

}  // namespace

u64 bpf_iter_num_new(u64 at, u64 start, u64 end, u64, u64, void*) {
  auto& iterator = *pointer<NumberIterator>(at);
  const auto first = static_cast<std::int32_t>(start);
  const auto last = static_cast<std::int32_t>(end);
  iterator = {};
  if (first > last) return result(-EINVAL);
  if (std::int64_t{last} - first > abi::BPF_MAX_LOOPS) return result(-E2BIG);
  iterator = {.current = static_cast<std::int32_t>(static_cast<std::uint32_t>(first) - 1),
              .end = last};
  return 0;
}

// The number before the first may be below all numbers: the sum wraps as the kernel's does.
u64 bpf_iter_num_next(u64 at, u64, u64, u64, u64, void*) {
  auto& iterator = *pointer<NumberIterator>(at);
  const auto next = static_cast<std::int32_t>(static_cast<std::uint32_t>(iterator.current) + 1);
  if (next >= iterator.end) {
    iterator = {};
    return 0;
  }
  iterator.current = next;
  return address_of(&iterator.current);
}

u64 bpf_iter_num_destroy(u64 at, u64, u64, u64, u64, void*) {
  *pointer<NumberIterator>(at) = {};
  return 0;
}

u64 bpf_iter_bits_new(u64 at, u64 from, u64 words, u64, u64, void* context) {
  auto& iterator = *pointer<BitIterator>(at);
  const auto count = static_cast<std::uint32_t>(words);
  iterator = {.word_or_place = 0, .bits = 0, .bit = -1};
  if (from == 0 || count == 0) return result(-EINVAL);
  if (count > BitIterator::kMostWords) return result(-E2BIG);
  if (count == 1) {
    const auto room = std::as_writable_bytes(std::span(&iterator.word_or_place, 1));
    if (probe_read(room, from) != 0) return result(-EFAULT);
    iterator.bits = 64;
    return 0;
  }
  Objects* objects = run_of(context).objects;
  const u64 bytes = u64{count} * sizeof(u64);
  void* place = objects == nullptr ? nullptr : objects->make(bytes);
  if (place == nullptr) return result(-ENOMEM);
  if (probe_read({static_cast<std::byte*>(place), bytes}, from) != 0) {
    objects->free(place);
    return result(-EFAULT);
  }
  iterator.word_or_place = address_of(place);
  iterator.bits = count * 64;
  return 0;
}

u64 bpf_iter_bits_next(u64 at, u64, u64, u64, u64, void*) {
  auto& iterator = *pointer<BitIterator>(at);
  const u64* words = iterator.words();
  auto bit = static_cast<std::uint32_t>(iterator.bit) + 1;
  while (bit < iterator.bits) {
    const u64 rest = words[bit / 64] >> (bit % 64);
    if (rest != 0) {
      iterator.bit = static_cast<std::int32_t>(bit) + std::countr_zero(rest);
      return address_of(&iterator.bit);
    }
    bit = (bit / 64 + 1) * 64;
  }
  iterator.bit = static_cast<std::int32_t>(iterator.bits);
  return 0;
}

u64 bpf_iter_bits_destroy(u64 at, u64, u64, u64, u64, void* context) {
  auto& iterator = *pointer<BitIterator>(at);
  if (iterator.has_place() && run_of(context).objects != nullptr)
    run_of(context).objects->free(pointer<void>(iterator.word_or_place));
  iterator = {};
  return 0;
}

}  // namespace skep::machine::kfunc
