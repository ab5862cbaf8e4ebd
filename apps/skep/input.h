// SPDX-License-Identifier: Apache-2.0
// How commands read programs: text, hex or raw bytes, told apart by what is in the file.
#pragma once

#include <string>

#include "apps/skep/command.h"
#include "base/file.h"
#include "isa/classic.h"
#include "isa/insn.h"
#include "isa/names.h"

namespace skep::cli {

enum class InputForm : std::uint8_t { text, hex, decimal, raw };

inline constexpr Option kInputOption{'i', "input", "FORM", "what the file holds; auto looks",
                                     "auto|text|hex|decimal|raw"};
inline constexpr Option kClassicOption{0, "classic", "", "classic BPF instead of eBPF"};
inline constexpr Option kBigEndianOption{0, "big-endian", "",
                                         "bytes are in the order of big-endian machines"};
inline constexpr Option kJsonOption{'j', "json", "", "JSON output"};

[[nodiscard]] const isa::HelperNames& helper_names();

// The file named on the command line, at most a few megabytes.
struct Source {
  std::string name;  // for messages
  Bytes bytes;
  InputForm form;
};
[[nodiscard]] Result<Source> read_source(const Arguments& arguments);

[[nodiscard]] Result<isa::Program> read_program(const Arguments& arguments);
[[nodiscard]] Result<isa::ClassicProgram> read_classic_program(const Arguments& arguments);

}  // namespace skep::cli
