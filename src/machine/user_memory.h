// SPDX-License-Identifier: Apache-2.0
// Memory that a caller of bpf(2) names by address: copied in and out so that a bad address is an
// errno and not a crash. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"

namespace skep::machine {

// 0 or -EFAULT.
[[nodiscard]] long copy_from_user(void* to, std::uint64_t from, std::uint64_t bytes);
[[nodiscard]] long copy_to_user(std::uint64_t to, const void* from, std::uint64_t bytes);

// A string of less than `room` bytes; otherwise a negative errno: EFAULT, or `too_long`.
[[nodiscard]] long string_from_user(std::string& to, std::uint64_t from, std::uint64_t room,
                                    int too_long);

}  // namespace skep::machine
