// SPDX-License-Identifier: Apache-2.0
// Descriptors of one process: what bpf(2) hands out. Each is a real descriptor of the system (an
// eventfd), so numbers never collide with those of files, limits are the system's, and who closes
// one knows what he closes. Any thread.
#pragma once

#include <memory>
#include <shared_mutex>
#include <vector>

#include "base/fd.h"
#include "machine/object_table.h"

namespace skep::machine {

class Machine;

// What a process has open: its view of one object. The last reference closes it in the table.
class Object {
 public:
  Object(ObjectTable& table, const ObjectView& view) : table_(table), view_(view) {}
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() { table_.close(view_.index); }
  [[nodiscard]] ObjectKind kind() const { return view_.kind; }
  [[nodiscard]] std::uint32_t id() const { return view_.id; }
  [[nodiscard]] ObjectIndex index() const { return view_.index; }

 protected:
  ObjectTable& table_;

 private:
  const ObjectView view_;
};

// What read(2) of a descriptor gives: iterators.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;
  // Bytes written, 0 at the end, or a negative errno.
  [[nodiscard]] virtual long read(std::span<std::byte> into) = 0;
};

struct File {
  std::shared_ptr<Object> object{};
  std::shared_ptr<Source> source{};
  std::shared_ptr<void> keeps{};  // what lasts as long as the descriptor
  bool readable = true;           // as BPF_F_WRONLY and BPF_F_RDONLY say
  bool writable = true;
};

class Files {
 public:
  // A descriptor for it, or a negative errno.
  [[nodiscard]] int add(File file);
  // Null when the descriptor is not one of these.
  [[nodiscard]] std::shared_ptr<const File> get(int fd) const;
  // 0, or -EBADF when the descriptor is not one of these.
  [[nodiscard]] long close(int fd);
  // For eventfd(2) wakeups of what waits on the descriptor with poll(2).
  void signal(const Object& object) const;
  void close_all();

 private:
  struct Slot {
    Fd fd;
    std::shared_ptr<const File> file;
  };
  mutable std::shared_mutex mutex_;
  std::vector<Slot> slots_;  // by number of the descriptor
};

// The errno for a descriptor that is no object of the machine: EBADF when it is not open at all.
[[nodiscard]] long bad_descriptor(int fd);

}  // namespace skep::machine
