// SPDX-License-Identifier: Apache-2.0
#include "apps/skep/map.h"

#include <array>

#include "abi/map_types.h"

namespace skep::cli {

namespace {

constexpr auto kActions = std::to_array<Action>({
    {"show|list", "[MAP]", show_maps},
    {"create", "PATH type TYPE key BYTES value BYTES entries N name NAME [flags N] [inner_map MAP]",
     create_map},
    {"dump", "MAP", dump_map},
    {"update", "MAP [key DATA] [value VALUE] [any|exist|noexist]", update_element},
    {"lookup", "MAP [key DATA]", look_up},
    {"getnext", "MAP [key DATA]", next_key},
    {"delete", "MAP key DATA", delete_element},
    {"pin", "MAP PATH", pin_map},
    {"peek", "MAP", peek_element},
    {"push|enqueue", "MAP value VALUE", push_element},
    {"pop|dequeue", "MAP", pop_element},
    {"freeze", "MAP", freeze_map},
});

std::string grammar() {
  std::string types;
  for (const abi::MapType& type : abi::kMapTypes)
    if (type.number != 0) append_text(types, " {}", type.name);
  return text(
      "MAP := {{ id N | pinned PATH | name NAME }}\nDATA := {{ [hex] BYTES }}\n"
      "VALUE := {{ DATA | MAP | PROG }}\nTYPE := one of{}\n",
      types);
}

std::string type_name(MapType type) {
  const auto number = static_cast<std::uint32_t>(type);
  const abi::MapType* row = abi::find_map_type(number);
  return row == nullptr ? text("type {}", number) : std::string(row->name);
}

void show(Request& request, const MapInfo& info) {
  if (!request.json) {
    append_text(request.out, "{}: {}  {}flags {:#x}\n", info.id, type_name(info.type),
                info.name.empty() ? std::string() : text("name {}  ", info.name), info.flags);
    append_text(request.out, "\tkey {}B  value {}B  max_entries {}\n", info.key_bytes,
                info.value_bytes, info.max_entries);
    if (info.btf_id != 0) append_text(request.out, "\tbtf_id {}\n", info.btf_id);
    return;
  }
  JsonWriter& json = request.writer;
  json.begin_object();
  json.member("id", info.id);
  json.member("type", type_name(info.type));
  if (!info.name.empty()) json.member("name", info.name);
  json.member("flags", info.flags);
  json.member("bytes_key", info.key_bytes);
  json.member("bytes_value", info.value_bytes);
  json.member("max_entries", info.max_entries);
  if (info.btf_id != 0) json.member("btf_id", info.btf_id);
  json.end_object();
}

}  // namespace

int run_map(const Arguments& arguments) {
  return run_action("map", arguments, kActions, grammar());
}

// One map is an object in JSON, all are an array, and so are those of a name.
Status show_maps(Request& request) {
  const bool one = request.words.peek() == "id" || request.words.peek() == "pinned";
  const auto maps = SKEP_TRY(request.words.empty() ? all_maps(request.kernel) : find_maps(request));
  SKEP_TRY(request.words.end());
  if (request.json && !one) request.writer.begin_array();
  for (const Map& map : maps) show(request, map.info());
  if (request.json && !one) request.writer.end_array();
  return {};
}

Status create_map(Request& request) {
  Words& words = request.words;
  const std::string path = SKEP_TRY(words.next("the path to pin it to"));
  MapOptions options{.key_bytes = 0, .value_bytes = 0, .max_entries = 0};
  std::optional<Map> inner;
  bool typed = false;
  while (!words.empty()) {
    const std::string word = SKEP_TRY(words.next("a word"));
    if (word == "type") {
      const std::string name = SKEP_TRY(words.next("a type"));
      const abi::MapType* row = abi::find_map_type(std::string_view(name));
      if (row == nullptr) return words.mistake(text("no map type is called \"{}\"", name));
      options.type = static_cast<MapType>(row->number);
      typed = true;
    } else if (word == "name") {
      options.name = SKEP_TRY(words.next("a name"));
    } else if (word == "key") {
      options.key_bytes = SKEP_TRY(words.number32("the bytes of a key"));
    } else if (word == "value") {
      options.value_bytes = SKEP_TRY(words.number32("the bytes of a value"));
    } else if (word == "entries") {
      options.max_entries = SKEP_TRY(words.number32("how many entries"));
    } else if (word == "flags") {
      options.flags = SKEP_TRY(words.number32("flags"));
    } else if (word == "inner_map") {
      inner = SKEP_TRY(find_map(request));
      options.inner = &*inner;
    } else {
      return words.mistake(text("unexpected \"{}\"", word));
    }
  }
  if (!typed) return words.mistake("expected type TYPE");
  const Map map = SKEP_TRY(Map::create(request.kernel, options));
  return map.pin(path);
}

Status pin_map(Request& request) {
  const Map map = SKEP_TRY(find_map(request));
  const std::string path = SKEP_TRY(request.words.next("the path to pin it to"));
  SKEP_TRY(request.words.end());
  return map.pin(path);
}

Status freeze_map(Request& request) {
  const Map map = SKEP_TRY(find_map(request));
  SKEP_TRY(request.words.end());
  return map.freeze();
}

}  // namespace skep::cli
