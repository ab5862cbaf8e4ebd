// SPDX-License-Identifier: Apache-2.0
// The kfuncs that the machine has: name, prototype, flags, which program types may call them, the
// function. Prototypes are in C, with the endings of names by which Linux's verifier knows what an
// argument is for; a BTF can be made from them. Functions expect a Run as the context of the run.
// Constant data, safe from any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/calls.h"
#include "machine/context_fields.h"

namespace skep::machine {

using KfuncFlags = std::uint16_t;
inline constexpr KfuncFlags kAcquire = 1;
inline constexpr KfuncFlags kRelease = 2;
inline constexpr KfuncFlags kMayBeNull = 4;
inline constexpr KfuncFlags kTrusted = 8;
inline constexpr KfuncFlags kSleepable = 16;
inline constexpr KfuncFlags kRcu = 32;
inline constexpr KfuncFlags kIteratorNew = 64;
inline constexpr KfuncFlags kIteratorNext = 128;
inline constexpr KfuncFlags kIteratorDestroy = 256;
inline constexpr KfuncFlags kFastCall = 512;

struct Kfunc {
  std::string_view name;
  std::string_view prototype;
  KfuncFlags flags = 0;
  NumberSet types{};
  engine::HelperFunction function = nullptr;

  [[nodiscard]] constexpr bool has(KfuncFlags flag) const { return (flags & flag) != 0; }
};

[[nodiscard]] std::span<const Kfunc> kfunc_table();
// Nullptr when the machine has none by that name.
[[nodiscard]] const Kfunc* find_kfunc(std::string_view name);

}  // namespace skep::machine
