// SPDX-License-Identifier: Apache-2.0
#include "maps/socket_map.h"

#include <fcntl.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "abi/limits.h"
#include "abi/map_types.h"
#include "maps/fd_array.h"
#include "maps/value_limits.h"
#include "maps/words.h"

namespace skep::maps {

namespace {

constexpr std::uint32_t kSocketFlags = abi::BPF_F_NUMA_NODE | abi::BPF_F_RDONLY | abi::BPF_F_WRONLY;

// Values are descriptors of 4 or 8 bytes; Linux takes no negative ones, but for xskmap and
// reuseport says so when it looks for them.
long fd_of(const void* user_value, std::uint32_t bytes, bool short_is_signed, int& fd) {
  std::uint64_t value = 0;
  std::memcpy(&value, user_value, bytes);
  if (value > INT_MAX && !(short_is_signed && bytes == 4)) return -EINVAL;
  fd = static_cast<int>(static_cast<std::uint32_t>(value));
  return 0;
}

bool value_is_number(const MapSpec& spec) { return spec.value_bytes == 4 || spec.value_bytes == 8; }

// The hash behind a SOCKHASH has cookies as values, whatever user space sees.
MapSpec cookies_spec(const MapSpec& spec) {
  MapSpec cookies = spec;
  cookies.type = abi::BPF_MAP_TYPE_HASH;
  cookies.value_bytes = sizeof(std::uint64_t);
  cookies.flags = 0;
  return cookies;
}

class CookieHash final : public HashMap {
 public:
  CookieHash(const MapInit& init, HeldSockets& held) : HashMap(init), held_(held) {
    values_hold_things_ = true;
  }

 protected:
  void value_goes(std::uint32_t node) override {
    held_.drop(load_relaxed<std::uint64_t>(table_.value(node)));
  }

 private:
  HeldSockets& held_;
};

}  // namespace

long check_sockmap(MapSpec& spec, unsigned) {
  if (spec.max_entries == 0 || spec.key_bytes != 4 || !value_is_number(spec)) return -EINVAL;
  return (spec.flags & ~kSocketFlags) == 0 ? 0 : -EINVAL;
}
std::optional<std::uint64_t> sockmap_bytes(const MapSpec& spec, unsigned) {
  return std::uint64_t{8} * spec.max_entries;
}
std::unique_ptr<Map> open_sockmap(const MapInit& init) {
  return std::make_unique<SocketArrayMap>(init, SocketUse::sockmap);
}

long check_sockhash(MapSpec& spec, unsigned) {
  if (spec.max_entries == 0 || spec.key_bytes == 0 || !value_is_number(spec)) return -EINVAL;
  if ((spec.flags & ~kSocketFlags) != 0) return -EINVAL;
  return spec.key_bytes > abi::MAX_BPF_STACK ? -E2BIG : 0;
}
std::optional<std::uint64_t> sockhash_bytes(const MapSpec& spec, unsigned cpus) {
  return hash_bytes(cookies_spec(spec), cpus);
}
std::unique_ptr<Map> open_sockhash(const MapInit& init) {
  return std::make_unique<SocketHashMap>(init);
}

long check_xskmap(MapSpec& spec, unsigned cpus) {
  return spec.value_bytes == 4 ? check_sockmap(spec, cpus) : -EINVAL;
}
std::optional<std::uint64_t> xskmap_bytes(const MapSpec& spec, unsigned cpus) {
  return sockmap_bytes(spec, cpus);
}
std::unique_ptr<Map> open_xskmap(const MapInit& init) {
  return std::make_unique<SocketArrayMap>(init, SocketUse::xskmap);
}

long check_reuseport_sockarray(MapSpec& spec, unsigned) {
  if (spec.max_entries == 0 || spec.key_bytes != 4 || !value_is_number(spec)) return -EINVAL;
  return flags_known(spec.flags, abi::BPF_F_NUMA_NODE | kAccessFlags) ? 0 : -EINVAL;
}
std::optional<std::uint64_t> reuseport_sockarray_bytes(const MapSpec& spec, unsigned cpus) {
  return sockmap_bytes(spec, cpus);
}
std::unique_ptr<Map> open_reuseport_sockarray(const MapInit& init) {
  return std::make_unique<SocketArrayMap>(init, SocketUse::reuseport);
}

long HeldSockets::hold(int fd, std::uint64_t cookie) {
  const std::lock_guard guard(lock_);
  Held& held = held_[cookie];
  if (!held.fd) held.fd = Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!held.fd) {
    const int why = errno;
    held_.erase(cookie);
    return -why;
  }
  ++held.references;
  return 0;
}

void HeldSockets::drop(std::uint64_t cookie) {
  const std::lock_guard guard(lock_);
  const auto found = held_.find(cookie);
  if (found != held_.end() && --found->second.references == 0) held_.erase(found);
}

int HeldSockets::find(std::uint64_t cookie) const {
  const std::lock_guard guard(lock_);
  const auto found = held_.find(cookie);
  return found == held_.end() ? -1 : found->second.fd.get();
}

std::uint64_t SocketArrayMap::cookie_at(std::uint32_t index) const {
  return index < spec_.max_entries ? slot(index).load(std::memory_order_acquire) : 0;
}

std::optional<SocketTarget> SocketArrayMap::target(std::uint32_t index) const {
  const std::uint64_t cookie = cookie_at(index);
  if (cookie == 0) return std::nullopt;
  return SocketTarget{.cookie = cookie, .fd = held_.find(cookie)};
}

long SocketArrayMap::read(const Caller&, const void* key, void* user_value, std::uint64_t) {
  if (use_ == SocketUse::xskmap) return -EOPNOTSUPP;
  if (spec_.value_bytes != sizeof(std::uint64_t)) return -ENOSPC;
  const std::uint64_t cookie = cookie_at(index_in(key));
  if (cookie == 0) return -ENOENT;
  std::memcpy(user_value, &cookie, sizeof(cookie));
  return 0;
}

long SocketArrayMap::may_replace(std::uint64_t old, std::uint64_t flags) const {
  if (old != 0 && flags == abi::BPF_NOEXIST) return -EEXIST;
  return old == 0 && flags == abi::BPF_EXIST ? -ENOENT : 0;
}

bool SocketArrayMap::holds(std::uint64_t cookie) const {
  for (std::uint32_t index = 0; index < spec_.max_entries; ++index)
    if (cookie_at(index) == cookie) return true;
  return false;
}

long SocketArrayMap::put(std::uint32_t index, int fd, std::uint64_t cookie) {
  if (const long status = held_.hold(fd, cookie); status != 0) return status;
  if (const std::uint64_t old = slot(index).exchange(cookie)) held_.drop(old);
  return 0;
}

// The order of the questions is Linux's, since it decides which errno comes out.
long SocketArrayMap::write(const Caller&, const void* key, const void* user_value,
                           std::uint64_t flags) {
  const std::uint32_t index = index_in(key);
  const bool sockmap = use_ == SocketUse::sockmap;
  const bool bad_flags = flags > abi::BPF_EXIST;
  if (!sockmap && bad_flags) return -EINVAL;
  if (!sockmap && index >= spec_.max_entries) return -E2BIG;
  int fd = -1;
  if (const long status = fd_of(user_value, spec_.value_bytes, !sockmap, fd); status != 0)
    return status;
  SocketFacts facts;
  if (const long status = look_at_socket(fd, facts); status != 0) return status;
  if (sockmap) {
    if (const long status = fits_sockmap(fd, facts); status != 0) return status;
    if (bad_flags) return -EINVAL;
    if (index >= spec_.max_entries) return -E2BIG;
  } else if (use_ == SocketUse::xskmap) {
    if (const long status = fits_xskmap(facts); status != 0) return status;
    if (cookie_at(index) == facts.cookie) return 0;
  }
  if (const long status = may_replace(cookie_at(index), flags); status != 0) return status;
  if (use_ == SocketUse::reuseport) {
    if (const long status = fits_reuseport(fd, facts); status != 0) return status;
    if (holds(facts.cookie)) return -EBUSY;
  }
  return put(index, fd, facts.cookie);
}

long SocketArrayMap::remove(const Caller&, const void* key) {
  const std::uint32_t index = index_in(key);
  if (index >= spec_.max_entries) return use_ == SocketUse::reuseport ? -E2BIG : -EINVAL;
  if (const std::uint64_t old = slot(index).exchange(0)) {
    held_.drop(old);
    return 0;
  }
  if (use_ == SocketUse::xskmap) return 0;
  return use_ == SocketUse::sockmap ? -EINVAL : -ENOENT;
}

long SocketArrayMap::next_key(const Caller&, const void* key, void* next) {
  return next_index(key, next, spec_.max_entries);
}

void SocketArrayMap::clear(const Caller& caller) {
  for (std::uint32_t index = 0; index < spec_.max_entries; ++index)
    if (cookie_at(index) != 0) (void)remove(caller, &index);
}

SocketHashMap::SocketHashMap(const MapInit& init) : Map(init) {
  const MapSpec spec = cookies_spec(spec_);
  cookies_ = std::make_unique<CookieHash>(MapInit{.region = init.region,
                                                  .world = init.world,
                                                  .type = init.type,
                                                  .spec = spec,
                                                  .block = init.block,
                                                  .memory = init.memory,
                                                  .bytes = init.bytes,
                                                  .fresh = init.fresh},
                                          held_);
}

std::optional<SocketTarget> SocketHashMap::target(const Caller& caller, const void* key) const {
  const auto* value = static_cast<const std::byte*>(cookies_->lookup(caller, key));
  if (value == nullptr) return std::nullopt;
  const auto cookie = load_relaxed<std::uint64_t>(value);
  return SocketTarget{.cookie = cookie, .fd = held_.find(cookie)};
}

long SocketHashMap::read(const Caller& caller, const void* key, void* user_value, std::uint64_t) {
  if (spec_.value_bytes != sizeof(std::uint64_t)) return -ENOSPC;
  return cookies_->read(caller, key, user_value, 0);
}

long SocketHashMap::write(const Caller& caller, const void* key, const void* user_value,
                          std::uint64_t flags) {
  int fd = -1;
  if (const long status = fd_of(user_value, spec_.value_bytes, false, fd); status != 0)
    return status;
  SocketFacts facts;
  if (const long status = look_at_socket(fd, facts); status != 0) return status;
  if (const long status = fits_sockmap(fd, facts); status != 0) return status;
  if (flags > abi::BPF_EXIST) return -EINVAL;
  if (const long status = held_.hold(fd, facts.cookie); status != 0) return status;
  const long status = cookies_->update(caller, key, &facts.cookie, flags);
  if (status != 0) held_.drop(facts.cookie);
  return status;
}

long SocketHashMap::remove(const Caller& caller, const void* key) {
  return cookies_->erase(caller, key);
}

long SocketHashMap::next_key(const Caller& caller, const void* key, void* next) {
  return cookies_->next_key(caller, key, next);
}

}  // namespace skep::maps
