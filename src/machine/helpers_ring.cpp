// SPDX-License-Identifier: Apache-2.0
// Ring buffers of both directions.
#include <cerrno>

#include "machine/dynptr.h"
#include "machine/helper_functions.h"
#include "maps/ring_buffer.h"
#include "maps/user_ring_buffer.h"

namespace skep::machine::helper {

using u64 = std::uint64_t;

namespace {

maps::RingBufferMap& ring_at(u64 map) {
  return *static_cast<maps::RingBufferMap*>(pointer<maps::Map>(map));
}

// One drain, each sample given to a subprogram as a dynptr.
struct Drain {
  engine::Running& running;
  u64 code;
  u64 context;
};

long visit_sample(void* self, std::byte* sample, std::uint32_t bytes) {
  const Drain& drain = *static_cast<const Drain*>(self);
  Dynptr seen(DynptrKind::memory, sample, bytes);
  const auto stop =
      drain.running.call_back(drain.code, {address_of(&seen), drain.context, 0, 0, 0});
  return stop ? static_cast<long>(*stop) : 1;
}

}  // namespace

u64 ringbuf_reserve(u64 map, u64 bytes, u64 flags, u64, u64, void* context) {
  maps::RingBufferMap& ring = ring_at(map);
  if (flags != 0) return 0;
  void* sample = ring.reserve(bytes, flags);
  if (sample != nullptr) run_of(context).reservations.add(ring, sample);
  return address_of(sample);
}

u64 ringbuf_submit(u64 sample, u64 flags, u64, u64, u64, void* context) {
  maps::RingBufferMap* ring = run_of(context).reservations.take(pointer<void>(sample));
  if (ring != nullptr) ring->submit(pointer<void>(sample), flags);
  return 0;
}

u64 ringbuf_discard(u64 sample, u64 flags, u64, u64, u64, void* context) {
  maps::RingBufferMap* ring = run_of(context).reservations.take(pointer<void>(sample));
  if (ring != nullptr) ring->discard(pointer<void>(sample), flags);
  return 0;
}

u64 ringbuf_output(u64 map, u64 data, u64 bytes, u64 flags, u64, void*) {
  return result(ring_at(map).output(pointer<const void>(data), bytes, flags));
}

u64 ringbuf_query(u64 map, u64 what, u64, u64, u64, void*) { return ring_at(map).query(what); }

u64 ringbuf_reserve_dynptr(u64 map, u64 bytes, u64 flags, u64 to, u64, void* context) {
  const auto size = static_cast<std::uint32_t>(bytes);
  Dynptr& made = Dynptr::at(to);
  made.clear();
  if (flags != 0) return result(-EINVAL);
  if (size > Dynptr::kMaxBytes) return result(-E2BIG);
  void* sample = pointer<void>(ringbuf_reserve(map, size, 0, 0, 0, context));
  if (sample == nullptr) return result(-EINVAL);
  made = Dynptr(DynptrKind::ringbuf, sample, size);
  return 0;
}

u64 ringbuf_submit_dynptr(u64 of, u64 flags, u64, u64, u64, void* context) {
  Dynptr& given = Dynptr::at(of);
  if (given.is_null()) return 0;
  ringbuf_submit(address_of(given.data()), flags, 0, 0, 0, context);
  given.clear();
  return 0;
}

u64 ringbuf_discard_dynptr(u64 of, u64 flags, u64, u64, u64, void* context) {
  Dynptr& given = Dynptr::at(of);
  if (given.is_null()) return 0;
  ringbuf_discard(address_of(given.data()), flags, 0, 0, 0, context);
  given.clear();
  return 0;
}

u64 user_ringbuf_drain(u64 map, u64 callback, u64 data, u64 flags, u64, void* context) {
  engine::Running* running = run_of(context).running;
  if (running == nullptr) return result(-EINVAL);
  Drain drain{.running = *running, .code = callback, .context = data};
  auto& ring = *static_cast<maps::UserRingBufferMap*>(pointer<maps::Map>(map));
  return result(ring.drain({visit_sample, &drain}, flags));
}

}  // namespace skep::machine::helper
