// SPDX-License-Identifier: Apache-2.0
// Names that keep objects alive: the machine's stand-in for the bpf filesystem. The namespace lies
// in the Region, so all processes of a machine share it, and it stays when they have gone.
// Directories are not made: every absolute path is a name. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "machine/object_table.h"

namespace skep::machine {

inline constexpr unsigned kMaxPins = 4096;
inline constexpr unsigned kPinPathBytes = 240;

struct Pin {
  std::string path;
  ObjectKind kind{};
  std::uint32_t id = 0;
};

struct PinsLayout;

class Pins {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Pins>> open(Region& region, ObjectTable& objects);
  // 0 or a negative errno: EEXIST, ENAMETOOLONG, EINVAL (not absolute), ENOSPC.
  [[nodiscard]] long add(std::string_view path, ObjectKind kind, std::uint32_t id);
  [[nodiscard]] long remove(std::string_view path);
  [[nodiscard]] std::optional<Pin> find(std::string_view path);
  [[nodiscard]] std::vector<Pin> all();

 private:
  Pins(Region& region, ObjectTable& objects, PinsLayout* layout)
      : region_(region), objects_(objects), layout_(layout) {}

  Region& region_;
  ObjectTable& objects_;
  PinsLayout* layout_;
};

}  // namespace skep::machine
