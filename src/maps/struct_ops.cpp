// SPDX-License-Identifier: Apache-2.0
#include "maps/struct_ops.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "abi/map_types.h"
#include "maps/fd_array.h"
#include "maps/words.h"

namespace skep::maps {

namespace {

constexpr std::uint64_t kHeaderBytes = 64;

// What the value begins with.
struct Common {
  std::uint32_t references = 0;
  std::uint32_t state = 0;
};

}  // namespace

long check_struct_ops(MapSpec& spec, unsigned) {
  const std::uint32_t known = abi::BPF_F_LINK | abi::BPF_F_VTYPE_BTF_OBJ_FD;
  if (spec.key_bytes != 4 || spec.max_entries != 1 || (spec.flags & ~known) != 0) return -EINVAL;
  return spec.value_bytes < StructOpsMap::kDataAt ? -EINVAL : 0;
}

std::optional<std::uint64_t> struct_ops_bytes(const MapSpec& spec, unsigned) {
  return kHeaderBytes + round8(spec.value_bytes);
}

std::unique_ptr<Map> open_struct_ops(const MapInit& init) {
  return std::make_unique<StructOpsMap>(init);
}

std::byte* StructOpsMap::value() const { return memory_ + kHeaderBytes; }

StructOpsState StructOpsMap::state() const {
  return static_cast<StructOpsState>(
      std::min<std::uint32_t>(header().state.load(std::memory_order_acquire), 3));
}

void StructOpsMap::set_state(StructOpsState state) {
  header().state.store(static_cast<std::uint32_t>(state), std::memory_order_release);
}

std::vector<std::byte> StructOpsMap::data() const {
  std::vector<std::byte> bytes(spec_.value_bytes - kDataAt);
  load_words(bytes.data(), value() + kDataAt, bytes.size());
  return bytes;
}

long StructOpsMap::read(const Caller&, const void* key, void* user_value, std::uint64_t) {
  if (index_in(key) != 0) return -ENOENT;
  std::memset(user_value, 0, spec_.value_bytes);
  const StructOpsState now = state();
  if (now == StructOpsState::init) return 0;
  load_words(user_value, value(), spec_.value_bytes);
  const Common common{.references = now == StructOpsState::in_use ? 1U : 0U,
                      .state = static_cast<std::uint32_t>(now)};
  std::memcpy(user_value, &common, sizeof(common));
  return 0;
}

long StructOpsMap::write(const Caller&, const void* key, const void* user_value,
                         std::uint64_t flags) {
  if (flags != 0) return -EINVAL;
  if (index_in(key) != 0) return -E2BIG;
  Common common;
  std::memcpy(&common, user_value, sizeof(common));
  if (common.references != 0 || common.state != 0) return -EINVAL;
  if (consumer_ == nullptr) return -EOPNOTSUPP;
  const Guard guard(header().lock, region_);
  if (guard.busy() || state() != StructOpsState::init) return -EBUSY;
  const std::span given(static_cast<const std::byte*>(user_value), spec_.value_bytes);
  if (const long status = consumer_->check(given.subspan(kDataAt)); status != 0) return status;
  store_words(value(), user_value, spec_.value_bytes);
  if ((spec_.flags & abi::BPF_F_LINK) != 0) {
    set_state(StructOpsState::ready);
    return 0;
  }
  if (const long status = consumer_->attach(given.subspan(kDataAt)); status != 0) return status;
  header().registrant.store(region_.word());
  set_state(StructOpsState::in_use);
  return 0;
}

long StructOpsMap::remove(const Caller&, const void*) {
  if ((spec_.flags & abi::BPF_F_LINK) != 0) return -EOPNOTSUPP;
  auto expected = static_cast<std::uint32_t>(StructOpsState::in_use);
  if (header().state.compare_exchange_strong(
          expected, static_cast<std::uint32_t>(StructOpsState::to_be_freed))) {
    if (consumer_ != nullptr && header().registrant.load() == region_.word())
      consumer_->detach(data());
    return 0;
  }
  switch (static_cast<StructOpsState>(expected)) {
    case StructOpsState::to_be_freed:
      return -EINPROGRESS;
    case StructOpsState::init:
      return -ENOENT;
    default:
      return -EINVAL;
  }
}

long StructOpsMap::next_key(const Caller&, const void* key, void* next) {
  if (key != nullptr && index_in(key) == 0) return -ENOENT;
  std::memset(next, 0, sizeof(std::uint32_t));
  return 0;
}

long StructOpsMap::attach_link() {
  if ((spec_.flags & abi::BPF_F_LINK) == 0 || state() != StructOpsState::ready) return -EINVAL;
  return consumer_ == nullptr ? -EOPNOTSUPP : consumer_->attach(data());
}

void StructOpsMap::detach_link() {
  if (consumer_ != nullptr) consumer_->detach(data());
}

// A consumer that died with its process has nothing registered any more.
void StructOpsMap::repair() {
  if (state() == StructOpsState::in_use && !region_.lives(header().registrant.load()))
    set_state(StructOpsState::to_be_freed);
}

void StructOpsMap::clear(const Caller& caller) {
  const std::uint32_t key = 0;
  if ((spec_.flags & abi::BPF_F_LINK) == 0) (void)remove(caller, &key);
}

}  // namespace skep::maps
