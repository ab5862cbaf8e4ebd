// SPDX-License-Identifier: Apache-2.0
// The machine behind the public interface Kernel.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "machine/machine.h"
#include "machine/map_object.h"
#include "machine/names.h"
#include "maps/ring_buffer.h"
#include "skep/machine.h"

namespace skep {

namespace {

using machine::Machine;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Producers of other processes cannot reach our descriptors, so that several are looked at in turn.
constexpr milliseconds kLook{10};

class MachineKernel final : public Kernel {
 public:
  explicit MachineKernel(std::unique_ptr<Machine> machine) : machine_(std::move(machine)) {}

  [[nodiscard]] long bpf(std::uint32_t command, void* attr, std::uint32_t bytes) override {
    return machine_->bpf(command, attr, bytes);
  }
  long close(int fd) override { return machine_->close(fd); }
  [[nodiscard]] long read(int fd, std::span<std::byte> into) override {
    return machine_->read(fd, into);
  }
  [[nodiscard]] long mmap(int fd, std::uint64_t bytes, int protection,
                          std::uint64_t offset) override {
    return machine_->mmap(fd, bytes, protection, offset);
  }
  long munmap(void* address, std::uint64_t bytes) override {
    return machine_->munmap(address, bytes);
  }
  [[nodiscard]] long wait(std::span<const int> fds, milliseconds timeout) override;
  [[nodiscard]] long unlink(std::string_view path) override { return machine_->unlink(path); }
  // The machine has no descriptors of perf events.
  [[nodiscard]] long perf_output(std::uint32_t) override { return -EOPNOTSUPP; }
  [[nodiscard]] std::uint32_t cpus() const override { return machine_->region().cpus(); }

 private:
  // Null when it is something else.
  [[nodiscard]] maps::RingBufferMap* ring_of(const machine::File& file) const {
    auto* object = dynamic_cast<machine::MapObject*>(file.object.get());
    return object == nullptr ? nullptr : dynamic_cast<maps::RingBufferMap*>(&object->map());
  }

  std::unique_ptr<Machine> machine_;
};

long MachineKernel::wait(std::span<const int> fds, milliseconds timeout) {
  std::vector<std::shared_ptr<const machine::File>> files;
  for (const int fd : fds) {
    files.push_back(machine_->files().get(fd));
    if (files.back() == nullptr) return -EBADF;
  }
  if (files.empty()) return -EINVAL;
  const auto end = steady_clock::now() + timeout;
  for (;;) {
    const maps::RingBufferMap* only = nullptr;
    std::uint32_t wakeups = 0;
    for (const auto& file : files) {
      const auto* ring = ring_of(*file);
      if (ring == nullptr) continue;
      only = ring;
      wakeups = ring->ring().waking().count();
      if (ring->readable()) return 1;
    }
    const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
    if (left <= milliseconds(0)) return 0;
    if (only != nullptr && files.size() == 1) {
      only->ring().waking().sleep(wakeups, left);
    } else {
      std::vector<pollfd> polled;
      for (const int fd : fds) polled.push_back({.fd = fd, .events = POLLIN, .revents = 0});
      const milliseconds look = std::min(left, kLook);
      if (::poll(polled.data(), polled.size(), static_cast<int>(look.count())) < 0) return -errno;
      for (const pollfd& one : polled) {
        eventfd_t count = 0;
        if (one.revents != 0) return eventfd_read(one.fd, &count) == 0 ? 1 : -errno;
      }
    }
  }
}

machine::MachineOptions options_of(const MachineOptions& options) {
  machine::MachineOptions chosen{
      .region = {.limit_bytes = options.memory_bytes, .cpus = options.cpus}};
  if (!options.engine.empty()) chosen.engine = options.engine;
  return chosen;
}

}  // namespace

Result<std::unique_ptr<Kernel>> make_machine(const MachineOptions& options) {
  auto made = SKEP_TRY(Machine::create(options_of(options)));
  return std::make_unique<MachineKernel>(std::move(made));
}

Result<std::unique_ptr<Kernel>> open_machine(std::string_view name, const MachineOptions& options) {
  auto made = SKEP_TRY(Machine::named(name, options_of(options)));
  return std::make_unique<MachineKernel>(std::move(made));
}

Result<std::vector<std::string>> machine_names() { return machine::machine_names(); }

Result<std::string> machine_path(std::string_view name) { return machine::machine_path(name); }

Status remove_machine(std::string_view name) {
  const std::string path = SKEP_TRY(machine::machine_path(name));
  if (::unlink(path.c_str()) != 0)
    return std::unexpected(system_error(text("cannot remove machine \"{}\"", name), errno));
  return {};
}

}  // namespace skep
