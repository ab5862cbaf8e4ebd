// SPDX-License-Identifier: Apache-2.0
#include "machine/format_conversion.h"

#include <algorithm>

namespace skep::machine::format {

namespace {

constexpr std::int32_t kMaxWidth = (1 << 23) - 1;  // kernel: FIELD_WIDTH_MAX

// Linux sorts bytes as Latin-1 does, so that those of UTF-8 are letters and signs too.
bool is_high_sign(unsigned char byte) {
  return (byte > 0xa0 && byte < 0xc0) || byte == 0xd7 || byte == 0xf7;
}

bool is_space(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return byte == ' ' || (byte >= '\t' && byte <= '\r') || byte == 0xa0;
}
bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool is_sign(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return (byte > ' ' && byte < 0x7f && !is_alphanumeric(letter)) || is_high_sign(byte);
}

// What may follow a conversion that is named by letters.
bool ends_name(char letter) { return letter == '\0' || is_space(letter) || is_sign(letter); }

class Reader {
 public:
  Reader(std::string_view format, std::size_t at) : format_(format), at_(at) {}
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < format_.size() ? format_[at_ + ahead] : '\0';
  }
  void skip(std::size_t count = 1) { at_ += count; }
  bool take(char letter) {
    if (peek() != letter) return false;
    skip();
    return true;
  }
  [[nodiscard]] std::size_t at() const { return at_; }

 private:
  std::string_view format_;
  std::size_t at_;
};

void read_flags(Reader& in, Conversion& what) {
  for (;; in.skip()) {
    switch (in.peek()) {
      case '0':
        what.zero = true;
        break;
      case '+':
        what.plus = true;
        break;
      case '-':
        what.left = true;
        break;
      case ' ':
        what.space = true;
        break;
      default:
        return;
    }
  }
}

void read_width(Reader& in, Conversion& what) {
  if (!is_digit(in.peek())) return;
  std::uint32_t width = 0;
  for (; is_digit(in.peek()); in.skip())
    width = width * 10 + static_cast<std::uint32_t>(in.peek() - '0');
  what.width = std::clamp(static_cast<std::int32_t>(width), -kMaxWidth, kMaxWidth);
}

bool read_string(Reader& in, Conversion& what) {
  what.kind = Kind::string;
  return ends_name(in.peek());
}

// Behind the 'p'.
bool read_pointer(Reader& in, Conversion& what) {
  what.kind = Kind::pointer;
  what.bytes = 8;
  const char first = in.peek();
  if (ends_name(first)) return true;
  what.swallows = true;
  in.skip();
  switch (first) {
    case 'k':
    case 'u':
      what.ready = true;
      return in.take('s') && read_string(in, what);
    case 'K':
    case 'x':
      return true;
    case 's':
    case 'S':
      what.kind = Kind::symbol;
      return true;
    case 'B':
      what.kind = Kind::back_symbol;
      return true;
    case 'i':
    case 'I':
      what.padded = first == 'i';
      what.kind = in.peek() == '4' ? Kind::ipv4 : Kind::ipv6;
      return in.take('4') || in.take('6');
    default:
      return false;
  }
}

bool read_number(Reader& in, Conversion& what) {
  if (in.take('l')) {
    what.bytes = 8;
    in.take('l');
  }
  const char name = in.peek();
  in.skip();
  what.is_signed = name == 'd' || name == 'i';
  what.uppercase = name == 'X';
  what.base = name == 'x' || name == 'X' ? 16 : 10;
  return what.is_signed || name == 'u' || what.base == 16;
}

bool read_conversion(Reader& in, Conversion& what) {
  read_flags(in, what);
  read_width(in, what);
  if (in.take('p')) return read_pointer(in, what);
  if (in.take('s')) return read_string(in, what);
  if (in.take('c')) {
    what.kind = Kind::character;
    return true;
  }
  return read_number(in, what);
}

}  // namespace

std::optional<Conversion> parse(std::string_view format, std::size_t& at) {
  Reader in(format, at + 1);
  Conversion what;
  if (in.take('%')) {
    what.kind = Kind::percent;
  } else if (!read_conversion(in, what)) {
    return std::nullopt;
  }
  at = in.at();
  return what;
}

bool is_text(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return is_space(letter) || (byte > ' ' && byte != 0x7f);
}

bool is_alphanumeric(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return is_digit(letter) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= 0xc0 && !is_high_sign(byte));
}

}  // namespace skep::machine::format
