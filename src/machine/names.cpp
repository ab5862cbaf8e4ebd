// SPDX-License-Identifier: Apache-2.0
#include "machine/names.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace skep::machine {

namespace {

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

std::string runtime_directory() {
  if (const char* given = std::getenv("XDG_RUNTIME_DIR"); given != nullptr && *given == '/')
    return given;
  std::string own = text("/run/user/{}", geteuid());
  struct stat info{};
  if (stat(own.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return own;
  return geteuid() == 0 ? "/run" : "/tmp";
}

}  // namespace

long copy_object_name(std::array<char, 16>& to, const char (&from)[16]) {
  to = {};
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (from[i] == '\0') return 0;
    if (!is_name_character(from[i])) return -EINVAL;
    to[i] = from[i];
  }
  return -EINVAL;
}

Result<std::string> machine_directory(bool make) {
  const std::string base = runtime_directory();
  std::string directory = base == "/tmp" ? text("/tmp/skep-{}", geteuid()) : base + "/skep";
  if (make && mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return std::unexpected(system_error(text("cannot make {}", directory), errno));
  struct stat info{};
  if (lstat(directory.c_str(), &info) != 0) {
    if (!make && errno == ENOENT) return directory;
    return std::unexpected(system_error(text("cannot look at {}", directory), errno));
  }
  // In /tmp anybody could have been there first.
  if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 022) != 0)
    return std::unexpected(Error{
        Code::denied, EPERM, text("{} is not a directory that this user alone writes", directory)});
  return directory;
}

Result<std::string> machine_path(std::string_view name) {
  const auto sound = [](char c) { return is_name_character(c) || c == '-'; };
  if (name.empty() || name.size() > 64 || name.front() == '.' || !std::ranges::all_of(name, sound))
    return fail(Code::invalid,
                "\"{}\" is no name of a machine: 1 to 64 letters, digits, '-', '_', '.'", name);
  const std::string directory = SKEP_TRY(machine_directory(true));
  return directory + "/" + std::string(name);
}

Result<std::vector<std::string>> machine_names() {
  const std::string directory = SKEP_TRY(machine_directory(false));
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(directory.c_str()), closedir);
  if (open == nullptr) return names;
  while (const dirent* entry = readdir(open.get()))
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  std::ranges::sort(names);
  return names;
}

}  // namespace skep::machine
