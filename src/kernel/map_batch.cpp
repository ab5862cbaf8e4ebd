// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>

#include "kernel/call.h"
#include "skep/map.h"

namespace skep {

namespace {

using abi::bpf_attr;
using kernel::address;

// How many elements the bytes hold; 0 when they are not whole or do not go together.
std::uint32_t count_of(std::uint64_t keys, std::uint64_t key_bytes, std::uint64_t values,
                       std::uint64_t value_bytes) {
  if (key_bytes == 0 || keys % key_bytes != 0 || keys / key_bytes > UINT32_MAX) return 0;
  if (value_bytes != 0 && (values % value_bytes != 0 || values / value_bytes != keys / key_bytes))
    return 0;
  return static_cast<std::uint32_t>(keys / key_bytes);
}

std::unexpected<Error> not_whole() {
  return std::unexpected(
      Error{Code::invalid, EINVAL, "a batch takes one or more whole keys, and as many values"});
}

}  // namespace

Result<std::uint32_t> Map::read_batch(std::uint32_t command, MapCursor& cursor,
                                      std::span<std::byte> keys,
                                      std::span<std::byte> values) const {
  const std::uint32_t count = count_of(keys.size(), info_.key_bytes, values.size(), element_bytes_);
  if (count == 0) return not_whole();
  if (cursor.end) return 0U;
  // Hashes count their buckets in 4 bytes, other types go by keys.
  Bytes next(std::max<std::size_t>(info_.key_bytes, sizeof(std::uint32_t)));
  if (!cursor.position.empty() && cursor.position.size() != next.size()) return not_whole();
  bpf_attr attr = kernel::fresh_attr();
  attr.batch.in_batch = cursor.position.empty() ? 0 : address(cursor.position.data());
  attr.batch.out_batch = address(next.data());
  attr.batch.keys = address(keys.data());
  attr.batch.values = address(values.data());
  attr.batch.count = count;
  attr.batch.map_fd = static_cast<std::uint32_t>(fd());
  const long status = kernel().bpf(command, &attr, sizeof(attr));
  if (status < 0 && status != -ENOENT) return std::unexpected(kernel::refusal("batch", status));
  cursor.end = status == -ENOENT;
  cursor.position = std::move(next);
  return std::min(attr.batch.count, count);
}

Result<std::uint32_t> Map::lookup_batch(MapCursor& cursor, std::span<std::byte> keys,
                                        std::span<std::byte> values) const {
  return read_batch(abi::BPF_MAP_LOOKUP_BATCH, cursor, keys, values);
}

Result<std::uint32_t> Map::take_batch(MapCursor& cursor, std::span<std::byte> keys,
                                      std::span<std::byte> values) const {
  return read_batch(abi::BPF_MAP_LOOKUP_AND_DELETE_BATCH, cursor, keys, values);
}

Result<std::uint32_t> Map::update_batch(std::span<const std::byte> keys,
                                        std::span<const std::byte> values) const {
  bpf_attr attr = kernel::fresh_attr();
  attr.batch.count = count_of(keys.size(), info_.key_bytes, values.size(), element_bytes_);
  if (attr.batch.count == 0) return not_whole();
  attr.batch.keys = address(keys.data());
  attr.batch.values = address(values.data());
  attr.batch.map_fd = static_cast<std::uint32_t>(fd());
  (void)SKEP_TRY(kernel::call(kernel(), abi::BPF_MAP_UPDATE_BATCH, attr, "batch"));
  return attr.batch.count;
}

Result<std::uint32_t> Map::erase_batch(std::span<const std::byte> keys) const {
  bpf_attr attr = kernel::fresh_attr();
  attr.batch.count = count_of(keys.size(), info_.key_bytes, 0, 0);
  if (attr.batch.count == 0) return not_whole();
  attr.batch.keys = address(keys.data());
  attr.batch.map_fd = static_cast<std::uint32_t>(fd());
  (void)SKEP_TRY(kernel::call(kernel(), abi::BPF_MAP_DELETE_BATCH, attr, "batch"));
  return attr.batch.count;
}

}  // namespace skep
