// SPDX-License-Identifier: Apache-2.0
// Keys and values as words and as text, in bpftool's forms.
#include <algorithm>
#include <charconv>
#include <cstring>

#include "apps/skep/map.h"
#include "base/hex.h"

namespace skep::cli {

namespace {

// Decimal, 0x or a leading 0 for octal, as strtoul has it; with `hex` digits alone are hexadecimal.
std::optional<std::byte> read_byte(std::string_view word, bool hex) {
  int base = hex ? 16 : 10;
  if (word.starts_with("0x")) {
    base = 16;
    word.remove_prefix(2);
  } else if (!hex && word.size() > 1 && word.starts_with('0')) {
    base = 8;
  }
  unsigned number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number, base);
  if (error != std::errc{} || end != word.data() + word.size() || number > 0xff) return {};
  return static_cast<std::byte>(number);
}

bool is_map_of_maps(const Map& map) {
  return map.info().type == MapType::array_of_maps || map.info().type == MapType::hash_of_maps;
}

Bytes as_element(int descriptor) {
  Bytes value(sizeof(descriptor));
  std::memcpy(value.data(), &descriptor, sizeof(descriptor));
  return value;
}

// 16 bytes a line, with a gap in the middle.
std::string rows(std::span<const std::byte> bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    const auto row = bytes.subspan(at, std::min<std::size_t>(16, bytes.size() - at));
    out += print_hex(row.first(std::min<std::size_t>(8, row.size())));
    if (row.size() > 8) out += "  " + print_hex(row.subspan(8));
    out += '\n';
  }
  return out;
}

std::size_t cpu_step(const Map& map) {
  return (std::size_t{map.info().value_bytes} + 7) & ~std::size_t{7};
}

void show_per_cpu(Request& request, const Map& map, std::span<const std::byte> value) {
  const std::size_t step = cpu_step(map);
  if (request.json) {
    request.writer.key("values");
    request.writer.begin_array();
  }
  for (std::size_t cpu = 0; cpu * step < value.size(); ++cpu) {
    const auto one = value.subspan(cpu * step, map.info().value_bytes);
    if (request.json) {
      request.writer.begin_object();
      request.writer.member("cpu", cpu);
      request.writer.key("value");
      json_bytes(request.writer, one);
      request.writer.end_object();
    } else {
      append_text(request.out, "value (CPU {:02}):{}{}{}", cpu, one.size() > 16 ? "\n" : " ",
                  one.size() > 16 ? rows(one) : print_hex(one), one.size() > 16 ? "" : "\n");
    }
  }
  if (request.json) request.writer.end_array();
}

}  // namespace

Result<Bytes> read_data(Words& words, std::size_t bytes, std::string_view what) {
  const bool hex = words.take("hex");
  Bytes data;
  // What is missing is told before memory is taken for it: the size is anybody's.
  while (data.size() < bytes) {
    const std::string word = SKEP_TRY(
        words.next(text("{} more of the {} bytes of the {}", bytes - data.size(), bytes, what)));
    const auto byte = read_byte(word, hex);
    if (!byte) return words.mistake(text("expected a byte of the {}, not \"{}\"", what, word));
    data.push_back(*byte);
  }
  return data;
}

Result<Value> read_value(Request& request, const Map& map) {
  const std::string_view word = request.words.peek();
  const bool named = word == "id" || word == "name" || word == "pinned" || word == "tag";
  if (named && is_map_of_maps(map)) {
    Map inner = SKEP_TRY(find_map(request));
    Bytes bytes = as_element(inner.fd());
    return Value{.bytes = std::move(bytes), .map = std::move(inner)};
  }
  if (named && map.info().type == MapType::prog_array) {
    Program program = SKEP_TRY(find_program(request));
    Bytes bytes = as_element(program.fd());
    return Value{.bytes = std::move(bytes), .program = std::move(program)};
  }
  Bytes one = SKEP_TRY(read_data(request.words, map.info().value_bytes, "value"));
  if (!map.is_per_cpu()) return Value{.bytes = std::move(one)};
  Bytes all(map.element_bytes());
  for (std::size_t at = 0; at < all.size(); at += cpu_step(map))
    std::ranges::copy(one, all.begin() + static_cast<std::ptrdiff_t>(at));
  return Value{.bytes = std::move(all)};
}

void show_element(Request& request, const Map& map, std::span<const std::byte> key,
                  std::span<const std::byte> value) {
  if (request.json) {
    request.writer.begin_object();
    request.writer.key("key");
    json_bytes(request.writer, key);
    if (map.is_per_cpu()) {
      show_per_cpu(request, map, value);
    } else {
      request.writer.key("value");
      json_bytes(request.writer, value);
    }
    request.writer.end_object();
    return;
  }
  std::string& out = request.out;
  if (map.is_per_cpu()) {
    out += "key:\n" + rows(key);
    return show_per_cpu(request, map, value);
  }
  if (key.empty()) {
    append_text(out, "value:{}{}", value.size() > 24 ? "\n" : " ",
                value.size() > 24 ? rows(value) : print_hex(value) + "\n");
  } else if (key.size() + value.size() > 24 || key.size() > 16) {
    out += "key:\n" + rows(key) + "value:\n" + rows(value);
  } else {
    append_text(out, "key: {}  value: {}\n", print_hex(key), print_hex(value));
  }
}

}  // namespace skep::cli
