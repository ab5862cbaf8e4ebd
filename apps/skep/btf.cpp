// SPDX-License-Identifier: Apache-2.0
#include "skep/btf.h"

#include <array>
#include <cerrno>

#include "apps/skep/btf_dump.h"
#include "apps/skep/machine_objects.h"
#include "base/file.h"

namespace skep::cli {

namespace {

constexpr std::string_view kGrammar =
    "SOURCE := { id N | prog PROG | map MAP | file FILE }\n"
    "MAP := { id N | pinned PATH | name NAME }\n"
    "PROG := { id N | pinned PATH | tag TAG | name NAME }\n";

// Who uses which.
struct Users {
  std::vector<ProgramInfo> programs;
  std::vector<MapInfo> maps;
};

Result<Users> find_users(Kernel& kernel) {
  Users users;
  const auto programs = SKEP_TRY(all_programs(kernel));
  for (const Program& program : programs) users.programs.push_back(SKEP_TRY(program.info()));
  const auto maps = SKEP_TRY(all_maps(kernel));
  for (const Map& map : maps) users.maps.push_back(map.info());
  return users;
}

template <class Info>
std::vector<std::uint32_t> ids_with(const std::vector<Info>& infos, std::uint32_t btf) {
  std::vector<std::uint32_t> ids;
  for (const Info& info : infos)
    if (info.btf_id == btf) ids.push_back(info.id);
  return ids;
}

Status show(Request& request, const Btf& btf, const Users& users) {
  const BtfInfo info = SKEP_TRY(btf.info());
  const auto programs = ids_with(users.programs, info.id);
  const auto maps = ids_with(users.maps, info.id);
  if (request.json) {
    JsonWriter& json = request.writer;
    json.begin_object();
    json.member("id", info.id);
    json.member("size", info.bytes);
    json_ids(json, "prog_ids", programs);
    json_ids(json, "map_ids", maps);
    json.member("kernel", info.kernel);
    if (!info.name.empty()) json.member("name", info.name);
    json.end_object();
    return {};
  }
  append_text(request.out, "{}: name {}  size {}B", info.id,
              info.kernel         ? text("[{}]", info.name)
              : info.name.empty() ? std::string("<anon>")
                                  : info.name,
              info.bytes);
  append_ids(request.out, "prog_ids", programs);
  append_ids(request.out, "map_ids", maps);
  request.out += '\n';
  return {};
}

Status show_btfs(Request& request) {
  const Users users = SKEP_TRY(find_users(request.kernel));
  if (!request.words.empty()) {
    if (!request.words.take("id")) return request.words.mistake("expected id");
    const std::uint32_t id = SKEP_TRY(request.words.number32("the id of a BTF"));
    SKEP_TRY(request.words.end());
    return show(request, SKEP_TRY(Btf::by_id(request.kernel, id)), users);
  }
  if (request.json) request.writer.begin_array();
  const auto ids = SKEP_TRY(Btf::ids(request.kernel));
  for (const std::uint32_t id : ids) {
    const auto btf = Btf::by_id(request.kernel, id);
    if (btf) SKEP_TRY(show(request, *btf, users));
    if (!btf && btf.error().sys != ENOENT) return std::unexpected(btf.error());
  }
  if (request.json) request.writer.end_array();
  return {};
}

Result<Bytes> read_bytes(Kernel& kernel, std::uint32_t id, std::string_view what) {
  if (id == 0) return fail(Code::not_found, "the {} has no BTF", what);
  const Btf btf = SKEP_TRY(Btf::by_id(kernel, id));
  return btf.bytes();
}

Result<Bytes> read_source_bytes(Request& request) {
  Words& words = request.words;
  if (words.take("file")) return read_file(SKEP_TRY(words.next("a file")));
  if (words.take("id"))
    return read_bytes(request.kernel, SKEP_TRY(words.number32("the id of a BTF")), "id");
  if (words.take("map")) {
    const Map map = SKEP_TRY(find_map(request));
    return read_bytes(request.kernel, map.info().btf_id, "map");
  }
  if (!words.take("prog")) return words.mistake("expected id, prog, map or file");
  const Program program = SKEP_TRY(find_program(request));
  const ProgramInfo info = SKEP_TRY(program.info());
  return read_bytes(request.kernel, info.btf_id, "program");
}

Status dump_btf(Request& request) {
  const Bytes bytes = SKEP_TRY(read_source_bytes(request));
  if (request.words.take("format") && !request.words.take("raw"))
    return request.words.mistake("the only format is raw");
  SKEP_TRY(request.words.end());
  const auto types = SKEP_TRY(btf::Btf::read(bytes));
  if (request.json)
    dump_json(request.writer, types);
  else
    request.out = dump_text(types);
  return {};
}

constexpr auto kActions = std::to_array<Action>({
    {"show|list", "[id N]", show_btfs},
    {"dump", "SOURCE [format raw]", dump_btf},
});

}  // namespace

int run_btf(const Arguments& arguments) { return run_action("btf", arguments, kActions, kGrammar); }

}  // namespace skep::cli
