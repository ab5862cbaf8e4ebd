// SPDX-License-Identifier: Apache-2.0
#include "bench/host.h"

#include <sys/utsname.h>

#include <fstream>
#include <string_view>

namespace skep::bench {

namespace {

// Not every architecture names its model.
std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name"))
      if (const auto at = line.find(": "); at != std::string::npos) return line.substr(at + 2);
  return "unknown";
}

}  // namespace

Host describe_host() {
  utsname names{};
  ::uname(&names);
#if defined(__clang__)
  const char* compiler = "clang " __clang_version__;
#else
  const char* compiler = "g++ " __VERSION__;
#endif
  return {.cpu = cpu_model(),
          .kernel = std::string(names.sysname) + " " + names.release + " " + names.machine,
          .compiler = compiler};
}

}  // namespace skep::bench
