// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace skep {

namespace {

Code code_of_errno(int sys) {
  switch (sys) {
    case ENOENT:
    case ESRCH:
      return Code::not_found;
    case EPERM:
    case EACCES:
      return Code::denied;
    case ENOSYS:
    case EOPNOTSUPP:
      return Code::unsupported;
    case EINVAL:
      return Code::invalid;
    case E2BIG:
    case ENOSPC:
    case ENOMEM:
      return Code::limit;
    default:
      return Code::io;
  }
}

}  // namespace

Error system_error(std::string_view what, int sys) {
  return Error{.code = code_of_errno(sys),
               .sys = sys,
               .what = text("{}: {}", what, std::generic_category().message(sys))};
}

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "skep: internal error: %s:%d: %s\n", file, line, expression);
  std::abort();
}

}  // namespace skep
