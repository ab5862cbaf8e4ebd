// SPDX-License-Identifier: Apache-2.0
// A map. Owns one descriptor; the map itself stays as long as anybody needs it. Elements are read
// and written as bpf(2) does it, from any thread. Keys and values are bytes, or trivially copyable
// types of exactly their size. A missing element is Code::not_found.
#pragma once

#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>

#include "skep/btf.h"
#include "skep/kernel.h"

namespace skep {

enum class MapType : std::uint32_t {
  hash = 1,
  array,
  prog_array,
  perf_event_array,
  percpu_hash,
  percpu_array,
  stack_trace,
  cgroup_array,
  lru_hash,
  lru_percpu_hash,
  lpm_trie,
  array_of_maps,
  hash_of_maps,
  devmap,
  sockmap,
  cpumap,
  xskmap,
  sockhash,
  cgroup_storage,
  reuseport_sockarray,
  percpu_cgroup_storage,
  queue,
  stack,
  sk_storage,
  devmap_hash,
  struct_ops,
  ringbuf,
  inode_storage,
  task_storage,
  bloom_filter,
  user_ringbuf,
  cgrp_storage,
  arena,
};

// Of update.
inline constexpr std::uint64_t kAny = 0;
inline constexpr std::uint64_t kOnlyNew = 1;       // BPF_NOEXIST
inline constexpr std::uint64_t kOnlyExisting = 2;  // BPF_EXIST

class Map;

struct MapOptions {
  MapType type = MapType::array;
  std::uint32_t key_bytes = 4;
  std::uint32_t value_bytes = 8;
  std::uint32_t max_entries = 1;
  std::uint32_t flags = 0;  // BPF_F_*
  std::string name{};       // at most 15 letters, digits, '_', '.'
  std::uint64_t extra = 0;
  const Map* inner = nullptr;  // what the maps of a map of maps look like
  const Btf* btf = nullptr;
  std::uint32_t btf_key_type = 0;
  std::uint32_t btf_value_type = 0;
};

struct MapInfo {
  std::uint32_t id = 0;
  MapType type{};
  std::uint32_t key_bytes = 0;
  std::uint32_t value_bytes = 0;
  std::uint32_t max_entries = 0;
  std::uint32_t flags = 0;
  std::uint64_t extra = 0;
  std::string name;
  std::uint32_t btf_id = 0;
  std::uint32_t btf_key_type = 0;
  std::uint32_t btf_value_type = 0;
};

// Where a batch goes on.
struct MapCursor {
  Bytes position;  // empty: at the beginning
  bool end = false;
};

class Map {
 public:
  using Key = std::span<const std::byte>;
  using Value = std::span<const std::byte>;

  [[nodiscard]] static Result<Map> create(Kernel& kernel, const MapOptions& options);
  // `flags` are BPF_F_RDONLY or BPF_F_WRONLY.
  [[nodiscard]] static Result<Map> by_id(Kernel& kernel, std::uint32_t id, std::uint32_t flags = 0);
  [[nodiscard]] static Result<Map> pinned(Kernel& kernel, const std::string& path,
                                          std::uint32_t flags = 0);
  [[nodiscard]] static Result<std::vector<std::uint32_t>> ids(Kernel& kernel);

  [[nodiscard]] Kernel& kernel() const { return handle_.kernel(); }
  [[nodiscard]] int fd() const { return handle_.fd(); }
  // As it was when this was opened; none of it changes.
  [[nodiscard]] const MapInfo& info() const { return info_; }
  // Of an element as it is read and written: one value, or one for each CPU, rounded up to 8 bytes.
  [[nodiscard]] std::uint64_t element_bytes() const { return element_bytes_; }
  [[nodiscard]] bool is_per_cpu() const;

  [[nodiscard]] Status lookup(Key key, std::span<std::byte> value, std::uint64_t flags = 0) const;
  [[nodiscard]] Status update(Key key, Value value, std::uint64_t flags = kAny) const;
  [[nodiscard]] Status erase(Key key) const;
  // Reads and removes in one step. Queues and stacks have no keys: give an empty one.
  [[nodiscard]] Status take(Key key, std::span<std::byte> value) const;
  // The key behind this one; behind none, or one that is gone, the first.
  [[nodiscard]] Status next_key(std::optional<Key> key, std::span<std::byte> next) const;

  // Calls it with every element until it returns false; it may erase the one it sees. Elements that
  // come and go meanwhile may be missed.
  [[nodiscard]] Status for_each(const std::function<bool(Key key, Value value)>& visit) const;

  // Many elements in one call, packed one behind the other; these give how many were done.
  [[nodiscard]] Result<std::uint32_t> lookup_batch(MapCursor& cursor, std::span<std::byte> keys,
                                                   std::span<std::byte> values) const;
  [[nodiscard]] Result<std::uint32_t> take_batch(MapCursor& cursor, std::span<std::byte> keys,
                                                 std::span<std::byte> values) const;
  [[nodiscard]] Result<std::uint32_t> update_batch(std::span<const std::byte> keys,
                                                   std::span<const std::byte> values) const;
  [[nodiscard]] Result<std::uint32_t> erase_batch(std::span<const std::byte> keys) const;

  [[nodiscard]] Status pin(const std::string& path) const;
  // No more writes through bpf(2).
  [[nodiscard]] Status freeze() const;

  template <class V, class K>
  [[nodiscard]] Result<V> get(const K& key) const {
    static_assert(std::is_trivially_copyable_v<V> && std::is_trivially_copyable_v<K>);
    V value{};
    const Status done = lookup(as_key(key), std::as_writable_bytes(std::span(&value, 1)));
    if (!done) return std::unexpected(done.error());
    return value;
  }
  template <class K, class V>
  [[nodiscard]] Status set(const K& key, const V& value, std::uint64_t flags = kAny) const {
    static_assert(std::is_trivially_copyable_v<V> && std::is_trivially_copyable_v<K>);
    return update(as_key(key), std::as_bytes(std::span(&value, 1)), flags);
  }
  // Of a per-CPU map: a value for each CPU.
  template <class V, class K>
  [[nodiscard]] Result<std::vector<V>> get_per_cpu(const K& key) const {
    static_assert(std::is_trivially_copyable_v<V> && std::is_trivially_copyable_v<K>);
    Bytes element(element_bytes_);
    const Status done = lookup(as_key(key), element);
    if (!done) return std::unexpected(done.error());
    constexpr std::size_t step = (sizeof(V) + 7) & ~std::size_t{7};
    std::vector<V> values(element.size() / step);
    for (std::size_t i = 0; i < values.size(); ++i)
      std::memcpy(&values[i], element.data() + i * step, sizeof(V));
    return values;
  }

 private:
  explicit Map(Handle handle) : handle_(std::move(handle)) {}
  [[nodiscard]] static Result<Map> open(Kernel& kernel, long fd, std::string_view what);
  [[nodiscard]] Status check(const char* what, std::uint64_t have, std::uint64_t want) const;
  [[nodiscard]] Result<std::uint32_t> read_batch(std::uint32_t command, MapCursor& cursor,
                                                 std::span<std::byte> keys,
                                                 std::span<std::byte> values) const;

  template <class K>
  [[nodiscard]] static Key as_key(const K& key) {
    return std::as_bytes(std::span(&key, 1));
  }

  Handle handle_;
  MapInfo info_;
  std::uint64_t element_bytes_ = 0;
};

}  // namespace skep
