// SPDX-License-Identifier: Apache-2.0
// A failure with the errno that Linux gives for the same mistake.
#pragma once

#include <cerrno>

#include "abi/limits.h"
#include "base/error.h"

namespace skep::btf {

[[nodiscard]] constexpr Code code_of(int sys) {
  switch (sys) {
    case E2BIG:
      return Code::limit;
    case ENOENT:
      return Code::not_found;
    case EACCES:
    case EPERM:
      return Code::denied;
    case EOPNOTSUPP:
    case abi::ENOTSUPP:
      return Code::unsupported;
    default:
      return Code::invalid;
  }
}

template <class... Args>
[[nodiscard]] std::unexpected<Error> refuse(int sys, fmt::format_string<Args...> format,
                                            Args&&... args) {
  return std::unexpected(Error{.code = code_of(sys),
                               .sys = sys,
                               .what = fmt::vformat(format, fmt::make_format_args(args...))});
}

}  // namespace skep::btf
