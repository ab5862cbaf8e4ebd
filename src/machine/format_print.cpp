// SPDX-License-Identifier: Apache-2.0
#include "machine/format_print.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "base/format.h"
#include "machine/format_conversion.h"
#include "machine/probe_read.h"

namespace skep::machine {

namespace {

using format::Conversion;
using format::Kind;
using std::uint64_t;

// Where packed arguments are written: aligned as Linux does, never past the end.
class Packer {
 public:
  explicit Packer(std::span<std::byte> room) : room_(room) {}

  [[nodiscard]] long number(uint64_t value, std::size_t bytes) {
    for (; at_ % 4 != 0; ++at_)
      if (at_ < room_.size()) room_[at_] = std::byte{0};
    if (at_ > room_.size() || room_.size() - at_ < bytes) return -ENOSPC;
    std::memcpy(room_.data() + at_, &value, bytes);
    at_ += bytes;
    return 0;
  }
  [[nodiscard]] long character(uint64_t value) {
    if (at_ >= room_.size()) return -ENOSPC;
    room_[at_++] = static_cast<std::byte>(value);
    return 0;
  }
  [[nodiscard]] long string(uint64_t address) {
    if (at_ >= room_.size()) return -ENOSPC;
    const auto to = room_.subspan(at_);
    const long length = probe_read_string(to, address);
    if (length < 0) to[0] = std::byte{0};
    at_ += length < 0 ? 1 : static_cast<std::size_t>(length);
    return 0;
  }
  // Cut at the end of the room, as its reader must cope with.
  [[nodiscard]] long text(std::string_view words) {
    if (at_ >= room_.size()) return -ENOSPC;
    const std::size_t count = std::min(words.size(), room_.size() - at_ - 1);
    std::memcpy(room_.data() + at_, words.data(), count);
    room_[at_ + count] = std::byte{0};
    at_ += words.size() + 1;
    return 0;
  }
  [[nodiscard]] std::size_t room() const { return at_ < room_.size() ? room_.size() - at_ : 0; }
  [[nodiscard]] std::size_t used() const { return std::min(at_, room_.size()); }

 private:
  std::span<std::byte> room_;
  std::size_t at_ = 0;
};

class Unpacker {
 public:
  explicit Unpacker(std::span<const std::byte> packed) : packed_(packed) {}

  [[nodiscard]] uint64_t number(std::size_t bytes) {
    if (bytes >= 4) at_ = (at_ + 3) / 4 * 4;
    uint64_t value = 0;
    if (at_ < packed_.size() && packed_.size() - at_ >= bytes)
      std::memcpy(&value, packed_.data() + at_, bytes);
    at_ += bytes;
    return value;
  }
  // Up to the zero, without passing it.
  [[nodiscard]] std::string_view peek_string() const {
    if (at_ >= packed_.size()) return {};
    const auto rest = packed_.subspan(at_);
    const auto end = std::ranges::find(rest, std::byte{0});
    return {reinterpret_cast<const char*>(rest.data()),
            static_cast<std::size_t>(end - rest.begin())};
  }
  [[nodiscard]] std::string_view string() {
    const std::string_view found = peek_string();
    at_ += found.size() + 1;
    return found;
  }

 private:
  std::span<const std::byte> packed_;
  std::size_t at_ = 0;
};

std::string ip_text(const Conversion& what, uint64_t address) {
  std::array<std::byte, 16> bytes{};
  const bool four = what.kind == Kind::ipv4;
  (void)probe_read(std::span(bytes).first(four ? 4 : 16), address);  // zeros if it cannot be read
  std::string out;
  for (unsigned i = 0; four && i < 4; ++i) {
    if (i != 0) out += '.';
    const auto part = std::to_integer<unsigned>(bytes[i]);
    out += what.padded ? text("{:03}", part) : text("{}", part);
  }
  for (unsigned i = 0; !four && i < 16; ++i) {
    if (i != 0 && i % 2 == 0 && !what.padded) out += ':';
    out += text("{:02x}", std::to_integer<unsigned>(bytes[i]));
  }
  return out;
}

long pack_one(Packer& packer, const Conversion& what, uint64_t value) {
  switch (what.kind) {
    case Kind::number:
    case Kind::pointer:
    case Kind::symbol:
      return packer.number(value, what.bytes);
    case Kind::character:
      return packer.character(value);
    case Kind::string:
      return packer.string(value);
    case Kind::back_symbol:
      return packer.text(text("{:#x}", value));
    case Kind::ipv4:
    case Kind::ipv6:
      if (packer.room() < (what.kind == Kind::ipv4 ? 4 : 16)) return -ENOSPC;
      return packer.text(ip_text(what, value));
    case Kind::percent:
      break;
  }
  return 0;
}

// Where text goes: what is past the room counts, but is not written.
class Sink {
 public:
  explicit Sink(std::span<char> room) : room_(room) {}

  void put(std::string_view words) {
    if (!words.empty() && count_ < room_.size())
      std::memcpy(room_.data() + count_, words.data(),
                  std::min<std::size_t>(words.size(), room_.size() - count_));
    count_ += words.size();
  }
  void pad(char with, std::int64_t times) {
    if (times <= 0) return;
    const auto left = count_ < room_.size() ? room_.size() - count_ : 0;
    std::fill_n(room_.data() + std::min<uint64_t>(count_, room_.size()),
                std::min<uint64_t>(static_cast<uint64_t>(times), left), with);
    count_ += static_cast<uint64_t>(times);
  }
  [[nodiscard]] bool full() const { return count_ >= room_.size(); }
  [[nodiscard]] long finish() {
    if (!room_.empty()) room_[std::min<uint64_t>(count_, room_.size() - 1)] = '\0';
    return static_cast<int>(count_);
  }

 private:
  std::span<char> room_;
  uint64_t count_ = 0;
};

void put_wide(Sink& sink, const Conversion& what, std::string_view words) {
  const std::int64_t missing = what.width - static_cast<std::int64_t>(words.size());
  if (!what.left) sink.pad(' ', missing);
  sink.put(words);
  if (what.left) sink.pad(' ', missing);
}

void put_number(Sink& sink, const Conversion& what, uint64_t value) {
  std::string_view sign;
  if (what.is_signed) {
    auto number = static_cast<std::int64_t>(value);
    if (what.bytes == 4) number = static_cast<std::int32_t>(value);
    value = number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
    sign = number < 0 ? "-" : what.plus ? "+" : what.space ? " " : "";
  }
  const std::string digits = what.base == 10  ? text("{}", value)
                             : what.uppercase ? text("{:X}", value)
                                              : text("{:x}", value);
  const std::int64_t missing = what.width - static_cast<std::int64_t>(sign.size() + digits.size());
  const bool zeros = what.zero && !what.left;
  if (!zeros && !what.left) sink.pad(' ', missing);
  sink.put(sign);
  if (zeros) sink.pad('0', missing);
  sink.put(digits);
  if (what.left) sink.pad(' ', missing);
}

// Pointers have all their digits unless a width says otherwise.
void put_pointer(Sink& sink, Conversion what, uint64_t value) {
  if (what.width == -1) {
    what.width = 16;
    what.zero = true;
  }
  what.base = 16;
  put_number(sink, what, value);
}

void print_one(Sink& sink, Unpacker& arguments, const Conversion& what) {
  switch (what.kind) {
    case Kind::percent:
      sink.put("%");
      break;
    case Kind::number:
      put_number(sink, what, arguments.number(what.bytes));
      break;
    case Kind::pointer:
      put_pointer(sink, what, arguments.number(8));
      break;
    case Kind::symbol:
      put_wide(sink, what, text("{:#x}", arguments.number(8)));
      break;
    case Kind::character: {
      const auto letter = static_cast<char>(arguments.number(1));
      put_wide(sink, what, {&letter, 1});
      break;
    }
    case Kind::string:
      // Strings of %pks and %pus are text already, which a full sink does not take.
      if (!what.ready)
        put_wide(sink, what, arguments.string());
      else if (!sink.full())
        sink.put(arguments.string());
      break;
    case Kind::back_symbol:
    case Kind::ipv4:
    case Kind::ipv6:
      if (!sink.full()) sink.put(arguments.string());
      break;
  }
}

}  // namespace

long PackedArguments::pack(std::string_view format, std::span<const uint64_t> values) {
  Packer packer(bytes_);
  std::size_t taken = 0;
  for (std::size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      if (!format::is_text(format[at])) return -EINVAL;
      ++at;
      continue;
    }
    const auto what = format::parse(format, at);
    if (!what) return -EINVAL;
    if (what->kind == Kind::percent) continue;
    if (taken >= values.size()) return -EINVAL;
    const long packed = pack_one(packer, *what, values[taken++]);
    if (packed != 0) return packed;
  }
  used_ = packer.used();
  return 0;
}

long PackedArguments::print(std::span<char> to, std::string_view format) const {
  Sink sink(to);
  Unpacker arguments({bytes_.data(), used_});
  for (std::size_t at = 0; at < format.size();) {
    const std::size_t next = std::min(format.find('%', at), format.size());
    sink.put(format.substr(at, next - at));
    at = next;
    if (at == format.size()) break;
    const auto what = format::parse(format, at);
    if (!what) break;
    print_one(sink, arguments, *what);
    if (what->swallows)
      while (at < format.size() && format::is_alphanumeric(format[at])) ++at;
  }
  return sink.finish();
}

long format_print(std::span<char> to, const char* format, uint64_t room,
                  std::span<const uint64_t> values) {
  const std::size_t length = ::strnlen(format, room);
  if (length == room) return -EINVAL;
  const std::string_view words(format, length);
  PackedArguments packed;
  const long done = packed.pack(words, values);
  return done != 0 ? done : packed.print(to, words);
}

}  // namespace skep::machine
