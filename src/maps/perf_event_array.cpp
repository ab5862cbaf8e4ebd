// SPDX-License-Identifier: Apache-2.0
#include "maps/perf_event_array.h"

#include <cerrno>
#include <cstring>

#include "abi/limits.h"
#include "abi/map_types.h"

namespace skep::maps {

namespace {

constexpr std::uint64_t kOrderMask = PerfRing::kPage - 1;

}  // namespace

long check_perf_event_array(MapSpec& spec, unsigned) {
  return check_fd_array(spec, abi::BPF_F_PRESERVE_ELEMS);
}

std::optional<std::uint64_t> perf_event_array_bytes(const MapSpec& spec, unsigned) {
  return std::uint64_t{8} * spec.max_entries;
}

std::unique_ptr<Map> open_perf_event_array(const MapInit& init) {
  return std::make_unique<PerfEventArrayMap>(init);
}

long PerfEventArrayMap::output(const Caller& caller, std::uint64_t flags,
                               std::span<const std::byte> data,
                               std::span<const std::byte> more) const {
  if ((flags & ~abi::BPF_F_INDEX_MASK) != 0) return -EINVAL;
  const std::uint64_t index = flags == abi::BPF_F_CURRENT_CPU ? caller.cpu : flags;
  if (index >= spec_.max_entries) return -E2BIG;
  const std::uint64_t found =
      slot(static_cast<std::uint32_t>(index)).load(std::memory_order_acquire);
  if (found == 0) return -ENOENT;
  const std::uint64_t order = found & kOrderMask;
  if (order > PerfRing::kMaxOrder) return -EINVAL;
  std::byte* memory =
      region_.at(Offset{found - order}, PerfRing::bytes(static_cast<unsigned>(order)));
  if (memory == nullptr) return -EINVAL;
  const PerfRing ring(memory, static_cast<unsigned>(order));
  return ring.cpu() == caller.cpu ? ring.write(data, more) : -EOPNOTSUPP;
}

Result<std::unique_ptr<PerfBuffer>> PerfEventArrayMap::open_buffer(unsigned cpu,
                                                                   std::uint64_t pages) {
  if (cpu >= spec_.max_entries)
    return fail(Code::invalid, "the array has {} entries, none for CPU {}", spec_.max_entries, cpu);
  auto buffer = SKEP_TRY(PerfBuffer::create(region_, cpu, pages));
  release(slot(cpu).exchange(buffer->slot()));
  return buffer;
}

void PerfEventArrayMap::close_buffer(const PerfBuffer& buffer) {
  std::uint64_t here = buffer.slot();
  (void)slot(buffer.cpu()).compare_exchange_strong(here, 0);
}

void PerfEventArrayMap::release(std::uint64_t slot) const {
  if (slot != 0 && descriptors_ != nullptr) descriptors_->release(slot);
}

void PerfEventArrayMap::descriptor_closed() {
  if ((spec_.flags & abi::BPF_F_PRESERVE_ELEMS) == 0) clear({});
}

long PerfEventArrayMap::read(const Caller&, const void*, void*, std::uint64_t) {
  return -abi::ENOTSUPP;
}

long PerfEventArrayMap::write(const Caller&, const void* key, const void* user_value,
                              std::uint64_t flags) {
  if (flags != abi::BPF_ANY) return -EINVAL;
  const std::uint32_t index = index_in(key);
  if (index >= spec_.max_entries) return -E2BIG;
  int fd = -1;
  std::memcpy(&fd, user_value, sizeof(fd));
  std::uint64_t buffer = 0;
  if (descriptors_ == nullptr) return -EBADF;
  if (const long status = descriptors_->acquire(fd, buffer); status != 0) return status;
  release(slot(index).exchange(buffer));
  return 0;
}

long PerfEventArrayMap::remove(const Caller&, const void* key) {
  const std::uint32_t index = index_in(key);
  if (index >= spec_.max_entries) return -E2BIG;
  const std::uint64_t old = slot(index).exchange(0);
  if (old == 0) return -ENOENT;
  release(old);
  return 0;
}

long PerfEventArrayMap::next_key(const Caller&, const void* key, void* next) {
  return next_index(key, next, spec_.max_entries);
}

void PerfEventArrayMap::clear(const Caller&) {
  for (std::uint32_t index = 0; index < spec_.max_entries; ++index)
    if (slot(index).load(std::memory_order_relaxed) != 0) release(slot(index).exchange(0));
}

}  // namespace skep::maps
