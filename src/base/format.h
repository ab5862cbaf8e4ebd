// SPDX-License-Identifier: Apache-2.0
// Text formatting for all of Skep: `text("{} bytes", n)`. The format string is checked at compile
// time; the work is done once, in format.cpp, which carries its own copy of fmt.
#pragma once

#include <fmt/core.h>

#include <string>

namespace skep {

template <class... Args>
[[nodiscard]] std::string text(fmt::format_string<Args...> format, Args&&... args) {
  return fmt::vformat(format, fmt::make_format_args(args...));
}

template <class... Args>
void append_text(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  out += fmt::vformat(format, fmt::make_format_args(args...));
}

}  // namespace skep
