// SPDX-License-Identifier: Apache-2.0
// The one way to fail: a function that can fail returns Result<T>, and the compiler refuses to drop
// it. `code` says what the caller can do, `what` says what happened with the numbers, `sys` is the
// errno of bpf(2) where there is one. Plain values, without ties to threads.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

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

}  // namespace skep
