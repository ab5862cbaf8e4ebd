// SPDX-License-Identifier: Apache-2.0
// Strings at any address: results are places or lengths, ENOENT for what is not there, EFAULT where
// the string cannot be read, E2BIG where it does not end soon enough.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "abi/helper_flags.h"
#include "machine/kfunc_functions.h"
#include "machine/probe_read.h"

namespace skep::machine::kfunc {

using u64 = std::uint64_t;

namespace {

constexpr u64 kMost = 65536;  // kernel: XATTR_SIZE_MAX
constexpr u64 kPage = 4096;

// Reads ahead, but not into a page that the string may not reach.
class Text {
 public:
  explicit Text(u64 address) : address_(address) {}

  // The byte there, or a negative errno.
  [[nodiscard]] int at(u64 index) {
    if (index - from_ >= held_ && !fetch(index)) return -EFAULT;
    return std::to_integer<int>(buffer_[index - from_]);
  }

 private:
  bool fetch(u64 index) {
    const u64 address = address_ + index;
    const u64 count = std::min<u64>(buffer_.size(), kPage - address % kPage);
    from_ = index;
    held_ = probe_read(std::span(buffer_).first(count), address) == 0 ? count : 0;
    return held_ != 0;
  }

  u64 address_;
  u64 from_ = 0;
  u64 held_ = 0;
  std::array<std::byte, 256> buffer_;
};

int fold_case(int letter) { return letter >= 'A' && letter <= 'Z' ? letter + 32 : letter; }

long compare(u64 first, u64 second, bool ignore_case) {
  Text a(first);
  Text b(second);
  for (u64 i = 0; i < kMost; ++i) {
    int x = a.at(i);
    int y = b.at(i);
    if (x < 0 || y < 0) return -EFAULT;
    if (ignore_case) {
      x = fold_case(x);
      y = fold_case(y);
    }
    if (x != y) return x < y ? -1 : 1;
    if (x == 0) return 0;
  }
  return -E2BIG;
}

// Where the letter is among the first `count`; `or_end` takes the string's end as well.
long find(u64 address, u64 count, int letter, bool or_end) {
  Text text(address);
  for (u64 i = 0; i < std::min(count, kMost); ++i) {
    const int here = text.at(i);
    if (here < 0) return here;
    if (here == letter || (here == 0 && or_end)) return static_cast<long>(i);
    if (here == 0) return -ENOENT;
  }
  return count > kMost ? -E2BIG : -ENOENT;
}

long length_of(u64 address, u64 most) {
  Text text(address);
  for (u64 i = 0; i < std::min(most, kMost); ++i) {
    const int here = text.at(i);
    if (here <= 0) return here < 0 ? here : static_cast<long>(i);
  }
  return most >= kMost ? -E2BIG : static_cast<long>(most);
}

// How many letters from the start on are in the set, or are not.
long span_of(u64 address, u64 set, bool in_set) {
  Text text(address);
  for (u64 i = 0; i < kMost; ++i) {
    const int here = text.at(i);
    if (here <= 0) return here < 0 ? here : static_cast<long>(i);
    const long found = find(set, kMost, here, false);
    if (found < 0 && found != -ENOENT) return found;
    if ((found >= 0) != in_set) return static_cast<long>(i);
  }
  return -E2BIG;
}

// 1 when the string has `wanted` at that place, before `most`; 0 when it has not.
long has_at(Text& text, Text& wanted, u64 place, u64 most) {
  for (u64 i = 0; i < kMost; ++i) {
    const int goal = wanted.at(i);
    if (goal <= 0) return goal < 0 ? goal : 1;
    if (place + i >= most) return -ENOENT;
    const int here = text.at(place + i);
    if (here <= 0) return here < 0 ? here : -ENOENT;
    if (here != goal) return 0;
  }
  return -E2BIG;
}

long find_text(u64 address, u64 wanted_address, u64 most) {
  Text text(address);
  Text wanted(wanted_address);
  for (u64 place = 0; place < kMost; ++place) {
    const long has = has_at(text, wanted, place, most);
    if (has != 0) return has < 0 ? has : static_cast<long>(place);
  }
  return -E2BIG;
}

u64 as_int(long value) { return result(static_cast<int>(value)); }

}  // namespace

u64 bpf_strcmp(u64 a, u64 b, u64, u64, u64, void*) { return as_int(compare(a, b, false)); }
u64 bpf_strcasecmp(u64 a, u64 b, u64, u64, u64, void*) { return as_int(compare(a, b, true)); }

u64 bpf_strchr(u64 text, u64 letter, u64, u64, u64, void*) {
  return as_int(find(text, ~u64{0}, static_cast<unsigned char>(letter), false));
}
u64 bpf_strchrnul(u64 text, u64 letter, u64, u64, u64, void*) {
  return as_int(find(text, ~u64{0}, static_cast<unsigned char>(letter), true));
}
u64 bpf_strnchr(u64 text, u64 count, u64 letter, u64, u64, void*) {
  return as_int(find(text, count, static_cast<unsigned char>(letter), false));
}

u64 bpf_strrchr(u64 address, u64 letter, u64, u64, u64, void*) {
  Text text(address);
  long last = -ENOENT;
  for (u64 i = 0; i < kMost; ++i) {
    const int here = text.at(i);
    if (here < 0) return as_int(here);
    if (here == static_cast<unsigned char>(letter)) last = static_cast<long>(i);
    if (here == 0) return as_int(last);
  }
  return as_int(-E2BIG);
}

u64 bpf_strlen(u64 text, u64, u64, u64, u64, void*) { return as_int(length_of(text, kMost)); }
u64 bpf_strnlen(u64 text, u64 count, u64, u64, u64, void*) {
  return as_int(length_of(text, count));
}

u64 bpf_strspn(u64 text, u64 set, u64, u64, u64, void*) { return as_int(span_of(text, set, true)); }
u64 bpf_strcspn(u64 text, u64 set, u64, u64, u64, void*) {
  return as_int(span_of(text, set, false));
}

u64 bpf_strstr(u64 text, u64 wanted, u64, u64, u64, void*) {
  return as_int(find_text(text, wanted, kMost));
}
u64 bpf_strnstr(u64 text, u64 wanted, u64 count, u64, u64, void*) {
  return as_int(find_text(text, wanted, count));
}

// Unlike the helpers for strings it does not touch the room when the string cannot be read.
u64 bpf_copy_from_user_str(u64 to, u64 bytes, u64 from, u64 flags, u64, void*) {
  const std::span room(pointer<std::byte>(to), static_cast<std::uint32_t>(bytes));
  if ((flags & ~abi::BPF_F_PAD_ZEROS) != 0) return as_int(-EINVAL);
  if (room.empty()) return 0;
  Text text(from);
  std::size_t length = 0;
  for (; length + 1 < room.size(); ++length) {
    const int here = text.at(length);
    if (here < 0 && (flags & abi::BPF_F_PAD_ZEROS) != 0) std::ranges::fill(room, std::byte{0});
    if (here < 0) return as_int(-EFAULT);
    if (here == 0) break;
    room[length] = static_cast<std::byte>(here);
  }
  const auto rest = room.subspan(length);
  std::ranges::fill((flags & abi::BPF_F_PAD_ZEROS) != 0 ? rest : rest.first(1), std::byte{0});
  return length + 1;
}

}  // namespace skep::machine::kfunc
