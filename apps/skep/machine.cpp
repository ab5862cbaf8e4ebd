// SPDX-License-Identifier: Apache-2.0
#include "skep/machine.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "apps/skep/machine_objects.h"
#include "maps/region.h"

namespace skep::cli {

namespace {

constexpr std::string_view kUsage =
    "usage: skep machine list\n"
    "       skep machine show NAME\n"
    "       skep machine remove NAME\n"
    "       skep machine help\n";

struct Counted {
  std::string name;
  std::string path;
  unsigned mode = 0;
  maps::RegionUse use;
};

Result<Counted> look_at(const std::string& name) {
  Counted counted{.name = name, .path = SKEP_TRY(machine_path(name))};
  struct stat info{};
  // Only what is there is opened: asking must not make one.
  if (::stat(counted.path.c_str(), &info) != 0)
    return std::unexpected(system_error(text("machine \"{}\"", name), errno));
  counted.mode = info.st_mode & 07777;
  const auto region = SKEP_TRY(in(counted.path, maps::Region::open(counted.path, {})));
  counted.use = region->use();
  return counted;
}

void show_text(std::string& out, const Counted& counted) {
  append_text(out, "{}: {}  mode {:04o}\n\tused {}B  limit {}B  processes {}\n", counted.name,
              counted.path, counted.mode, counted.use.used_bytes, counted.use.limit_bytes,
              counted.use.processes);
}

void show_json(JsonWriter& json, const Counted& counted) {
  json.begin_object();
  json.member("name", counted.name);
  json.member("path", counted.path);
  json.member("mode", text("{:04o}", counted.mode));
  json.member("bytes_used", counted.use.used_bytes);
  json.member("bytes_limit", counted.use.limit_bytes);
  json.member("processes", counted.use.processes);
  json.end_object();
}

Result<std::string> show(std::span<const std::string> names, bool json, bool as_list) {
  std::string out;
  JsonWriter writer;
  if (as_list) writer.begin_array();
  for (const std::string& name : names) {
    const auto counted = look_at(name);
    // Others may remove one that is listed.
    if (!counted && as_list && counted.error().sys == ENOENT) continue;
    if (!counted) return std::unexpected(counted.error());
    show_json(writer, *counted);
    show_text(out, *counted);
  }
  if (as_list) writer.end_array();
  return json ? writer.text() + "\n" : out;
}

int finish(const Result<std::string>& out) {
  if (!out) return complain("machine", out.error());
  std::fwrite(out->data(), 1, out->size(), stdout);
  return kOk;
}

}  // namespace

int run_machine(const Arguments& arguments) {
  const auto& words = arguments.files();
  const std::string word = words.empty() ? "list" : words.front();
  const bool json = arguments.has("json");
  if (word == "list" && words.size() <= 1) {
    const auto names = machine_names();
    return names ? finish(show(*names, json, true)) : complain("machine", names.error());
  }
  if (word == "show" && words.size() == 2) return finish(show({&words[1], 1}, json, false));
  if (word == "remove" && words.size() == 2) {
    const Status done = remove_machine(words[1]);
    return done ? kOk : complain("machine", done.error());
  }
  std::fwrite(kUsage.data(), 1, kUsage.size(), word == "help" ? stdout : stderr);
  return word == "help" ? kOk : kBadUsage;
}

}  // namespace skep::cli
