// SPDX-License-Identifier: Apache-2.0
#include "machine/sha256.h"

#include <doctest/doctest.h>

#include <string>

#include "base/file.h"
#include "base/format.h"

namespace skep::machine {

namespace {

std::string digest(std::string_view of) {
  std::string words;
  for (const std::uint8_t byte : sha256(as_bytes(of))) words += text("{:02x}", byte);
  return words;
}

}  // namespace

// Examples of FIPS 180-2, and lengths around a block computed with sha256sum.
TEST_CASE("sha256 of known messages") {
  CHECK(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(digest(std::string(55, 'a')) ==
        "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  CHECK(digest(std::string(56, 'a')) ==
        "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
  CHECK(digest(std::string(64, 'a')) ==
        "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

}  // namespace skep::machine
