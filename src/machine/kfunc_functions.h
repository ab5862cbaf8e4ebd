// SPDX-License-Identifier: Apache-2.0
// The functions behind the kfuncs, one for each row of the table; files kfuncs_*.cpp hold them by
// family. Arguments and results are as those of helpers.
#pragma once

#include "machine/helper_functions.h"

namespace skep::machine::kfunc {

using helper::address_of;
using helper::pointer;
using helper::result;

#define SKEP_KFUNC(name, ...)                                                                   \
  std::uint64_t name(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, \
                     void*);
#include "machine/kfuncs.def"
#undef SKEP_KFUNC

}  // namespace skep::machine::kfunc
