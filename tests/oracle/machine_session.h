// SPDX-License-Identifier: Apache-2.0
// The same commands of bpf(2) put to the running Linux and to a machine of this process. A scenario
// is written once, against a Session; what it is told becomes a transcript, and two transcripts of
// one scenario must be equal. Descriptors count as "made", so that their numbers do not matter; the
// session closes them. One thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "abi/bpf_attr.h"
#include "base/fd.h"
#include "machine/machine.h"

namespace skep::test {

// Who answers: results are 0 or more, or a negative errno.
class Side {
 public:
  Side() = default;
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;
  virtual ~Side() = default;
  [[nodiscard]] virtual long bpf(std::uint32_t command, void* attr, std::uint32_t bytes) = 0;
  [[nodiscard]] virtual long close(int fd) = 0;
  // What is mapped is unmapped again: 0 or a negative errno.
  [[nodiscard]] virtual long map_pages(int fd, std::uint64_t bytes, int protection,
                                       std::uint64_t offset) = 0;
  [[nodiscard]] virtual std::string_view name() const = 0;
};

class KernelSide final : public Side {
 public:
  [[nodiscard]] long bpf(std::uint32_t command, void* attr, std::uint32_t bytes) override;
  [[nodiscard]] long close(int fd) override;
  [[nodiscard]] long map_pages(int fd, std::uint64_t bytes, int protection,
                               std::uint64_t offset) override;
  [[nodiscard]] std::string_view name() const override { return "Linux"; }
};

class MachineSide final : public Side {
 public:
  MachineSide();
  [[nodiscard]] long bpf(std::uint32_t command, void* attr, std::uint32_t bytes) override;
  [[nodiscard]] long close(int fd) override;
  [[nodiscard]] long map_pages(int fd, std::uint64_t bytes, int protection,
                               std::uint64_t offset) override;
  [[nodiscard]] std::string_view name() const override { return "the machine"; }

 private:
  std::unique_ptr<machine::Machine> machine_;
};

class Session {
 public:
  explicit Session(Side& side);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // All zero.
  abi::bpf_attr& fresh();
  [[nodiscard]] abi::bpf_attr& attr() { return attr_; }

  // The command with attr(): what it answers is noted under the label.
  long ask(std::string_view label, std::uint32_t command,
           std::uint32_t bytes = sizeof(abi::bpf_attr));
  // The same for a command that makes a descriptor, or a negative errno.
  int make(std::string_view label, std::uint32_t command,
           std::uint32_t bytes = sizeof(abi::bpf_attr));
  // For what has to work before anything can be compared; nothing is noted unless it fails.
  int need(std::string_view label, std::uint32_t command);
  void close(int fd);
  void note(std::string_view label, long answer);
  void note(std::string_view label, std::string_view answer);
  void note_bytes(std::string_view label, const void* from, std::size_t bytes);

  [[nodiscard]] Side& side() { return side_; }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  [[nodiscard]] const std::vector<std::string>& labels() const { return labels_; }

  // Descriptors that are no object of bpf(2): of /dev/null, and one that is closed.
  [[nodiscard]] int other_file() const { return other_.get(); }
  [[nodiscard]] static int closed() { return 1'000'000; }

 private:
  Side& side_;
  abi::bpf_attr attr_{};
  std::vector<int> made_;
  Fd other_;
  std::vector<std::string> lines_;
  std::vector<std::string> labels_;
};

// Nothing when the running Linux can be asked.
[[nodiscard]] std::optional<std::string> why_no_linux();

using Scenario = std::function<void(Session&)>;

// Runs it on both and fails with the lines that differ. `known` are labels, or beginnings of labels
// that end with '*', whose answers differ as docs/machine-differences.md says.
void compare(const Scenario& scenario, const std::vector<std::string_view>& known = {});
// The same up to the first difference: what follows from it says nothing. False when there is one.
[[nodiscard]] bool compare_to_first(const Scenario& scenario);

[[nodiscard]] inline std::uint64_t address_of(const void* place) {
  return reinterpret_cast<std::uint64_t>(place);
}

// An array map of four-byte keys and 8-byte values, and a program that returns `r0`.
[[nodiscard]] int make_array(Session& session, std::uint32_t entries, std::uint32_t flags = 0);
[[nodiscard]] int make_program(Session& session, std::uint32_t type, std::int32_t r0 = 0,
                               std::uint32_t attach_type = 0);
// The smallest BTF that is one.
[[nodiscard]] int make_btf(Session& session);

}  // namespace skep::test
