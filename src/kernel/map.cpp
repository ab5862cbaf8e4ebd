// SPDX-License-Identifier: Apache-2.0
#include "skep/map.h"

#include <algorithm>
#include <cerrno>

#include "abi/info.h"
#include "abi/map_types.h"
#include "kernel/call.h"

namespace skep {

namespace {

using abi::bpf_attr;
using kernel::address;
using kernel::fresh_attr;

static_assert(static_cast<std::uint32_t>(MapType::arena) + 1 == abi::__MAX_BPF_MAP_TYPE,
              "a map type has no name here");
static_assert(static_cast<std::uint32_t>(MapType::cgroup_storage) ==
              abi::BPF_MAP_TYPE_CGROUP_STORAGE);
static_assert(static_cast<std::uint32_t>(MapType::ringbuf) == abi::BPF_MAP_TYPE_RINGBUF);
static_assert(kOnlyNew == abi::BPF_NOEXIST && kOnlyExisting == abi::BPF_EXIST);

// What an element of bpf(2) is: a map of maps takes descriptors and gives ids.
std::uint64_t element_bytes_of(const Kernel& kernel, const MapInfo& info, bool per_cpu) {
  if (!per_cpu) return info.value_bytes;
  return ((std::uint64_t{info.value_bytes} + 7) & ~std::uint64_t{7}) * kernel.cpus();
}

bpf_attr element_attr(int fd, const void* key, const void* value, std::uint64_t flags) {
  bpf_attr attr = fresh_attr();
  attr.map_fd = static_cast<std::uint32_t>(fd);
  attr.key = address(key);
  attr.value = address(value);
  attr.flags = flags;
  return attr;
}

// Short enough to need no memory: programs ask for elements that are not there all the time.
Error element_error(long status) {
  if (status == -ENOENT) return {.code = Code::not_found, .sys = ENOENT, .what = "no such element"};
  return kernel::refusal("element", status);
}

Status element_call(const Map& map, abi::bpf_cmd command, bpf_attr& attr) {
  const long status = map.kernel().bpf(command, &attr, sizeof(attr));
  if (status < 0) return std::unexpected(element_error(status));
  return {};
}

// Maps without keys want none.
const void* key_or_null(Map::Key key) { return key.empty() ? nullptr : key.data(); }

}  // namespace

Result<Map> Map::open(Kernel& kernel, long fd, std::string_view what) {
  if (fd < 0) return std::unexpected(kernel::refusal(what, fd));
  Map map(Handle(kernel, static_cast<int>(fd)));
  abi::bpf_map_info info{};
  (void)SKEP_TRY(kernel::read_info(map.handle_, &info, sizeof(info)));
  map.info_ = {.id = info.id,
               .type = static_cast<MapType>(info.type),
               .key_bytes = info.key_size,
               .value_bytes = info.value_size,
               .max_entries = info.max_entries,
               .flags = info.map_flags,
               .extra = info.map_extra,
               .name = kernel::name_of(info.name),
               .btf_id = info.btf_id,
               .btf_key_type = info.btf_key_type_id,
               .btf_value_type = info.btf_value_type_id};
  map.element_bytes_ = element_bytes_of(kernel, map.info_, map.is_per_cpu());
  return map;
}

Result<Map> Map::create(Kernel& kernel, const MapOptions& options) {
  bpf_attr attr = fresh_attr();
  attr.map_type = static_cast<std::uint32_t>(options.type);
  attr.key_size = options.key_bytes;
  attr.value_size = options.value_bytes;
  attr.max_entries = options.max_entries;
  attr.map_flags = options.flags;
  attr.map_extra = options.extra;
  if (options.inner != nullptr) attr.inner_map_fd = static_cast<std::uint32_t>(options.inner->fd());
  if (options.btf != nullptr) {
    attr.btf_fd = static_cast<std::uint32_t>(options.btf->fd());
    attr.btf_key_type_id = options.btf_key_type;
    attr.btf_value_type_id = options.btf_value_type;
  }
  SKEP_TRY(kernel::set_name(attr.map_name, options.name));
  const long fd = kernel.bpf(abi::BPF_MAP_CREATE, &attr, sizeof(attr));
  return open(kernel, fd, "cannot create the map");
}

Result<Map> Map::by_id(Kernel& kernel, std::uint32_t id, std::uint32_t flags) {
  bpf_attr attr = fresh_attr();
  attr.map_id = id;
  attr.open_flags = flags;
  const long fd = kernel.bpf(abi::BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr));
  return open(kernel, fd, text("cannot open map {}", id));
}

Result<Map> Map::pinned(Kernel& kernel, const std::string& path, std::uint32_t flags) {
  Handle handle = SKEP_TRY(kernel::open_pin(kernel, kernel::Kind::map, path, flags));
  return open(kernel, handle.release(), path);
}

Result<std::vector<std::uint32_t>> Map::ids(Kernel& kernel) {
  return kernel::all_ids(kernel, abi::BPF_MAP_GET_NEXT_ID);
}

bool Map::is_per_cpu() const {
  switch (info_.type) {
    case MapType::percpu_hash:
    case MapType::percpu_array:
    case MapType::lru_percpu_hash:
    case MapType::percpu_cgroup_storage:
      return true;
    default:
      return false;
  }
}

Status Map::check(const char* what, std::uint64_t have, std::uint64_t want) const {
  if (have == want) return {};
  return std::unexpected(
      Error{Code::invalid, EINVAL,
            text("map {}: a {} has {} bytes, not {}", info_.id, what, want, have)});
}

Status Map::lookup(Key key, std::span<std::byte> value, std::uint64_t flags) const {
  SKEP_TRY(check("key", key.size(), info_.key_bytes));
  SKEP_TRY(check("value", value.size(), element_bytes_));
  bpf_attr attr = element_attr(fd(), key_or_null(key), value.data(), flags);
  return element_call(*this, abi::BPF_MAP_LOOKUP_ELEM, attr);
}

Status Map::update(Key key, Value value, std::uint64_t flags) const {
  SKEP_TRY(check("key", key.size(), info_.key_bytes));
  SKEP_TRY(check("value", value.size(), element_bytes_));
  bpf_attr attr = element_attr(fd(), key_or_null(key), value.data(), flags);
  return element_call(*this, abi::BPF_MAP_UPDATE_ELEM, attr);
}

Status Map::erase(Key key) const {
  SKEP_TRY(check("key", key.size(), info_.key_bytes));
  bpf_attr attr = element_attr(fd(), key_or_null(key), nullptr, 0);
  return element_call(*this, abi::BPF_MAP_DELETE_ELEM, attr);
}

Status Map::take(Key key, std::span<std::byte> value) const {
  SKEP_TRY(check("key", key.size(), info_.key_bytes));
  SKEP_TRY(check("value", value.size(), element_bytes_));
  bpf_attr attr = element_attr(fd(), key_or_null(key), value.data(), 0);
  return element_call(*this, abi::BPF_MAP_LOOKUP_AND_DELETE_ELEM, attr);
}

Status Map::next_key(std::optional<Key> key, std::span<std::byte> next) const {
  if (key) SKEP_TRY(check("key", key->size(), info_.key_bytes));
  SKEP_TRY(check("key", next.size(), info_.key_bytes));
  bpf_attr attr = element_attr(fd(), key ? key->data() : nullptr, next.data(), 0);
  return element_call(*this, abi::BPF_MAP_GET_NEXT_KEY, attr);
}

// A key that others remove leads back to the first, over and over: no more steps than elements.
Status Map::for_each(const std::function<bool(Key, Value)>& visit) const {
  Bytes key(info_.key_bytes);
  Bytes next(info_.key_bytes);
  Bytes value(element_bytes_);
  Status more = next_key(std::nullopt, key);
  for (std::uint64_t steps = 0; more && steps < info_.max_entries; ++steps) {
    more = next_key(key, next);
    Status found = lookup(key, value);
    if (found) {
      if (!visit(key, value)) return {};
    } else if (found.error().sys != ENOENT) {
      return found;
    }
    key.swap(next);
  }
  if (!more && more.error().sys != ENOENT) return more;
  return {};
}

Status Map::pin(const std::string& path) const { return kernel::pin(handle_, path); }

Status Map::freeze() const {
  bpf_attr attr = fresh_attr();
  attr.map_fd = static_cast<std::uint32_t>(fd());
  (void)SKEP_TRY(kernel::call(kernel(), abi::BPF_MAP_FREEZE, attr, "cannot freeze the map"));
  return {};
}

}  // namespace skep
