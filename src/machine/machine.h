// SPDX-License-Identifier: Apache-2.0
// The embedded kernel: bpf(2) in user space, without privilege. A Machine is one process's door to
// a Region; several processes may have one on the same Region, and see each other's objects.
// Commands answer as Linux 6.18 does. All functions may be called from any thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "machine/files.h"
#include "machine/host.h"
#include "machine/object_table.h"
#include "maps/cpus.h"

namespace skep::engine {
class Runnable;
}

namespace skep::machine {

class MapObject;
class Program;
class BtfObject;
class LinkObject;
class Pins;
class Hooks;
class ProgramServices;

struct MachineOptions {
  maps::RegionOptions region{};
  // What executes programs: a name of engine::engines().
  std::string engine = "checked";
  // How many instructions one run may execute: programs that nobody verified may loop for ever.
  std::uint64_t run_budget = std::uint64_t{1} << 32;
};

class Machine final : public maps::World {
 public:
  // A machine of this process alone.
  [[nodiscard]] static Result<std::unique_ptr<Machine>> create(const MachineOptions& options = {});
  // The machine of a Region that others may use too.
  [[nodiscard]] static Result<std::unique_ptr<Machine>> over(std::unique_ptr<maps::Region> region,
                                                             const MachineOptions& options = {});
  // The machine of that name of this user, made if there is none.
  [[nodiscard]] static Result<std::unique_ptr<Machine>> named(std::string_view name,
                                                              const MachineOptions& options = {});
  ~Machine() override;

  // bpf(2): a result of 0 or more, or a negative errno.
  [[nodiscard]] long bpf(std::uint32_t command, void* attr, std::uint32_t bytes);
  // The other system calls that take descriptors of bpf(2).
  [[nodiscard]] long close(int fd);
  [[nodiscard]] long read(int fd, std::span<std::byte> into);
  // The address, or a negative errno.
  [[nodiscard]] long mmap(int fd, std::uint64_t bytes, int protection, std::uint64_t offset);
  // Of what mmap gave, whole; 0 or a negative errno.
  [[nodiscard]] long munmap(void* address, std::uint64_t bytes);
  [[nodiscard]] long unlink(std::string_view path);

  [[nodiscard]] maps::Region& region() { return *region_; }
  [[nodiscard]] ObjectTable& objects() { return *objects_; }
  [[nodiscard]] Files& files() { return files_; }
  [[nodiscard]] Pins& pins() { return *pins_; }
  [[nodiscard]] Hooks& hooks() { return *hooks_; }
  [[nodiscard]] const Host& host() const { return host_; }
  [[nodiscard]] ProgramServices& services() { return *services_; }
  [[nodiscard]] const std::string& engine() const { return engine_; }
  [[nodiscard]] std::uint64_t run_budget() const { return run_budget_; }

  // BPF_ENABLE_STATS: whether runs are timed, and a descriptor that keeps it so.
  [[nodiscard]] bool counts_runs() const { return counting_.use_count() > 1; }
  [[nodiscard]] std::shared_ptr<void> count_runs() const { return counting_; }

  // What this process has open, opened if need be; null when no such object lives.
  [[nodiscard]] std::shared_ptr<MapObject> map_object(std::uint32_t id);
  [[nodiscard]] std::shared_ptr<Program> program(std::uint32_t id);
  [[nodiscard]] std::shared_ptr<BtfObject> btf(std::uint32_t id);
  [[nodiscard]] std::shared_ptr<LinkObject> link(std::uint32_t id);
  [[nodiscard]] std::shared_ptr<Object> object(ObjectKind kind, std::uint32_t id);
  // The program whose code that is, kept alive; null when it is no program of this machine.
  [[nodiscard]] std::shared_ptr<const void> owner_of(const engine::Runnable& code);
  // Makes an object known that this process has just added to the table.
  void remember(const std::shared_ptr<Object>& object);

  // Whether that is a map that programs found inside another; compares addresses alone.
  [[nodiscard]] bool is_inner_map(const maps::Map& map);

  // maps::World
  [[nodiscard]] std::uint64_t now_ns() override;
  [[nodiscard]] std::uint32_t random() override;
  [[nodiscard]] long acquire(ObjectKind kind, int fd, const maps::Map& owner,
                             std::uint32_t& id) override;
  void release(ObjectKind kind, std::uint32_t id) override;
  [[nodiscard]] maps::Map* map(std::uint32_t id) override;
  void drop_field(maps::Map& owner, const maps::Field& field, std::byte* at) override;
  void reap() override;

 private:
  Machine(std::unique_ptr<maps::Region> region, const MachineOptions& options);
  [[nodiscard]] Status start();
  void bury(const ObjectView& view);
  [[nodiscard]] std::shared_ptr<Object> open_object(const ObjectView& view);

  // Destroyed from the last to the first: what is open closes before the table and the Region go.
  SystemHost system_;
  Host host_;
  std::string engine_;
  std::uint64_t run_budget_;
  std::unique_ptr<maps::Region> region_;
  std::unique_ptr<ObjectTable> objects_;
  std::unique_ptr<Pins> pins_;
  std::unique_ptr<Hooks> hooks_;
  // Opening a program opens its maps, and the last reference may go while looking.
  std::recursive_mutex open_mutex_;
  std::array<std::unordered_map<std::uint32_t, std::weak_ptr<Object>>, kObjectKinds> open_;
  // Maps inside maps stay open: programs may still look at one that was just taken out.
  std::unordered_map<std::uint32_t, std::shared_ptr<MapObject>> inner_maps_;
  // Writable mappings, which keep a map from being frozen.
  std::unordered_map<void*, std::shared_ptr<MapObject>> writable_mappings_;
  std::atomic<std::uint64_t> reaped_ns_{0};
  const std::shared_ptr<void> counting_ = std::make_shared<int>();
  std::unique_ptr<ProgramServices> services_;
  Files files_;
};

// The descriptor's object, for commands. Fails with EBADF when nothing is open there, with EINVAL
// when it is something else.
template <class T>
[[nodiscard]] long object_of(Machine& machine, int fd, std::shared_ptr<const File>& file,
                             std::shared_ptr<T>& object) {
  file = machine.files().get(fd);
  if (file == nullptr) return bad_descriptor(fd);
  object = std::dynamic_pointer_cast<T>(file->object);
  return object == nullptr ? -EINVAL : 0;
}

}  // namespace skep::machine
