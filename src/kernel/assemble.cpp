// SPDX-License-Identifier: Apache-2.0
#include "skep/assemble.h"

#include "abi/helper_names.h"
#include "isa/assemble.h"

namespace skep {

Result<Bytes> assemble(std::string_view text, std::string_view name) {
  const isa::Program program = SKEP_TRY(
      isa::assemble(text, name, {.name_of = abi::helper_name, .number_of = abi::helper_number}));
  return isa::encode(program);
}

}  // namespace skep
