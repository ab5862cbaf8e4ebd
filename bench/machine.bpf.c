// SPDX-License-Identifier: Apache-2.0
// What machines are measured with: each section is a program that does one thing 1,000 times, with
// `empty` as the loop itself, and returns 0 when all went well. It refers to nothing outside: who
// loads it puts the descriptor of the map where the_map() leaves room.
typedef unsigned int u32;
typedef unsigned long long u64;

enum { kTimes = 1000, kNoWakeup = 1 };

static void* (*const map_lookup)(void* map, const void* key) = (void*)1;
static long (*const map_update)(void* map, const void* key, const void* value,
                                u64 flags) = (void*)2;
static long (*const map_delete)(void* map, const void* key) = (void*)3;
static u64 (*const ktime_get)(void) = (void*)5;
static u32 (*const random)(void) = (void*)7;
static long (*const map_push)(void* map, const void* value, u64 flags) = (void*)87;
static long (*const map_pop)(void* map, void* value) = (void*)88;
static void* (*const ring_reserve)(void* map, u64 bytes, u64 flags) = (void*)131;
static void (*const ring_submit)(void* sample, u64 flags) = (void*)132;

#define INLINE static inline __attribute__((always_inline))

INLINE void* the_map(void) {
  void* map;
  asm volatile("%0 = 0x6b736b7070656b73 ll" : "=r"(map));
  return map;
}

INLINE void keep(u64 value) { asm volatile("" : : "r"(value) : "memory"); }

// Keys come in no order, and two threads begin at different places. The barrier keeps the loop from
// being unrolled.
#define REPEATED(name, mask)                                               \
  INLINE int do_##name(void* map, u32 key);                                \
  __attribute__((section(#name), used)) int run_##name(void* context) {    \
    (void)context;                                                         \
    void* map = the_map();                                                 \
    const u32 begin = random();                                            \
    for (u32 i = 0; i < kTimes; ++i) {                                     \
      if (!do_##name(map, ((begin + i) * 0x9e3779b1U) & (mask))) return 1; \
      asm volatile("" : "+r"(i));                                          \
    }                                                                      \
    return 0;                                                              \
  }                                                                        \
  INLINE int do_##name(void* map, u32 key)

#define LOOK_UP(name, mask)                   \
  REPEATED(name, mask) {                      \
    const u64* value = map_lookup(map, &key); \
    if (!value) return 0;                     \
    keep(*value);                             \
    return 1;                                 \
  }

REPEATED(empty, 1023) {
  (void)map;
  keep((u64)&key);
  return 1;
}

LOOK_UP(array_lookup, 1023)
LOOK_UP(percpu_array_lookup, 1023)
LOOK_UP(hash_lookup, 1023)
LOOK_UP(hash_lookup_64k, 65535)
LOOK_UP(percpu_hash_lookup, 1023)
LOOK_UP(lru_lookup, 1023)

REPEATED(hash_update, 1023) {
  const u64 value = key;
  return map_update(map, &key, &value, 0) == 0;
}

REPEATED(hash_update_delete, ~0U) {
  const u64 value = key;
  return map_update(map, &key, &value, 0) == 0 && map_delete(map, &key) == 0;
}

REPEATED(lru_update, 65535) {
  const u64 value = key;
  return map_update(map, &key, &value, 0) == 0;
}

REPEATED(lpm_lookup, 1023) {
  const u32 prefix[2] = {32, key * 0x9e3779b1U};
  const u64* value = map_lookup(map, prefix);
  if (!value) return 0;
  keep(*value);
  return 1;
}

REPEATED(queue_push_pop, ~0U) {
  u64 value = key;
  return map_push(map, &value, 0) == 0 && map_pop(map, &value) == 0;
}

REPEATED(ring_reserve_submit, ~0U) {
  u64* sample = ring_reserve(map, sizeof(u64), 0);
  if (!sample) return 0;
  *sample = key;
  ring_submit(sample, kNoWakeup);
  return 1;
}

REPEATED(ktime, ~0U) {
  (void)map;
  (void)key;
  keep(ktime_get());
  return 1;
}
