// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.h"

namespace skep {

namespace {

constexpr std::size_t kChunkBytes = 64 * 1024;

Result<Bytes> read_all(int fd, const std::string& path, std::uint64_t at_most) {
  Bytes bytes;
  for (;;) {
    const std::size_t used = bytes.size();
    bytes.resize(used + kChunkBytes);
    const ssize_t got = ::read(fd, bytes.data() + used, kChunkBytes);
    if (got < 0 && errno != EINTR)
      return std::unexpected(system_error(text("cannot read {}", path), errno));
    bytes.resize(used + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (bytes.size() > at_most)
      return fail(Code::limit, "{} is larger than the {} bytes that are read at most", path,
                  at_most);
    if (got == 0) return bytes;
  }
}

}  // namespace

Result<Bytes> read_file(const std::string& path, std::uint64_t at_most) {
  if (path == "-") return read_all(STDIN_FILENO, "standard input", at_most);
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::unexpected(system_error(text("cannot open {}", path), errno));
  return read_all(fd.get(), path, at_most);
}

Status write_file(const std::string& path, std::span<const std::byte> bytes) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd) return std::unexpected(system_error(text("cannot create {}", path), errno));
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return std::unexpected(system_error(text("cannot write {}", path), errno));
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

}  // namespace skep
