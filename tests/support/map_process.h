// SPDX-License-Identifier: Apache-2.0
// Processes that tests fork, to share a Region with and to kill. The child runs a function and ends
// with what it returns, without destructors of the parent's objects; a check that fails there is a
// status that the parent sees. All waits are bounded.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>

namespace skep::test {

inline constexpr std::chrono::seconds kChildPatience{20};

class ChildProcess {
 public:
  explicit ChildProcess(const std::function<int()>& body);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  // Kills it if it still runs.
  ~ChildProcess();

  [[nodiscard]] bool running() const { return pid_ > 0; }
  // SIGKILL, and its end awaited.
  void kill();
  // Its exit status, -signal if one ended it; nothing if it runs on after `patience`.
  [[nodiscard]] std::optional<int> wait(std::chrono::milliseconds patience = kChildPatience);

 private:
  pid_t pid_ = -1;
};

// Runs `body` in a child and gives its status; -SIGKILL when it took too long.
[[nodiscard]] int in_child(const std::function<int()>& body);

// Looks until it is true or the patience is over.
[[nodiscard]] bool comes_true(const std::function<bool()>& condition,
                              std::chrono::milliseconds patience = kChildPatience);

}  // namespace skep::test
