// SPDX-License-Identifier: Apache-2.0
#include "machine/probe_read.h"

#include <doctest/doctest.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

namespace skep::machine {

namespace {

// Two pages, of which only the first can be read.
class Pages {
 public:
  static constexpr std::size_t kPage = 4096;
  Pages()
      : at_(static_cast<char*>(::mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    REQUIRE(at_ != MAP_FAILED);
    REQUIRE(::mprotect(at_ + kPage, kPage, PROT_NONE) == 0);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { ::munmap(at_, 2 * kPage); }
  [[nodiscard]] char* end() const { return at_ + kPage; }

 private:
  char* at_;
};

std::uint64_t address(const void* place) { return reinterpret_cast<std::uint64_t>(place); }

std::span<std::byte> room(std::span<char> buffer) { return std::as_writable_bytes(buffer); }

}  // namespace

TEST_CASE("probe_read: what can be read is read, what cannot becomes zeros") {
  const Pages pages;
  std::memcpy(pages.end() - 4, "abcd", 4);
  std::array<char, 8> buffer{};
  buffer.fill('#');
  CHECK(probe_read(room(std::span(buffer).first(4)), address(pages.end() - 4)) == 0);
  CHECK(std::string_view(buffer.data(), 5) == "abcd#");
  for (const std::uint64_t bad :
       {address(pages.end() - 4), address(pages.end()), std::uint64_t{0}, std::uint64_t{8},
        ~std::uint64_t{0}, std::uint64_t{0xffff'8000'0000'0000}, std::uint64_t{1} << 60}) {
    buffer.fill('#');
    CHECK(probe_read(room(buffer), bad) == -EFAULT);
    CHECK(std::string_view(buffer.data(), 8) == std::string_view("\0\0\0\0\0\0\0\0", 8));
  }
  CHECK(probe_read({}, 0) == 0);
}

TEST_CASE("probe_read_string: ends with its zero, or with the room") {
  const Pages pages;
  char* text = pages.end() - 6;
  std::memcpy(text, "hello", 6);
  std::array<char, 16> buffer{};
  buffer.fill('#');
  CHECK(probe_read_string(room(buffer), address(text)) == 6);
  CHECK(std::string_view(buffer.data(), 8) == std::string_view("hello\0##", 8));
  buffer.fill('#');
  CHECK(probe_read_string(room(std::span(buffer).first(3)), address(text)) == 3);
  CHECK(std::string_view(buffer.data(), 4) == std::string_view("he\0#", 4));
  CHECK(probe_read_string(room(std::span(buffer).first(1)), address(text)) == 1);
  CHECK(probe_read_string({}, address(text)) == 0);
  CHECK(probe_read_string(room(buffer), 0) == -EFAULT);
  CHECK(buffer[5] == '\0');
}

TEST_CASE("probe_read_string: a string that runs into what cannot be read") {
  const Pages pages;
  std::memcpy(pages.end() - 3, "abc", 3);
  std::array<char, 16> buffer{};
  buffer.fill('#');
  CHECK(probe_read_string(room(buffer), address(pages.end() - 3)) == -EFAULT);
  CHECK(buffer[0] == '\0');
  CHECK(buffer[15] == '\0');
  CHECK(probe_read_string(room(std::span(buffer).first(3)), address(pages.end() - 3)) == 3);
}

TEST_CASE("probe_read_string: long strings over many pages") {
  const std::string text(20'000, 'x');
  std::string copy(30'000, '#');
  CHECK(probe_read_string(room(copy), address(text.c_str())) == 20'001);
  CHECK(copy.compare(0, 20'000, text) == 0);
  CHECK(copy[20'000] == '\0');
  CHECK(copy[20'001] == '#');
}

TEST_CASE("probe_write: writes, or says why not") {
  const Pages pages;
  const auto bytes = std::as_bytes(std::span("xyz", 3));
  CHECK(probe_write(address(pages.end() - 3), bytes) == 0);
  CHECK(std::memcmp(pages.end() - 3, "xyz", 3) == 0);
  CHECK(probe_write(address(pages.end() - 2), bytes) == -EFAULT);
  CHECK(probe_write(0, bytes) == -EFAULT);
  CHECK(probe_write(0xffff'8000'0000'0000, bytes) == -EPERM);
  CHECK(probe_write(~std::uint64_t{0}, bytes) == -EPERM);
}

}  // namespace skep::machine
