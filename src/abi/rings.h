// SPDX-License-Identifier: Apache-2.0
// The rings that a consumer maps: BPF ring buffers and perf's. The other side writes these pages at
// any time, maybe wrongly: whoever reads them copies a field once and then checks it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::abi {

// NOLINTBEGIN(readability-identifier-naming): names of the kernel's interface

// BPF_MAP_TYPE_RINGBUF. File offset 0: a page that begins with the consumer's 64-bit position,
// which the consumer may write; one page on: a page that begins with the producer's, read only;
// then the data, twice in a row, so that no record is cut. Positions only grow; size is
// max_entries, a power of 2 and of whole pages. BPF_MAP_TYPE_USER_RINGBUF has the same with the
// roles exchanged.
struct bpf_ringbuf_hdr {
  std::uint32_t len;     // of the data behind, with the two bits below
  std::uint32_t pg_off;  // the kernel's own
};
static_assert(sizeof(bpf_ringbuf_hdr) == 8);

inline constexpr std::uint32_t BPF_RINGBUF_BUSY_BIT = 1U << 31;
inline constexpr std::uint32_t BPF_RINGBUF_DISCARD_BIT = 1U << 30;
inline constexpr std::uint32_t BPF_RINGBUF_HDR_SZ = 8;
// A record is header and data, rounded up to this; each begins at a multiple of it.
inline constexpr std::uint32_t kRingbufAlignment = 8;
// A record's data cannot be longer than this, nor than the ring.
inline constexpr std::uint32_t RINGBUF_MAX_RECORD_SZ = 0xffff'ffffU / 4;

// bpf_ringbuf_{submit,discard,output}
enum : std::uint64_t {
  BPF_RB_NO_WAKEUP = 1ULL << 0,
  BPF_RB_FORCE_WAKEUP = 1ULL << 1,
};

// bpf_ringbuf_query
enum : std::uint64_t {
  BPF_RB_AVAIL_DATA = 0,
  BPF_RB_RING_SIZE = 1,
  BPF_RB_CONS_POS = 2,
  BPF_RB_PROD_POS = 3,
};

// bpf_user_ringbuf_drain visits at most so many samples in a call.
inline constexpr std::uint32_t BPF_MAX_USER_RINGBUF_SAMPLES = 128 * 1024;

// perf_event_open's ring: this page, then 2^n pages of data at data_offset.
struct perf_event_mmap_page {
  std::uint32_t version;
  std::uint32_t compat_version;
  std::uint32_t lock;
  std::uint32_t index;
  std::int64_t offset;
  std::uint64_t time_enabled;
  std::uint64_t time_running;
  std::uint64_t capabilities;
  std::uint16_t pmc_width;
  std::uint16_t time_shift;
  std::uint32_t time_mult;
  std::uint64_t time_offset;
  std::uint64_t time_zero;
  std::uint32_t size;
  std::uint32_t reserved_1;
  std::uint64_t time_cycles;
  std::uint64_t time_mask;
  std::uint8_t reserved[928];
  std::uint64_t data_head;  // the producer's position, grows for ever
  std::uint64_t data_tail;  // the consumer's, written by it
  std::uint64_t data_offset;
  std::uint64_t data_size;
  std::uint64_t aux_head;
  std::uint64_t aux_tail;
  std::uint64_t aux_offset;
  std::uint64_t aux_size;
};
static_assert(offsetof(perf_event_mmap_page, data_head) == 1024);
static_assert(sizeof(perf_event_mmap_page) == 1088);

struct perf_event_header {
  std::uint32_t type;
  std::uint16_t misc;
  std::uint16_t size;  // of the whole record, this header included; a multiple of 8
};
static_assert(sizeof(perf_event_header) == 8);

enum : std::uint32_t {
  PERF_RECORD_LOST = 2,
  PERF_RECORD_SAMPLE = 9,
  PERF_RECORD_LOST_SAMPLES = 13,
};

struct perf_event_lost {
  perf_event_header header;
  std::uint64_t id;
  std::uint64_t lost;
};
static_assert(sizeof(perf_event_lost) == 24);

// A sample that has PERF_SAMPLE_RAW and nothing else, as bpf_perf_event_output fills it: `size`
// bytes follow, padded so that the record's size is a multiple of 8. `size` counts the padding too.
struct perf_event_raw_sample {
  perf_event_header header;
  std::uint32_t size;
};
static_assert(sizeof(perf_event_raw_sample) == 12);

inline constexpr std::uint64_t PERF_SAMPLE_RAW = 1ULL << 10;
inline constexpr std::uint32_t PERF_TYPE_SOFTWARE = 1;
inline constexpr std::uint64_t PERF_COUNT_SW_BPF_OUTPUT = 10;

// bpf_perf_event_output and bpf_perf_event_read
inline constexpr std::uint64_t BPF_F_INDEX_MASK = 0xffff'ffffULL;
inline constexpr std::uint64_t BPF_F_CURRENT_CPU = BPF_F_INDEX_MASK;
inline constexpr std::uint64_t BPF_F_CTXLEN_MASK = 0xf'ffffULL << 32;

// bpf_perf_event_read_value, bpf_perf_prog_read_value
struct bpf_perf_event_value {
  std::uint64_t counter;
  std::uint64_t enabled;
  std::uint64_t running;
};
static_assert(sizeof(bpf_perf_event_value) == 24);

// NOLINTEND(readability-identifier-naming)

}  // namespace skep::abi
