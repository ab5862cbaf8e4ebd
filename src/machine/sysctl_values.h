// SPDX-License-Identifier: Apache-2.0
// What a cgroup_sysctl program sees and changes of the sysctl that is read or written. Plain data
// of who runs the program.
#pragma once

#include <cstdint>
#include <string>

namespace skep::machine {

struct SysctlValues {
  static constexpr std::uint32_t kMostBytes = 4096;

  std::string name;     // "net/ipv4/ip_forward"
  std::string current;  // without it programs get EINVAL
  std::string written;  // what the writer wants, then what the program made of it
  bool write = false;
  bool updated = false;  // by the program
};

}  // namespace skep::machine
