// SPDX-License-Identifier: Apache-2.0
// The measured programs as bench/build-programs leaves them in a directory: instructions, and the
// native peers of the same source. The native functions live as long as their Peers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/engine.h"
#include "isa/insn.h"

namespace skep::bench {

inline constexpr std::size_t kBufferBytes = 64 << 10;

using NativeFunction = unsigned long (*)(void* mem, unsigned long len);

struct Program {
  std::string name;
  isa::Program insns;
  NativeFunction native = nullptr;  // -O2
  NativeFunction scalar = nullptr;  // -O2 without vectors and unrolled loops
};

struct LibraryCloser {
  void operator()(void* library) const;
};
using Library = std::unique_ptr<void, LibraryCloser>;

struct Programs {
  std::vector<Program> all;  // by name
  std::string compiler;      // of programs and peers
  Library native;
  Library scalar;
};

[[nodiscard]] Result<Programs> load_programs(const std::string& directory);

// What the programs may call: helper 1, as bench/native/mix.c has it.
[[nodiscard]] const engine::Calls& calls();

// The buffer before a run: the same noise each time.
[[nodiscard]] std::vector<std::uint64_t> fresh_buffer();

}  // namespace skep::bench
