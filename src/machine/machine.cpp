// SPDX-License-Identifier: Apache-2.0
#include "machine/machine.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "engine/engine.h"
#include "machine/btf_object.h"
#include "machine/hooks.h"
#include "machine/link_object.h"
#include "machine/map_checks.h"
#include "machine/map_object.h"
#include "machine/names.h"
#include "machine/pins.h"
#include "machine/program.h"
#include "machine/program_services.h"

namespace skep::machine {

namespace {

// Looking for the dead costs a system call for each process: not at every full map.
constexpr std::uint64_t kReapEveryNs = 100'000'000;

struct Mapping {
  void* at;
  std::uint64_t bytes;
  int protection;
  std::uint64_t offset;
};

long map_pieces(const MapObject& object, const maps::Region& region, const Mapping& mapping) {
  const bool writable = (mapping.protection & PROT_WRITE) != 0;
  for (std::uint64_t done = 0; done < mapping.bytes;) {
    maps::Pages pages{};
    const long status =
        object.map().pages(mapping.offset + done, mapping.bytes - done, writable, pages);
    if (status != 0) return status;
    if (pages.bytes == 0 || pages.bytes > mapping.bytes - done) return -EINVAL;
    if (::mmap(static_cast<std::byte*>(mapping.at) + done, pages.bytes, mapping.protection,
               MAP_SHARED | MAP_FIXED, region.fd(), static_cast<off_t>(pages.offset)) == MAP_FAILED)
      return -errno;
    done += pages.bytes;
  }
  return 0;
}

// kernel: bpf_map_mmap, in its order
long may_map(const MapObject& object, const File& file, std::uint64_t bytes, std::uint64_t offset,
             bool writable) {
  maps::Pages pages;
  const long shown = object.map().pages(offset, bytes, writable, pages);
  if (shown == -abi::ENOTSUPP) return shown;
  // A mapping that can never be written is no shared one.
  if (!file.writable) return -EINVAL;
  if (!writable) return 0;
  if (object.record().frozen.load() != 0) return -EPERM;
  return (object.map().spec().flags & abi::BPF_F_RDONLY_PROG) != 0 ? -EACCES : 0;
}

}  // namespace

Machine::Machine(std::unique_ptr<maps::Region> region, const MachineOptions& options)
    : host_(system_.host()),
      engine_(options.engine),
      run_budget_(options.run_budget),
      region_(std::move(region)) {}

Result<std::unique_ptr<Machine>> Machine::create(const MachineOptions& options) {
  auto region = SKEP_TRY(maps::Region::create(options.region));
  return over(std::move(region), options);
}

Result<std::unique_ptr<Machine>> Machine::named(std::string_view name,
                                                const MachineOptions& options) {
  const std::string path = SKEP_TRY(machine_path(name));
  auto region = SKEP_TRY(maps::Region::open(path, options.region));
  return over(std::move(region), options);
}

Result<std::unique_ptr<Machine>> Machine::over(std::unique_ptr<maps::Region> region,
                                               const MachineOptions& options) {
  if (engine::find_engine(options.engine) == nullptr)
    return fail(Code::not_found, "no engine \"{}\"", options.engine);
  std::unique_ptr<Machine> machine(new Machine(std::move(region), options));
  (void)SKEP_TRY(machine->start());
  return machine;
}

Status Machine::start() {
  objects_ = SKEP_TRY(ObjectTable::open(*region_));
  objects_->on_gone = [this](const ObjectView& view) { bury(view); };
  pins_ = SKEP_TRY(Pins::open(*region_, *objects_));
  hooks_ = SKEP_TRY(Hooks::open(*region_, *objects_));
  services_ = std::make_unique<ProgramServices>(*this);
  objects_->reap();
  return {};
}

// Timers stop before what their callbacks use.
Machine::~Machine() {
  services_.reset();
  files_.close_all();
  for (const auto& [address, map] : writable_mappings_) --map->record().writable_mappings;
  writable_mappings_.clear();
  inner_maps_.clear();
}

long Machine::close(int fd) { return files_.close(fd); }

long Machine::read(int fd, std::span<std::byte> into) {
  const auto file = files_.get(fd);
  if (file == nullptr) return -EBADF;
  return file->source == nullptr ? -EINVAL : file->source->read(into);
}

long Machine::mmap(int fd, std::uint64_t bytes, int protection, std::uint64_t offset) {
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  if (offset % page != 0) return -EINVAL;
  const std::shared_ptr<const File> file = files_.get(fd);
  if (file == nullptr) return bad_descriptor(fd) == -EBADF ? -EBADF : -ENODEV;
  if (bytes == 0) return -EINVAL;
  if (bytes > UINT64_MAX - page) return -ENOMEM;
  bytes = (bytes + page - 1) / page * page;
  const bool writable = (protection & PROT_WRITE) != 0;
  if (!file->readable || (writable && !file->writable)) return -EACCES;
  const auto object = std::dynamic_pointer_cast<MapObject>(file->object);
  if (object == nullptr) return -ENODEV;
  if (const long status = may_map(*object, *file, bytes, offset, writable); status != 0)
    return status;
  // A range of addresses first, then each piece over its part of it: a ring shows its data twice.
  void* range = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (range == MAP_FAILED) return -errno;
  const long status = map_pieces(*object, *region_, {range, bytes, protection, offset});
  if (status != 0) {
    ::munmap(range, bytes);
    return status;
  }
  if (writable) {
    ++object->record().writable_mappings;
    const std::lock_guard lock(open_mutex_);
    writable_mappings_[range] = object;
  }
  return reinterpret_cast<long>(range);
}

long Machine::munmap(void* address, std::uint64_t bytes) {
  if (::munmap(address, bytes) != 0) return -errno;
  const std::lock_guard lock(open_mutex_);
  if (const auto found = writable_mappings_.find(address); found != writable_mappings_.end()) {
    --found->second->record().writable_mappings;
    writable_mappings_.erase(found);
  }
  return 0;
}

long Machine::unlink(std::string_view path) { return pins_->remove(path); }

void Machine::remember(const std::shared_ptr<Object>& object) {
  const std::lock_guard lock(open_mutex_);
  open_[static_cast<unsigned>(object->kind())][object->id()] = object;
}

std::shared_ptr<Object> Machine::object(ObjectKind kind, std::uint32_t id) {
  const std::lock_guard lock(open_mutex_);
  auto& known = open_[static_cast<unsigned>(kind)];
  if (const auto found = known.find(id); found != known.end()) {
    if (auto object = found->second.lock()) return object;
    known.erase(found);
  }
  const auto view = objects_->open(kind, id);
  if (!view) return nullptr;
  auto object = open_object(*view);
  if (object != nullptr) known[id] = object;
  return object;
}

// An Object closes the view when it goes; without one it is closed here.
std::shared_ptr<Object> Machine::open_object(const ObjectView& view) {
  std::shared_ptr<Object> object;
  switch (view.kind) {
    case ObjectKind::map:
      object = open_map(*this, view);
      break;
    case ObjectKind::program:
      return open_program(*this, view);
    case ObjectKind::btf:
      object = open_btf(*this, view);
      break;
    case ObjectKind::link:
      object = open_link(*this, view);
      break;
  }
  if (object == nullptr) objects_->close(view.index);
  return object;
}

void Machine::bury(const ObjectView& view) {
  switch (view.kind) {
    case ObjectKind::map:
      return bury_map(*this, view);
    case ObjectKind::program:
      return bury_program(*this, view);
    case ObjectKind::btf:
      return bury_btf(*this, view);
    case ObjectKind::link:
      return bury_link(*this, view);
  }
}

std::shared_ptr<MapObject> Machine::map_object(std::uint32_t id) {
  return std::static_pointer_cast<MapObject>(object(ObjectKind::map, id));
}

std::shared_ptr<Program> Machine::program(std::uint32_t id) {
  return std::static_pointer_cast<Program>(object(ObjectKind::program, id));
}

std::shared_ptr<BtfObject> Machine::btf(std::uint32_t id) {
  return std::static_pointer_cast<BtfObject>(object(ObjectKind::btf, id));
}

std::shared_ptr<LinkObject> Machine::link(std::uint32_t id) {
  return std::static_pointer_cast<LinkObject>(object(ObjectKind::link, id));
}

std::uint64_t Machine::now_ns() { return host_.now_ns(host_.self, Clock::monotonic); }

std::uint32_t Machine::random() { return host_.random(host_.self); }

long Machine::acquire(ObjectKind kind, int fd, const maps::Map& owner, std::uint32_t& id) {
  const auto file = files_.get(fd);
  if (file == nullptr) return bad_descriptor(fd);
  const auto& object = file->object;
  if (object == nullptr || object->kind() != kind) return -EINVAL;
  if (kind == ObjectKind::map) {
    const auto& inner = std::static_pointer_cast<MapObject>(object)->map();
    if (const long status = check_inner_map(*this, owner.spec(), inner.spec()); status != 0)
      return status;
  }
  if (kind == ObjectKind::program) {
    const auto& target = *std::static_pointer_cast<Program>(object);
    if (const long status = check_tail_target(*this, owner, target); status != 0) return status;
  }
  if (!objects_->use(kind, object->id())) return -ENOENT;
  id = object->id();
  return 0;
}

void Machine::release(ObjectKind kind, std::uint32_t id) { objects_->disuse(kind, id); }

maps::Map* Machine::map(std::uint32_t id) {
  {
    const std::lock_guard lock(open_mutex_);
    if (const auto found = inner_maps_.find(id); found != inner_maps_.end())
      return &found->second->map();
  }
  auto object = map_object(id);
  if (object == nullptr) return nullptr;
  const std::lock_guard lock(open_mutex_);
  return &inner_maps_.try_emplace(id, std::move(object)).first->second->map();
}

bool Machine::is_inner_map(const maps::Map& map) {
  const std::lock_guard lock(open_mutex_);
  return std::ranges::any_of(inner_maps_,
                             [&](const auto& known) { return &known.second->map() == &map; });
}

void Machine::drop_field(maps::Map&, const maps::Field& field, std::byte* at) {
  const bool timed =
      field.kind == maps::FieldKind::timer || field.kind == maps::FieldKind::workqueue;
  if (timed && services_ != nullptr) services_->timers().drop(at);
}

std::shared_ptr<const void> Machine::owner_of(const engine::Runnable& code) {
  const std::lock_guard lock(open_mutex_);
  for (const auto& [id, known] : open_[static_cast<unsigned>(ObjectKind::program)])
    if (const auto object = std::static_pointer_cast<Program>(known.lock());
        object != nullptr && &object->runnable() == &code)
      return object;
  return nullptr;
}

void Machine::reap() {
  const std::uint64_t now = now_ns();
  std::uint64_t last = reaped_ns_.load(std::memory_order_relaxed);
  if (now - last < kReapEveryNs || !reaped_ns_.compare_exchange_strong(last, now)) return;
  objects_->reap();
}

}  // namespace skep::machine
