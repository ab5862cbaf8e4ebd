// SPDX-License-Identifier: Apache-2.0
// Help as text, the man page and shell completions, all from the table of commands.
#pragma once

#include <string>

#include "apps/skep/command.h"

namespace skep::cli {

[[nodiscard]] std::string overview();
[[nodiscard]] std::string help_text(const Command& command);
[[nodiscard]] std::string man_page();
[[nodiscard]] std::string completion(std::string_view shell);  // empty when the shell is unknown

// The one line that says which release this is.
[[nodiscard]] std::string_view version();

int run_help(const Arguments& arguments);
int run_completion(const Arguments& arguments);
int run_version(const Arguments& arguments);

}  // namespace skep::cli
