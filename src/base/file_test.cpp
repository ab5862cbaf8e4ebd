// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace skep {

namespace {

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "skep-file-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(std::string_view name) const { return text("{}/{}", path_, name); }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("file: what is written is read, whatever its size") {
  const Folder folder;
  const std::string path = folder.file("x");
  for (const std::size_t size : {0U, 1U, 65535U, 65536U, 65537U, 200'000U}) {
    const Bytes bytes(size, std::byte{0x5a});
    REQUIRE(write_file(path, bytes));
    const auto again = read_file(path);
    REQUIRE(again);
    CHECK(*again == bytes);
  }
}

TEST_CASE("file: reading stops at the limit") {
  const Folder folder;
  const std::string path = folder.file("x");
  REQUIRE(write_file(path, as_bytes("12345678")));
  CHECK(read_file(path, 8).has_value());
  const auto refused = read_file(path, 7);
  REQUIRE(!refused);
  CHECK(refused.error().code == Code::limit);
  CHECK(refused.error().what == path + " is larger than the 7 bytes that are read at most");
}

TEST_CASE("file: what cannot be opened says so") {
  const Folder folder;
  const auto missing = read_file(folder.file("none"));
  REQUIRE(!missing);
  CHECK(missing.error().code == Code::not_found);
  CHECK(missing.error().what ==
        "cannot open " + folder.file("none") + ": No such file or directory");
  CHECK(!read_file(folder.file("")).has_value());
  CHECK(!write_file(folder.file("none/x"), {}));
}

}  // namespace skep
