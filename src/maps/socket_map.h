// SPDX-License-Identifier: Apache-2.0
// Maps that hold sockets: BPF_MAP_TYPE_SOCKMAP, SOCKHASH, XSKMAP and REUSEPORT_SOCKARRAY. The
// Region has each socket's cookie, which all processes agree on; the process that put the socket in
// keeps a descriptor of its own for it, so only there can it be used. Unlike on Linux the socket
// therefore stays open until it is taken out of the map.
#pragma once

#include <mutex>
#include <unordered_map>

#include "base/fd.h"
#include "maps/hash.h"
#include "maps/socket_facts.h"

namespace skep::maps {

// The sockets that this process put into one map.
class HeldSockets {
 public:
  // Keeps a descriptor for it, counted.
  [[nodiscard]] long hold(int fd, std::uint64_t cookie);
  void drop(std::uint64_t cookie);
  // -1 when another process has it. Good until the socket is taken out.
  [[nodiscard]] int find(std::uint64_t cookie) const;

 private:
  struct Held {
    Fd fd{};
    unsigned references = 0;
  };
  mutable std::mutex lock_;
  std::unordered_map<std::uint64_t, Held> held_;
};

struct SocketTarget {
  std::uint64_t cookie = 0;
  int fd = -1;  // -1 when another process has the socket
};

enum class SocketUse : std::uint8_t { sockmap, xskmap, reuseport };

class SocketArrayMap final : public Map {
 public:
  SocketArrayMap(const MapInit& init, SocketUse use) : Map(init), use_(use) {}

  [[nodiscard]] std::optional<SocketTarget> target(std::uint32_t index) const;

  [[nodiscard]] long read(const Caller&, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long write(const Caller&, const void* key, const void* user_value,
                           std::uint64_t flags) override;
  [[nodiscard]] long remove(const Caller&, const void* key) override;
  [[nodiscard]] long next_key(const Caller&, const void* key, void* next) override;
  void clear(const Caller& caller) override;

 private:
  [[nodiscard]] std::atomic<std::uint64_t>& slot(std::uint32_t index) const {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(memory_)[index];
  }
  [[nodiscard]] std::uint64_t cookie_at(std::uint32_t index) const;
  [[nodiscard]] long may_replace(std::uint64_t old, std::uint64_t flags) const;
  [[nodiscard]] bool holds(std::uint64_t cookie) const;
  [[nodiscard]] long put(std::uint32_t index, int fd, std::uint64_t cookie);

  const SocketUse use_;
  HeldSockets held_;
};

class SocketHashMap final : public Map {
 public:
  explicit SocketHashMap(const MapInit& init);

  [[nodiscard]] std::optional<SocketTarget> target(const Caller& caller, const void* key) const;

  [[nodiscard]] long read(const Caller& caller, const void* key, void* user_value,
                          std::uint64_t flags) override;
  [[nodiscard]] long write(const Caller& caller, const void* key, const void* user_value,
                           std::uint64_t flags) override;
  [[nodiscard]] long remove(const Caller& caller, const void* key) override;
  [[nodiscard]] long next_key(const Caller& caller, const void* key, void* next) override;
  void repair() override { cookies_->repair(); }
  void clear(const Caller& caller) override { cookies_->clear(caller); }

 private:
  HeldSockets held_;
  std::unique_ptr<Map> cookies_;
};

[[nodiscard]] long check_sockmap(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> sockmap_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_sockmap(const MapInit& init);

[[nodiscard]] long check_sockhash(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> sockhash_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_sockhash(const MapInit& init);

[[nodiscard]] long check_xskmap(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> xskmap_bytes(const MapSpec& spec, unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_xskmap(const MapInit& init);

[[nodiscard]] long check_reuseport_sockarray(MapSpec& spec, unsigned cpus);
[[nodiscard]] std::optional<std::uint64_t> reuseport_sockarray_bytes(const MapSpec& spec,
                                                                     unsigned cpus);
[[nodiscard]] std::unique_ptr<Map> open_reuseport_sockarray(const MapInit& init);

}  // namespace skep::maps
