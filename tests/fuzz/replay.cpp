// SPDX-License-Identifier: Apache-2.0
// A main program for a fuzz target without libFuzzer: runs it once on each file named. MSan needs
// it, because libFuzzer itself is not instrumented and would be reported.
#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "base/file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const auto bytes = skep::read_file(argv[i]);
    if (!bytes) {
      std::fprintf(stderr, "%s\n", bytes.error().what.c_str());
      return 1;
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size());
  }
  std::printf("replay: %d inputs, no finding\n", argc - 1);
  return 0;
}
