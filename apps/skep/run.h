// SPDX-License-Identifier: Apache-2.0
// The commands, one file each.
#pragma once

#include "apps/skep/command.h"

namespace skep::cli {

int run_asm(const Arguments& arguments);
int run_disasm(const Arguments& arguments);
int run_exec(const Arguments& arguments);

}  // namespace skep::cli
