// SPDX-License-Identifier: Apache-2.0
#include "tests/support/map_trial.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include "abi/map_types.h"
#include "maps/words.h"

namespace skep::test {

namespace {

using maps::Batch;

constexpr auto kFlags = std::to_array<std::uint64_t>(
    {0, 0, 0, 0, 0, 0, abi::BPF_NOEXIST, abi::BPF_NOEXIST, abi::BPF_EXIST, abi::BPF_EXIST, 3,
     abi::BPF_F_LOCK, abi::BPF_F_LOCK | abi::BPF_EXIST, 8, std::uint64_t{1} << 32, ~0ULL});
constexpr auto kBatchFlags =
    std::to_array<std::uint64_t>({0, 0, 0, 0, 0, 0, 1, 2, abi::BPF_F_LOCK, 8, ~0ULL});

bool is_bloom(std::uint32_t type) { return type == abi::BPF_MAP_TYPE_BLOOM_FILTER; }

class Comparison {
 public:
  Comparison(MapSide& one, MapSide& two, const Trial& trial, Random& random)
      : one_(one), two_(two), trial_(trial), random_(random) {}

  [[nodiscard]] std::string run(unsigned steps) {
    for (unsigned step = 0; step < steps && difference_.empty(); ++step) {
      const std::uint32_t which = random_.below(100);
      if (which < 42)
        write();
      else if (which < 58)
        read();
      else if (which < 72)
        remove();
      else if (which < 80)
        take();
      else if (which < 90)
        next_key();
      else if (which < 94)
        batch_of_keys(which < 92 ? BatchKind::write : BatchKind::remove);
      else if (trial_.ordered)
        batch_in_order(which < 98 ? BatchKind::read : BatchKind::take);
      else
        walk(which < 98 ? BatchKind::read : BatchKind::take);
      if (!difference_.empty()) difference_ += text(", step {}", step);
    }
    return difference_;
  }

 private:
  struct Answer {
    long status = 0;
    Bytes bytes;
    bool operator==(const Answer&) const = default;
  };

  [[nodiscard]] const std::byte* any_key() {
    return trial_.keys.empty() ? nullptr : random_.one_of(trial_.keys).data();
  }
  [[nodiscard]] Bytes any_value() {
    Bytes value(trial_.value_bytes);
    for (std::byte& byte : value) byte = static_cast<std::byte>(random_.next() >> 56);
    if (random_.one_in(4)) std::ranges::fill(value, std::byte{0xff});
    clear_padding(value);
    return value;
  }
  // Of what pads a CPU's value to whole words nothing is promised.
  void clear_padding(Bytes& values) const {
    if (!is_percpu(trial_.spec.type)) return;
    for (std::size_t at = 0; at < values.size(); ++at)
      if (at % maps::round8(trial_.spec.value_bytes) >= trial_.spec.value_bytes)
        values[at] = std::byte{0};
  }
  [[nodiscard]] std::string key_text(const void* key) const {
    if (key == nullptr) return "none";
    return print_hex({static_cast<const std::byte*>(key), trial_.spec.key_bytes});
  }
  void compare(std::string_view what, const void* key, std::uint64_t flags, const Answer& one,
               const Answer& two) {
    if (one == two) return;
    difference_ = text("{} key {} flags {:#x}: {} [{}] and {} [{}]", what, key_text(key), flags,
                       one.status, print_hex(one.bytes), two.status, print_hex(two.bytes));
  }

  void write() {
    const std::byte* key = any_key();
    const Bytes value = any_value();
    const std::uint64_t flags = random_.one_of(kFlags);
    const Answer answer{.status = one_.write(key, value.data(), flags)};
    compare("write", key, flags, answer, {.status = two_.write(key, value.data(), flags)});
    if (is_bloom(trial_.spec.type) && answer.status == 0) pushed_.push_back(value);
  }

  template <class Call>
  void compare_reads(std::string_view what, Call call) {
    const std::byte* key = any_key();
    const std::uint64_t flags = random_.one_in(8) ? random_.one_of(kFlags) : 0;
    // A bloom filter reads it, and may say yes to what was never pushed.
    Bytes asked(trial_.value_bytes, std::byte{0xa5});
    if (is_bloom(trial_.spec.type)) {
      if (pushed_.empty()) return;
      asked = random_.one_of(pushed_);
    }
    Answer one{.bytes = asked};
    Answer two{.bytes = asked};
    one.status = call(one_, key, one.bytes.data(), flags);
    two.status = call(two_, key, two.bytes.data(), flags);
    // bpf(2) hands nothing out when it fails.
    if (one.status != 0) one.bytes.clear();
    if (two.status != 0) two.bytes.clear();
    compare(what, key, flags, one, two);
  }
  void read() {
    compare_reads("read", [](MapSide& side, const void* key, void* value, std::uint64_t flags) {
      return side.read(key, value, flags);
    });
  }
  void take() {
    compare_reads("take", [](MapSide& side, const void* key, void* value, std::uint64_t flags) {
      return side.take(key, value, flags);
    });
  }

  void remove() {
    const std::byte* key = any_key();
    compare("remove", key, 0, {.status = one_.remove(key)}, {.status = two_.remove(key)});
  }

  void next_key() {
    const std::byte* key = random_.one_in(3) ? nullptr : any_key();
    Answer one{.bytes = Bytes(trial_.spec.key_bytes)};
    Answer two = one;
    one.status = one_.next_key(key, one.bytes.data());
    two.status = two_.next_key(key, two.bytes.data());
    if (!trial_.ordered) {
      // After a key that is there may come any other or the end; else the first key comes.
      Bytes value(trial_.value_bytes);
      if (key != nullptr && one_.read(key, value.data(), 0) == 0) return;
      for (Answer* answer : {&one, &two}) {
        MapSide& side = answer == &one ? one_ : two_;
        if (answer->status == 0 && side.read(answer->bytes.data(), value.data(), 0) != 0)
          difference_ = text("next_key gives {}, which is not there", print_hex(answer->bytes));
        answer->bytes.clear();
      }
    }
    if (difference_.empty()) compare("next_key", key, 0, one, two);
  }

  // Room for a batch on one side.
  struct Buffers {
    Buffers(const Trial& trial, std::uint32_t count)
        : keys(std::size_t{count} * trial.spec.key_bytes),
          values(count * trial.value_bytes),
          cursor(std::max<std::size_t>(trial.spec.key_bytes, 8)) {}
    Bytes keys;
    Bytes values;
    Bytes cursor;
  };

  void batch_of_keys(BatchKind kind) {
    const std::uint32_t count = random_.below(6);
    Buffers buffers(trial_, count);
    for (std::uint32_t i = 0; i < count && !trial_.keys.empty(); ++i)
      std::memcpy(&buffers.keys[std::size_t{i} * trial_.spec.key_bytes], any_key(),
                  trial_.spec.key_bytes);
    for (std::byte& byte : buffers.values) byte = static_cast<std::byte>(random_.next() >> 56);
    clear_padding(buffers.values);
    Batch one{.keys = buffers.keys.data(),
              .values = buffers.values.data(),
              .count = count,
              .element_flags = random_.one_of(kBatchFlags)};
    Batch two = one;
    Answer first{.status = one_.batch(kind, one)};
    Answer second{.status = two_.batch(kind, two)};
    append_count(first, one);
    append_count(second, two);
    compare(kind == BatchKind::write ? "write batch" : "remove batch", nullptr, one.element_flags,
            first, second);
  }

  static void append_count(Answer& answer, const Batch& batch) {
    answer.bytes.push_back(static_cast<std::byte>(batch.count));
  }

  void batch_in_order(BatchKind kind) {
    const std::uint32_t count = random_.below(6);
    const std::byte* from = random_.one_in(2) ? nullptr : any_key();
    const std::uint64_t flags = random_.one_of(kBatchFlags);
    const auto ask = [&](MapSide& side) {
      Buffers buffers(trial_, count);
      Batch batch{.from = from,
                  .next = buffers.cursor.data(),
                  .keys = buffers.keys.data(),
                  .values = buffers.values.data(),
                  .count = count,
                  .element_flags = flags};
      Answer answer{.status = side.batch(kind, batch)};
      for (const Bytes* part : {&buffers.keys, &buffers.values, &buffers.cursor})
        answer.bytes.insert(answer.bytes.end(), part->begin(), part->end());
      append_count(answer, batch);
      return answer;
    };
    const Answer one = ask(one_);
    compare(kind == BatchKind::read ? "read batch" : "take batch", from, flags, one, ask(two_));
  }

  using Elements = std::map<Bytes, Bytes>;

  // All elements by batches of `count`, and how the walk ended.
  [[nodiscard]] std::pair<long, Elements> all_of(MapSide& side, BatchKind kind,
                                                 std::uint32_t count) {
    Elements elements;
    Bytes cursor;
    for (unsigned i = 0; i < 10'000; ++i) {
      Buffers buffers(trial_, count);
      Batch batch{.from = cursor.empty() ? nullptr : cursor.data(),
                  .next = buffers.cursor.data(),
                  .keys = buffers.keys.data(),
                  .values = buffers.values.data(),
                  .count = count};
      const long status = side.batch(kind, batch);
      if (status == -ENOSPC) {
        count *= 2;
        continue;
      }
      if (status != 0 && status != -ENOENT) return {status, elements};
      for (std::uint32_t k = 0; k < batch.count; ++k) {
        const auto* key = &buffers.keys[std::size_t{k} * trial_.spec.key_bytes];
        const auto* value = &buffers.values[k * trial_.value_bytes];
        if (!elements
                 .emplace(Bytes(key, key + trial_.spec.key_bytes),
                          Bytes(value, value + trial_.value_bytes))
                 .second)
          return {-EEXIST, elements};
      }
      if (status == -ENOENT) return {status, elements};
      cursor = buffers.cursor;
    }
    return {-ELOOP, elements};
  }

  [[nodiscard]] static std::string first_unlike(const Elements& one, const Elements& two) {
    for (const auto& [key, value] : one) {
      const auto found = two.find(key);
      if (found == two.end()) return text(", key {} is missing", print_hex(key));
      if (found->second != value)
        return text(", key {} has [{}] and [{}]", print_hex(key), print_hex(value),
                    print_hex(found->second));
    }
    return "";
  }

  void walk(BatchKind kind) {
    const std::uint32_t count = 1 + random_.below(8);
    const auto one = all_of(one_, kind, count);
    const auto two = all_of(two_, kind, count);
    if (one == two) return;
    difference_ =
        text("walk of {} by {}: {} with {} elements and {} with {}{}",
             kind == BatchKind::read ? "read" : "take", count, one.first, one.second.size(),
             two.first, two.second.size(), first_unlike(one.second, two.second));
  }

  MapSide& one_;
  MapSide& two_;
  const Trial& trial_;
  Random& random_;
  std::vector<Bytes> pushed_;
  std::string difference_;
};

}  // namespace

std::string first_difference(MapSide& one, MapSide& two, const Trial& trial, Random& random,
                             unsigned steps) {
  return Comparison(one, two, trial, random).run(steps);
}

}  // namespace skep::test
