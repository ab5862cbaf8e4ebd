// SPDX-License-Identifier: Apache-2.0
// The one way to fail: a function that can fail returns Result<T>, and the compiler refuses to drop
// it. `code` says what the caller can do, `what` says what happened with the numbers, `sys` is the
// errno for callers that speak bpf(2). Load paths only: per-event paths return plain enums.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/format.h"

namespace skep {

enum class Code : std::uint8_t {
  invalid,      // the input is wrong; the same input will fail again
  not_found,    // a file, a name or an id does not exist
  unsupported,  // meaningful, but this build or this host cannot do it
  limit,        // larger than what is allowed
  denied,       // the host refused for lack of rights
  io,           // reading or writing failed
};

struct Error {
  Code code = Code::invalid;
  int sys = 0;
  std::string what;
};

template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

using Status = Result<void>;

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
