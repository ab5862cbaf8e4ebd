// SPDX-License-Identifier: Apache-2.0
// Which names Linux takes for types, members and sections: letters are those of Latin-1, and a dot
// is as good as an underscore.
#pragma once

#include <cstddef>
#include <string_view>

namespace skep::btf {

inline constexpr std::size_t kMaxNameBytes = 512;

[[nodiscard]] bool is_identifier(std::string_view name);
[[nodiscard]] bool is_section_name(std::string_view name);

}  // namespace skep::btf
