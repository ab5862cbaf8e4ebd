// SPDX-License-Identifier: Apache-2.0
#include "machine/cgroup.h"

#include <sys/stat.h>

#include <array>
#include <string>

#include "base/file.h"

namespace skep::machine {

namespace {

constexpr auto kMounts = std::to_array<std::string_view>({
    "/sys/fs/cgroup/unified",  // beside the first hierarchy
    "/sys/fs/cgroup",
});

std::string own_cgroup() {
  const auto text = read_file("/proc/self/cgroup");
  if (!text) return {};
  return std::string(unified_cgroup(as_text(*text)));
}

// An id is the inode number of the group's directory.
std::uint64_t cgroup_id(std::string_view path) {
  if (path.empty()) return 0;
  for (const std::string_view mount : kMounts) {
    struct stat controllers{};
    const std::string root(mount);
    if (::stat((root + "/cgroup.controllers").c_str(), &controllers) != 0) continue;
    struct stat directory{};
    if (::stat((root + std::string(path)).c_str(), &directory) == 0) return directory.st_ino;
  }
  return 0;
}

}  // namespace

std::string_view unified_cgroup(std::string_view proc_self_cgroup) {
  constexpr std::string_view kPrefix = "0::";
  while (!proc_self_cgroup.empty()) {
    const std::string_view line = proc_self_cgroup.substr(0, proc_self_cgroup.find('\n'));
    if (line.starts_with(kPrefix)) return line.substr(kPrefix.size());
    proc_self_cgroup.remove_prefix(std::min(line.size() + 1, proc_self_cgroup.size()));
  }
  return {};
}

std::string_view cgroup_ancestor(std::string_view path, int level) {
  if (level < 0 || path.empty()) return {};
  if (level == 0) return "/";
  if (path == "/") return {};
  std::size_t end = 0;
  for (; level > 0; --level) {
    if (end >= path.size()) return {};
    const std::size_t next = path.find('/', end + 1);
    end = next == std::string_view::npos ? path.size() : next;
  }
  return path.substr(0, end);
}

std::uint64_t current_cgroup_id() { return cgroup_id(own_cgroup()); }

std::uint64_t current_ancestor_cgroup_id(int level) {
  const std::string path = own_cgroup();
  return cgroup_id(cgroup_ancestor(path, level));
}

}  // namespace skep::machine
