// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <limits>

#include "apps/skep/map.h"
#include "base/hex.h"

namespace skep::cli {

namespace {

// JSON's null, as the writer has it.
constexpr double kNull = std::numeric_limits<double>::quiet_NaN();

// The key behind the word "key"; maps without keys have none.
Result<Bytes> read_key(Words& words, const Map& map) {
  if (map.info().key_bytes == 0 && words.peek() != "key") return Bytes();
  if (!words.take("key")) return words.mistake("expected key DATA");
  return read_data(words, map.info().key_bytes, "key");
}

void show_key(Request& request, std::string_view title, std::span<const std::byte> key) {
  if (request.json) {
    request.writer.key(title);
    json_bytes(request.writer, key);
  } else {
    append_text(request.out, "{}:\n{}\n", title, print_hex(key));
  }
}

void not_found(Request& request, std::span<const std::byte> key) {
  request.code = kBadInput;
  if (request.json)
    request.writer.value(kNull);
  else
    append_text(request.out, "key:\n{}\n\nNot found\n", print_hex(key));
}

}  // namespace

Status dump_map(Request& request) {
  const Map map = SKEP_TRY(find_map(request));
  SKEP_TRY(request.words.end());
  std::uint64_t count = 0;
  if (request.json) request.writer.begin_array();
  SKEP_TRY(map.for_each([&](Map::Key key, Map::Value value) {
    show_element(request, map, key, value);
    ++count;
    return true;
  }));
  if (request.json)
    request.writer.end_array();
  else
    append_text(request.out, "Found {} element{}\n", count, count == 1 ? "" : "s");
  return {};
}

Status look_up(Request& request) {
  const Map map = SKEP_TRY(find_map(request));
  const Bytes key = SKEP_TRY(read_key(request.words, map));
  SKEP_TRY(request.words.end());
  Bytes value(map.element_bytes());
  Status found = map.lookup(key, value);
  if (!found && found.error().sys == ENOENT) {
    not_found(request, key);
    return {};
  }
  if (found) show_element(request, map, key, value);
  return found;
}

Status update_element(Request& request) {
  const Map map = SKEP_TRY(find_map(request));
  const Bytes key = SKEP_TRY(read_key(request.words, map));
  if (!request.words.take("value")) return request.words.mistake("expected value VALUE");
  const Value value = SKEP_TRY(read_value(request, map));
  std::uint64_t flags = kAny;
  if (request.words.take("noexist"))
    flags = kOnlyNew;
  else if (request.words.take("exist"))
    flags = kOnlyExisting;
  else
    (void)request.words.take("any");
  SKEP_TRY(request.words.end());
  return map.update(key, value.bytes, flags);
}

Status delete_element(Request& request) {
  const Map map = SKEP_TRY(find_map(request));
  const Bytes key = SKEP_TRY(read_key(request.words, map));
  SKEP_TRY(request.words.end());
  return map.erase(key);
}

Status next_key(Request& request) {
  const Map map = SKEP_TRY(find_map(request));
  std::optional<Bytes> key;
  if (!request.words.empty()) key = SKEP_TRY(read_key(request.words, map));
  SKEP_TRY(request.words.end());
  Bytes next(map.info().key_bytes);
  SKEP_TRY(map.next_key(key ? std::optional<Map::Key>(*key) : std::nullopt, next));
  if (request.json) request.writer.begin_object();
  if (key)
    show_key(request, "key", *key);
  else if (request.json)
    request.writer.member("key", kNull);
  else
    request.out += "key: None\n";
  show_key(request, request.json ? "next_key" : "next key", next);
  if (request.json) request.writer.end_object();
  return {};
}

Status peek_element(Request& request) { return look_up(request); }

Status push_element(Request& request) { return update_element(request); }

Status pop_element(Request& request) {
  const Map map = SKEP_TRY(find_map(request));
  SKEP_TRY(request.words.end());
  Bytes value(map.element_bytes());
  Status taken = map.take({}, value);
  if (taken) show_element(request, map, {}, value);
  if (taken || taken.error().sys != ENOENT) return taken;
  if (!request.json) return fail(Code::not_found, "the map is empty");
  request.writer.value(kNull);
  request.code = kBadInput;
  return {};
}

}  // namespace skep::cli
