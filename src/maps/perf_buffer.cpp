// SPDX-License-Identifier: Apache-2.0
#include "maps/perf_buffer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "maps/cpus.h"
#include "maps/waking.h"
#include "maps/words.h"

namespace skep::maps {

namespace {

constexpr std::size_t kHeadAt = offsetof(abi::perf_event_mmap_page, data_head);
constexpr std::size_t kTailAt = offsetof(abi::perf_event_mmap_page, data_tail);
// Behind what perf has on this page.
constexpr std::size_t kOwnAt = 2048;

std::span<const std::byte> bytes_of(const auto& value) {
  return std::as_bytes(std::span(&value, 1));
}

}  // namespace

struct PerfRing::Own {
  std::atomic<std::uint32_t> cpu;
  Waking waking;
  std::atomic<std::uint64_t> lost;
};

PerfRing::Own& PerfRing::own() const { return *reinterpret_cast<Own*>(memory_ + kOwnAt); }

void PerfRing::start(unsigned cpu) const {
  auto& page = *reinterpret_cast<abi::perf_event_mmap_page*>(memory_);
  page.data_offset = kPage;
  page.data_size = mask_ + 1;
  own().cpu = cpu;
}

unsigned PerfRing::cpu() const { return own().cpu.load(std::memory_order_relaxed); }

// Records begin at multiples of 8, and so does the end of the data: words are never cut.
std::uint64_t PerfRing::head() const {
  return __atomic_load_n(&position(kHeadAt), __ATOMIC_SEQ_CST) & ~std::uint64_t{7};
}
std::uint64_t PerfRing::tail() const {
  return __atomic_load_n(&position(kTailAt), __ATOMIC_SEQ_CST) & ~std::uint64_t{7};
}
void PerfRing::set_tail(std::uint64_t tail) const {
  __atomic_store_n(&position(kTailAt), tail, __ATOMIC_SEQ_CST);
}

// `at` is a multiple of 8.
void PerfRing::copy_in(std::uint64_t at, std::span<const std::byte> bytes) const {
  const std::uint64_t first = at & mask_;
  const std::size_t before_end = std::min<std::uint64_t>(bytes.size(), mask_ + 1 - first);
  store_words(data_ + first, bytes.data(), before_end);
  store_words(data_, bytes.data() + before_end, bytes.size() - before_end);
}

// Collects the pieces of a record, so that whole words go into the ring.
class PerfRing::Record {
 public:
  Record(const PerfRing& ring, std::uint64_t at) : ring_(ring), at_(at) {}
  void add(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const std::size_t now = std::min(bytes.size(), words_.size() - used_);
      std::memcpy(words_.data() + used_, bytes.data(), now);
      used_ += now;
      bytes = bytes.subspan(now);
      if (used_ == words_.size()) flush();
    }
  }
  void flush() {
    ring_.copy_in(at_, std::span(words_).first(used_));
    at_ += std::exchange(used_, 0);
  }

 private:
  const PerfRing& ring_;
  std::uint64_t at_;
  std::array<std::byte, 256> words_;
  std::size_t used_ = 0;
};

void PerfRing::copy_out(void* to, std::uint64_t at, std::uint64_t bytes) const {
  const std::uint64_t first = at & mask_ & ~std::uint64_t{7};
  const std::uint64_t before_end = std::min(bytes, mask_ + 1 - first);
  load_words(to, data_ + first, before_end);
  load_words(static_cast<std::byte*>(to) + before_end, data_, bytes - before_end);
}

long PerfRing::write(std::span<const std::byte> data, std::span<const std::byte> more) const {
  const std::uint64_t raw_bytes = data.size() + more.size();
  const std::uint64_t bytes = round8(sizeof(abi::perf_event_raw_sample) + raw_bytes);
  if (bytes > UINT16_MAX) return -E2BIG;
  const std::uint64_t lost = own().lost.load(std::memory_order_relaxed);
  const std::uint64_t begin = head();
  std::uint64_t at = begin;
  // Linux leaves one byte free, so that full and empty differ.
  const std::uint64_t room = (tail() - (begin + 1)) & mask_;
  if (bytes + (lost != 0 ? sizeof(abi::perf_event_lost) : 0) > room) {
    own().lost.store(lost + 1, std::memory_order_relaxed);
    return -ENOSPC;
  }
  if (lost != 0) {
    const abi::perf_event_lost record{
        .header = {.type = abi::PERF_RECORD_LOST, .misc = 0, .size = sizeof(record)},
        .id = 0,
        .lost = lost};
    copy_in(at, bytes_of(record));
    at += sizeof(record);
    own().lost.store(0, std::memory_order_relaxed);
  }
  const abi::perf_event_raw_sample sample{
      .header = {.type = abi::PERF_RECORD_SAMPLE,
                 .misc = 0,
                 .size = static_cast<std::uint16_t>(bytes)},
      .size = static_cast<std::uint32_t>(bytes - sizeof(sample))};
  Record record(*this, at);
  record.add(bytes_of(sample));
  record.add(data);
  record.add(more);
  const std::uint64_t zeros = 0;
  record.add(bytes_of(zeros).first(bytes - sizeof(sample) - raw_bytes));
  record.flush();
  __atomic_store_n(&position(kHeadAt), at + bytes, __ATOMIC_SEQ_CST);
  own().waking.wake();
  return 0;
}

std::uint32_t PerfRing::wakeups() const { return own().waking.count(); }

void PerfRing::sleep(std::uint32_t seen, std::chrono::nanoseconds timeout) const {
  own().waking.sleep(seen, timeout);
}

Result<std::unique_ptr<PerfBuffer>> PerfBuffer::create(Region& region, unsigned cpu,
                                                       std::uint64_t pages) {
  if (!std::has_single_bit(pages) || pages > std::uint64_t{1} << PerfRing::kMaxOrder)
    return fail(Code::invalid, "a perf buffer has 2^n pages, up to 2^{}, not {}",
                PerfRing::kMaxOrder, pages);
  if (cpu >= region.cpus()) return fail(Code::invalid, "CPU {} of {}", cpu, region.cpus());
  const auto order = static_cast<unsigned>(std::countr_zero(pages));
  const Offset block = SKEP_TRY(region.allocate(PerfRing::bytes(order)));
  std::byte* memory = region.at(block, PerfRing::bytes(order));
  SKEP_ASSERT(memory != nullptr);
  std::unique_ptr<PerfBuffer> buffer(new PerfBuffer(region, cpu, order, block, memory));
  buffer->ring_.start(cpu);
  return buffer;
}

PerfBuffer::~PerfBuffer() {
  // A program that took the slot's value before it was removed still holds its CPU.
  {
    const Cpu writer(region_, cpu_);
  }
  region_.free(block_);
}

long PerfReader::record(const abi::perf_event_header& header, std::uint64_t at) {
  bytes_.resize(header.size);
  ring_.copy_out(bytes_.data(), at, header.size);
  if (header.type == abi::PERF_RECORD_LOST && header.size >= sizeof(abi::perf_event_lost)) {
    abi::perf_event_lost lost{};
    std::memcpy(&lost, bytes_.data(), sizeof(lost));
    if (on_lost_) on_lost_(lost.lost);
    return 0;
  }
  if (header.type != abi::PERF_RECORD_SAMPLE || header.size < sizeof(abi::perf_event_raw_sample))
    return 0;
  abi::perf_event_raw_sample sample{};
  std::memcpy(&sample, bytes_.data(), sizeof(sample));
  const std::span<const std::byte> raw = std::span(bytes_).subspan(sizeof(sample));
  const long status = on_sample_(raw.first(std::min<std::size_t>(sample.size, raw.size())));
  return status < 0 ? status : 1;
}

long PerfReader::consume() {
  long count = 0;
  std::uint64_t tail = ring_.tail();
  for (;;) {
    const std::uint64_t rest = ring_.head() - tail;
    if (rest == 0) return count;
    abi::perf_event_header header{};
    ring_.copy_out(&header, tail, sizeof(header));
    if (rest > ring_.data_bytes() || header.size < sizeof(header) || header.size % 8 != 0 ||
        header.size > rest) {
      // Nobody honest wrote that: begin again where the writer is.
      ring_.set_tail(ring_.head());
      return count;
    }
    const long status = record(header, tail);
    tail += header.size;
    ring_.set_tail(tail);
    if (status < 0) return status;
    count += status;
  }
}

long PerfReader::poll(std::chrono::milliseconds timeout) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + timeout;
  for (;;) {
    const std::uint32_t seen = ring_.wakeups();
    if (const long count = consume(); count != 0) return count;
    const auto now = Clock::now();
    if (now >= end) return 0;
    ring_.sleep(seen, std::chrono::duration_cast<std::chrono::nanoseconds>(end - now));
  }
}

}  // namespace skep::maps
