// SPDX-License-Identifier: Apache-2.0
#include "maps/map.h"

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/words.h"

namespace skep::maps {

namespace {

constexpr long kNotSupported = -abi::ENOTSUPP;
constexpr int kReadRetries = 3;

// Where special fields are, as gaps of the bytes that are copied: calls `copy(offset, bytes)`.
template <class Copy>
void between_fields(const Fields& fields, std::uint32_t bytes, Copy copy) {
  std::uint32_t at = 0;
  for (const Field& field : fields) {
    if (field.offset > at) copy(at, field.offset - at);
    at = field.offset + field.bytes;
  }
  if (at < bytes) copy(at, bytes - at);
}

}  // namespace

Map::Map(const MapInit& init)
    : region_(init.region),
      world_(init.world),
      type_(init.type),
      spec_(init.spec),
      block_(init.block),
      memory_(init.memory),
      bytes_(init.bytes),
      user_value_bytes_(init.spec.value_bytes),
      value_stride_(static_cast<std::uint32_t>(round8(init.spec.value_bytes))) {}

void* Map::lookup(const Caller&, const void*) { return nullptr; }
void* Map::lookup_on(unsigned, const void*) { return nullptr; }
long Map::update(const Caller&, const void*, const void*, std::uint64_t) { return kNotSupported; }
long Map::erase(const Caller&, const void*) { return kNotSupported; }
long Map::push(const Caller&, const void*, std::uint64_t) { return kNotSupported; }
long Map::pop(const Caller&, void*) { return kNotSupported; }
long Map::peek(const Caller&, void*) { return kNotSupported; }
long Map::for_each(const Caller&, const Visitor&, std::uint64_t) { return kNotSupported; }
long Map::next_key(const Caller&, const void*, void*) { return kNotSupported; }
long Map::take(const Caller&, const void*, void*, std::uint64_t) { return kNotSupported; }
std::uint64_t Map::direct_value(std::uint32_t) { return 0; }
long Map::pages(std::uint64_t, std::uint64_t, bool, Pages&) { return kNotSupported; }

long Map::read(const Caller& caller, const void* key, void* user_value, std::uint64_t flags) {
  auto* value = static_cast<std::byte*>(lookup(caller, key));
  if (value == nullptr) return -ENOENT;
  if ((flags & abi::BPF_F_LOCK) != 0) return copy_out_locked(user_value, value);
  copy_out(user_value, value);
  return 0;
}

long Map::write(const Caller& caller, const void* key, const void* user_value,
                std::uint64_t flags) {
  return update(caller, key, user_value, flags);
}

long Map::remove(const Caller& caller, const void* key) { return erase(caller, key); }

// Keys one after the other; an element that goes away between key and value is passed over.
long Map::read_batch(const Caller& caller, Batch& batch, bool remove) {
  if (remove) return kNotSupported;
  const std::uint32_t room = std::exchange(batch.count, 0);
  const std::size_t key_bytes = spec_.key_bytes;
  std::vector<std::byte> before(key_bytes);
  std::vector<std::byte> key(key_bytes);
  const bool begins = batch.from == nullptr;
  if (!begins) std::memcpy(before.data(), batch.from, key_bytes);
  long status = next_key(caller, begins ? nullptr : before.data(), key.data());
  int retries = kReadRetries;
  while (status == 0 && batch.count < room) {
    const long got = read(caller, key.data(), batch.values + batch.count * user_value_bytes_,
                          batch.element_flags);
    if (got != 0 && got != -ENOENT) return got;
    if (got == 0) {
      std::memcpy(batch.keys + batch.count * key_bytes, key.data(), key_bytes);
      ++batch.count;
      retries = kReadRetries;
    } else if (--retries == 0) {
      return -EINTR;
    }
    before = key;
    std::memcpy(batch.next, before.data(), key_bytes);
    status = next_key(caller, before.data(), key.data());
  }
  return batch.count < room || status != -ENOENT ? status : 0;
}

long Map::write_batch(const Caller& caller, Batch& batch) {
  const std::uint32_t room = std::exchange(batch.count, 0);
  for (; batch.count < room; ++batch.count) {
    const long status = write(caller, batch.keys + std::size_t{batch.count} * spec_.key_bytes,
                              batch.values + batch.count * user_value_bytes_, batch.element_flags);
    if (status != 0) return status;
  }
  return 0;
}

long Map::remove_batch(const Caller& caller, Batch& batch) {
  const std::uint32_t room = std::exchange(batch.count, 0);
  for (; batch.count < room; ++batch.count) {
    const long status = remove(caller, batch.keys + std::size_t{batch.count} * spec_.key_bytes);
    if (status != 0) return status;
  }
  return 0;
}

void Map::copy_in(std::byte* value, const void* from) const {
  if (spec_.fields.empty()) return store_words(value, from, spec_.value_bytes);
  const auto* source = static_cast<const std::byte*>(from);
  between_fields(spec_.fields, spec_.value_bytes, [&](std::uint32_t at, std::uint32_t bytes) {
    for (std::uint32_t i = at; i < at + bytes; ++i)
      store_relaxed(value + i, static_cast<std::uint8_t>(source[i]));
  });
}

void Map::copy_out(void* to, const std::byte* value) const {
  if (spec_.fields.empty()) return load_words(to, value, spec_.value_bytes);
  auto* target = static_cast<std::byte*>(to);
  std::memset(target, 0, spec_.value_bytes);
  between_fields(spec_.fields, spec_.value_bytes, [&](std::uint32_t at, std::uint32_t bytes) {
    for (std::uint32_t i = at; i < at + bytes; ++i)
      target[i] = std::byte{load_relaxed<std::uint8_t>(value + i)};
  });
}

void Map::drop_fields(std::byte* value) {
  for (const Field& field : spec_.fields) world_.drop_field(*this, field, value + field.offset);
}

Lock* Map::value_lock(std::byte* value) const {
  const Field* field = spec_.fields.find(FieldKind::spin_lock);
  return field == nullptr ? nullptr : reinterpret_cast<Lock*>(value + field->offset);
}

long Map::copy_in_locked(std::byte* value, const void* from) const {
  Lock* lock = value_lock(value);
  if (lock == nullptr) return -EINVAL;
  const Guard guard(*lock, region_);
  if (guard.busy()) return -EBUSY;
  copy_in(value, from);
  return 0;
}

long Map::copy_out_locked(void* to, std::byte* value) const {
  Lock* lock = value_lock(value);
  if (lock == nullptr) return -EINVAL;
  const Guard guard(*lock, region_);
  if (guard.busy()) return -EBUSY;
  copy_out(to, value);
  return 0;
}

namespace {

std::unexpected<Error> refuse(int sys, std::string what, Code code = Code::invalid) {
  return std::unexpected(Error{.code = code, .sys = sys, .what = std::move(what)});
}

// Inside the value, and where the atomics of its kind can be.
bool can_be(const Field& field, std::uint32_t value_bytes) {
  if (field.offset > value_bytes || field.bytes > value_bytes - field.offset) return false;
  return field.bytes >= 4 && field.offset % (field.bytes % 8 == 0 ? 8 : 4) == 0;
}

Result<const MapType*> usable_type(std::uint32_t number) {
  const MapType* type = find_map_type(number);
  if (type == nullptr) return refuse(EINVAL, text("map type {} is not known", number));
  if (type->open == nullptr)
    return refuse(EOPNOTSUPP, text("map type {}: {}", number, type->refused), Code::unsupported);
  return type;
}

}  // namespace

Result<std::unique_ptr<Map>> create_map(Region& region, World& world, MapSpec spec, Offset& block) {
  const MapType* type = SKEP_TRY(usable_type(spec.type));
  if (const long status = type->check(spec, region.cpus()); status != 0)
    return refuse(
        static_cast<int>(-status),
        text("no map of type {} has {}-byte keys, {}-byte values, {} entries, flags {:#x}",
             spec.type, spec.key_bytes, spec.value_bytes, spec.max_entries, spec.flags));
  const auto bytes = type->bytes(spec, region.cpus());
  if (!bytes) return refuse(E2BIG, "the map is larger than can be counted", Code::limit);
  block = SKEP_TRY(region.allocate(*bytes));
  std::byte* memory = region.at(block, *bytes);
  SKEP_ASSERT(memory != nullptr);
  auto map = type->open({region, world, *type, spec, block, memory, *bytes, true});
  if (map != nullptr) return map;
  region.free(block);
  return refuse(ENOMEM, "the system refused to map the memory of the map", Code::limit);
}

Result<std::unique_ptr<Map>> open_map(Region& region, World& world, const MapSpec& spec,
                                      Offset block) {
  const MapType* type = SKEP_TRY(usable_type(spec.type));
  MapSpec checked = spec;
  for (const Field& field : spec.fields)
    if (!can_be(field, spec.value_bytes))
      return refuse(EINVAL, "the region's record of the map is damaged: a field cannot be there");
  const auto bytes = type->check(checked, region.cpus()) == 0 ? type->bytes(checked, region.cpus())
                                                              : std::optional<std::uint64_t>{};
  if (!bytes || region.block_bytes(block) < *bytes)
    return refuse(EINVAL, "the region's record of the map is damaged: its sizes cannot be");
  std::byte* memory = region.at(block, *bytes);
  if (memory == nullptr)
    return refuse(EINVAL, "the region's record of the map is damaged: it lies outside");
  auto map = type->open({region, world, *type, checked, block, memory, *bytes, false});
  if (map != nullptr) return map;
  return refuse(ENOMEM, "the system refused to map the memory of the map", Code::limit);
}

}  // namespace skep::maps
