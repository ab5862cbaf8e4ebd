// SPDX-License-Identifier: Apache-2.0
// What the figures depend on besides the code: stands above every table.
#pragma once

#include <string>

namespace skep::bench {

struct Host {
  std::string cpu;
  std::string kernel;
  std::string compiler;  // of the engines
};

[[nodiscard]] Host describe_host();

}  // namespace skep::bench
