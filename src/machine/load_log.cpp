// SPDX-License-Identifier: Apache-2.0
#include "machine/load_log.h"

#include <algorithm>
#include <cerrno>

#include "abi/limits.h"
#include "machine/user_memory.h"

namespace skep::machine {

namespace {

constexpr std::uint32_t kLevels =
    abi::BPF_LOG_LEVEL1 | abi::BPF_LOG_LEVEL2 | abi::BPF_LOG_STATS | abi::BPF_LOG_FIXED;

}  // namespace

long LoadLog::check() const {
  if ((buffer == 0) != (bytes == 0)) return -EINVAL;
  if (buffer != 0 && level == 0) return -EINVAL;
  return (level & ~kLevels) != 0 || bytes > abi::kMaxLogBytes ? -EINVAL : 0;
}

void LoadLog::add(std::string_view line) {
  if (level == 0 || line.empty()) return;
  text += line;
  text += '\n';
}

std::uint32_t LoadLog::true_bytes() const {
  return text.empty() ? 0 : static_cast<std::uint32_t>(text.size()) + 1;
}

long LoadLog::write() const {
  if (buffer == 0) return 0;
  const std::size_t room = bytes - 1;
  const std::size_t shown = std::min(room, text.size());
  const bool fixed = (level & abi::BPF_LOG_FIXED) != 0;
  const char* from = fixed ? text.data() : text.data() + (text.size() - shown);
  if (copy_to_user(buffer, from, shown) != 0 || copy_to_user(buffer + shown, "", 1) != 0)
    return -EFAULT;
  return shown < text.size() ? -ENOSPC : 0;
}

}  // namespace skep::machine
