// SPDX-License-Identifier: Apache-2.0
#include "machine/files.h"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <mutex>

namespace skep::machine {

int Files::add(File file) {
  Fd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return -errno;
  const std::unique_lock lock(mutex_);
  const int number = fd.get();
  const auto index = static_cast<std::size_t>(number);
  if (index >= slots_.size()) slots_.resize(index + 1);
  // Somebody closed the number behind our back, and the system gave it out again: what it was is
  // gone, and the stale owner must not close the new one.
  (void)slots_[index].fd.release();
  slots_[index] = {std::move(fd), std::make_shared<const File>(std::move(file))};
  return number;
}

std::shared_ptr<const File> Files::get(int fd) const {
  const std::shared_lock lock(mutex_);
  const auto index = static_cast<std::size_t>(fd);
  return fd >= 0 && index < slots_.size() ? slots_[index].file : nullptr;
}

long Files::close(int fd) {
  Slot gone;
  {
    const std::unique_lock lock(mutex_);
    const auto index = static_cast<std::size_t>(fd);
    if (fd < 0 || index >= slots_.size() || slots_[index].file == nullptr) return -EBADF;
    gone = std::exchange(slots_[index], Slot{});
  }
  return 0;
}

void Files::signal(const Object& object) const {
  const std::shared_lock lock(mutex_);
  for (const Slot& slot : slots_)
    if (slot.file != nullptr && slot.file->object.get() == &object)
      (void)eventfd_write(slot.fd.get(), 1);
}

void Files::close_all() {
  std::vector<Slot> gone;
  const std::unique_lock lock(mutex_);
  gone.swap(slots_);
}

long bad_descriptor(int fd) { return fcntl(fd, F_GETFD) < 0 ? -EBADF : -EINVAL; }

}  // namespace skep::machine
