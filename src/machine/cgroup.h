// SPDX-License-Identifier: Apache-2.0
// Where this process stands among the control groups of the host, by the ids that Linux's helpers
// give. Reads /proc and the cgroup file system; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace skep::machine {

// The id of this process's group in the second hierarchy; 0 if there is none to be seen.
[[nodiscard]] std::uint64_t current_cgroup_id();
// The id of its ancestor `level` steps below the root; 0 if there is none.
[[nodiscard]] std::uint64_t current_ancestor_cgroup_id(int level);

// The path in the second hierarchy that /proc/self/cgroup says; empty if it says none.
[[nodiscard]] std::string_view unified_cgroup(std::string_view proc_self_cgroup);
// The path of the ancestor: "/a/b/c" at 2 is "/a/b", at 0 "/"; empty below the path's own level.
[[nodiscard]] std::string_view cgroup_ancestor(std::string_view path, int level);

}  // namespace skep::machine
