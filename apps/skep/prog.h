// SPDX-License-Identifier: Apache-2.0
// The actions of `skep prog`, by file: showing, loading, running.
#pragma once

#include "apps/skep/machine_objects.h"

namespace skep::cli {

Status show_programs(Request& request);
Status dump_program(Request& request);
Status pin_program(Request& request);
Status load_program(Request& request);
Status run_program(Request& request);

}  // namespace skep::cli
