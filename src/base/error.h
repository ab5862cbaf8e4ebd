// SPDX-License-Identifier: Apache-2.0
// Making errors, and handing them up. Load paths only: per-event paths return plain enums.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "skep/error.h"

namespace skep {

template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(Code code, fmt::format_string<Args...> format,
                                          Args&&... args) {
  return std::unexpected(
      Error{.code = code, .sys = 0, .what = fmt::vformat(format, fmt::make_format_args(args...))});
}

// `errno` becomes code, number and words: "cannot open x: No such file or directory".
[[nodiscard]] Error system_error(std::string_view what, int sys);

// Adds the place on the way up: in("demo.o: .BTF", result).
template <class T>
[[nodiscard]] Result<T> in(std::string_view place, Result<T> result) {
  if (result) return result;
  Error error = std::move(result).error();
  error.what.insert(0, text("{}: ", place));
  return std::unexpected(std::move(error));
}

// Ends the process: a broken promise inside Skep itself, never a mistake in the input.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace skep

// Stands alone on the right of `=` or as a statement, never inside an argument list.
#define SKEP_TRY(...)                                        \
  __extension__({                                            \
    auto try_result = (__VA_ARGS__);                         \
    if (!try_result) [[unlikely]]                            \
      return std::unexpected(std::move(try_result).error()); \
    *std::move(try_result);                                  \
  })

// Kept in release builds: memory safety may depend on it.
#define SKEP_ASSERT(expression) \
  ((expression) ? void() : ::skep::assertion_failed(#expression, __FILE__, __LINE__))
