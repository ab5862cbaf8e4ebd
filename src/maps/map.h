// SPDX-License-Identifier: Apache-2.0
// What every map can be asked, and how maps are made. A map's memory is one block of the Region; a
// Map is the view of it that one process has. Its geometry is checked and remembered when it is
// opened: what stands in the Region later can change what is found, never where is read.
//
// Each type overrides what it can do; the rest answers as Linux does for such a type. Results are 0
// or more, or a negative errno, since bpf(2) and programs pass them on. Keys and values are as long
// as the spec says; `user` values hold one value for each possible CPU where the type is per CPU.
// All functions may be called by any number of threads and processes.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "maps/fields.h"
#include "maps/region.h"

namespace skep::maps {

struct MapSpec {
  std::uint32_t type = 0;
  std::uint32_t key_bytes = 0;
  std::uint32_t value_bytes = 0;
  std::uint32_t max_entries = 0;
  std::uint32_t flags = 0;
  std::uint64_t extra = 0;
  Fields fields{};
  std::uint32_t inner_map =
      0;  // id of the map that inner maps must be like; 0 if not a map of maps
};

// Who calls: the CPU slot that the thread holds while it does.
struct Caller {
  unsigned cpu = 0;
};

enum class ObjectKind : std::uint8_t { map, program, link, btf };

class Map;

// What maps need of the machine around them.
class World {
 public:
  World() = default;
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  virtual ~World() = default;
  [[nodiscard]] virtual std::uint64_t now_ns() = 0;
  [[nodiscard]] virtual std::uint32_t random() = 0;
  // For maps of objects: a reference to what `fd` is, checked to fit into `owner`; its id goes into
  // the map. 0 or a negative errno.
  [[nodiscard]] virtual long acquire(ObjectKind kind, int fd, const Map& owner,
                                     std::uint32_t& id) = 0;
  virtual void release(ObjectKind kind, std::uint32_t id) = 0;
  // This process's view of a map by id; nullptr when there is none.
  [[nodiscard]] virtual Map* map(std::uint32_t id) = 0;
  // A special field of an element that goes away, or of one that begins (zeroed bytes).
  virtual void drop_field(Map& owner, const Field& field, std::byte* at) = 0;
  // Processes may have died since: give back what they held.
  virtual void reap() = 0;
};

// Called for each element; 1 ends the walk.
struct Visitor {
  long (*visit)(void* self, const void* key, void* value) = nullptr;
  void* self = nullptr;
};

// BPF_MAP_*_BATCH over buffers of the machine. A cursor is as long as `cursor_bytes` of the map.
struct Batch {
  const std::byte* from = nullptr;  // cursor of the batch before; null at the beginning
  std::byte* next = nullptr;        // cursor that comes out
  std::byte* keys = nullptr;
  std::byte* values = nullptr;
  std::uint32_t count = 0;  // room for so many elements; on return so many were handled
  std::uint64_t element_flags = 0;
};

// What mmap(2) of a map's descriptor shows.
struct Pages {
  std::uint64_t offset = 0;  // in the Region's file
  std::uint64_t bytes = 0;
};

struct MapType;

// All that a Map is made from: the block is as long as the type asked for.
struct MapInit {
  Region& region;
  World& world;
  const MapType& type;
  const MapSpec& spec;
  Offset block;
  std::byte* memory;
  std::uint64_t bytes;
  bool fresh;  // the block is zeroed, and the map still has to be written into it
};

class Map {
 public:
  explicit Map(const MapInit& init);
  Map(const Map&) = delete;
  Map& operator=(const Map&) = delete;
  virtual ~Map() = default;

  [[nodiscard]] const MapSpec& spec() const { return spec_; }
  [[nodiscard]] const MapType& type() const { return type_; }
  [[nodiscard]] Region& region() const { return region_; }
  // Bytes of a value as bpf(2) hands it over.
  [[nodiscard]] std::uint64_t user_value_bytes() const { return user_value_bytes_; }

  // What programs call. A found value stays readable memory of this map as long as the map lives,
  // whatever others do.
  [[nodiscard]] virtual void* lookup(const Caller&, const void* key);
  [[nodiscard]] virtual void* lookup_on(unsigned cpu, const void* key);
  [[nodiscard]] virtual long update(const Caller&, const void* key, const void* value,
                                    std::uint64_t flags);
  [[nodiscard]] virtual long erase(const Caller&, const void* key);
  [[nodiscard]] virtual long push(const Caller&, const void* value, std::uint64_t flags);
  [[nodiscard]] virtual long pop(const Caller&, void* value);
  [[nodiscard]] virtual long peek(const Caller&, void* value);
  // The number of elements visited.
  [[nodiscard]] virtual long for_each(const Caller&, const Visitor& visitor, std::uint64_t flags);

  // What bpf(2) calls. `key` is null where the type has none.
  [[nodiscard]] virtual long read(const Caller&, const void* key, void* user_value,
                                  std::uint64_t flags);
  [[nodiscard]] virtual long write(const Caller&, const void* key, const void* user_value,
                                   std::uint64_t flags);
  [[nodiscard]] virtual long remove(const Caller& caller, const void* key);
  [[nodiscard]] virtual long take(const Caller&, const void* key, void* user_value,
                                  std::uint64_t flags);
  [[nodiscard]] virtual long next_key(const Caller&, const void* key, void* next);
  [[nodiscard]] virtual std::uint32_t cursor_bytes() const { return spec_.key_bytes; }
  // Elements from the cursor on; -ENOENT with the last of them when the map ends.
  [[nodiscard]] virtual long read_batch(const Caller&, Batch& batch, bool remove);
  [[nodiscard]] virtual long write_batch(const Caller&, Batch& batch);
  [[nodiscard]] virtual long remove_batch(const Caller&, Batch& batch);
  [[nodiscard]] virtual long freeze() { return 0; }

  // Address of the value for ld_imm64 of a map value at that offset; 0 if the type has no such.
  [[nodiscard]] virtual std::uint64_t direct_value(std::uint32_t offset);
  // 0 and the pages, or a negative errno as mmap(2) answers.
  [[nodiscard]] virtual long pages(std::uint64_t offset, std::uint64_t bytes, bool writable,
                                   Pages& out);
  // As bpf(2) reports it.
  [[nodiscard]] virtual std::uint64_t memory_bytes() const { return bytes_; }
  // A process died while it may have changed this map: make it whole. Called while nobody waits.
  virtual void repair() {}
  // The last reference is gone: give back what elements hold.
  virtual void clear(const Caller&) {}

 protected:
  // Copies of a value as programs and bpf(2) see it: special fields are passed over on the way in
  // and are zeros on the way out. Words are moved whole, since others may look on.
  void copy_in(std::byte* value, const void* from) const;
  void copy_out(void* to, const std::byte* value) const;
  void drop_fields(std::byte* value);
  // The spin lock inside a value; nullptr if the type has none.
  [[nodiscard]] Lock* value_lock(std::byte* value) const;
  // Both under the value's own lock.
  [[nodiscard]] long copy_in_locked(std::byte* value, const void* from) const;
  [[nodiscard]] long copy_out_locked(void* to, std::byte* value) const;

  Region& region_;
  World& world_;
  const MapType& type_;
  const MapSpec spec_;
  const Offset block_;
  std::byte* const memory_;
  const std::uint64_t bytes_;
  std::uint64_t user_value_bytes_;
  std::uint32_t value_stride_;  // value_bytes rounded up to 8
};

struct MapType {
  std::uint32_t number;
  // 0 or the errno of BPF_MAP_CREATE; may settle fields of the spec that Linux settles.
  long (*check)(MapSpec& spec, unsigned cpus);
  // Bytes of the block; nothing when that is more than can be counted.
  std::optional<std::uint64_t> (*bytes)(const MapSpec& spec, unsigned cpus);
  std::unique_ptr<Map> (*open)(const MapInit& init);
  bool has_batches;          // BPF_MAP_*_BATCH are known for it
  std::string_view refused;  // why it cannot be in user space, for types without `open`
};

[[nodiscard]] std::span<const MapType> map_types();
[[nodiscard]] const MapType* find_map_type(std::uint32_t number);

// Checks as BPF_MAP_CREATE, takes the memory, writes the empty map. The Error's sys is the errno.
// The block is this process's own until it is published.
[[nodiscard]] Result<std::unique_ptr<Map>> create_map(Region& region, World& world, MapSpec spec,
                                                      Offset& block);
// The view of a map that stands in the Region; its spec comes from there and is checked again.
[[nodiscard]] Result<std::unique_ptr<Map>> open_map(Region& region, World& world,
                                                    const MapSpec& spec, Offset block);

}  // namespace skep::maps
