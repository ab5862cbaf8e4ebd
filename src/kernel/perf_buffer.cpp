// SPDX-License-Identifier: Apache-2.0
#include "skep/perf_buffer.h"

#include <bit>
#include <cerrno>

#include "abi/rings.h"
#include "kernel/pages.h"

namespace skep {

namespace {

constexpr std::uint64_t kHeadAt = offsetof(abi::perf_event_mmap_page, data_head);
constexpr std::uint64_t kTailAt = offsetof(abi::perf_event_mmap_page, data_tail);
constexpr std::uint32_t kMostPages = 1 << 19;

}  // namespace

class PerfBuffer::Ring {
 public:
  Ring(Handle handle, std::uint32_t cpu, kernel::Pages pages, std::uint64_t size)
      : handle_(std::move(handle)), cpu_(cpu), pages_(std::move(pages)), size_(size) {}

  [[nodiscard]] int fd() const { return handle_.fd(); }

  [[nodiscard]] Result<std::uint64_t> consume(const Visit& visit, const OnLost& on_lost,
                                              bool& more) {
    std::uint64_t tail = pages_.load<std::uint64_t>(kTailAt);
    const std::uint64_t head = pages_.load<std::uint64_t>(kHeadAt);
    std::uint64_t seen = 0;
    if (head - tail > size_) return damaged(tail);
    while (more && tail != head) {
      abi::perf_event_header header{};
      if (head - tail < sizeof(header)) return damaged(tail);
      copy_out(&header, tail, sizeof(header));
      if (header.size < sizeof(header) || header.size > head - tail) return damaged(tail);
      record_.resize(header.size);
      copy_out(record_.data(), tail, header.size);
      tail += header.size;
      pages_.store(kTailAt, tail);
      if (header.type == abi::PERF_RECORD_SAMPLE) {
        const auto sample = raw_sample();
        if (!sample) return damaged(tail);
        ++seen;
        more = visit(cpu_, *sample);
      } else if (header.type == abi::PERF_RECORD_LOST && on_lost) {
        abi::perf_event_lost lost{};
        if (record_.size() < sizeof(lost)) return damaged(tail);
        std::memcpy(&lost, record_.data(), sizeof(lost));
        on_lost(cpu_, lost.lost);
      }
    }
    return seen;
  }

 private:
  // Records may begin at the end of the data and go on at its beginning.
  void copy_out(void* to, std::uint64_t from, std::uint64_t bytes) const {
    const std::uint64_t at = from & (size_ - 1);
    const std::uint64_t first = std::min(bytes, size_ - at);
    const std::uint64_t data = kernel::page_bytes();
    std::memcpy(to, pages_.at(data + at), first);
    std::memcpy(static_cast<std::byte*>(to) + first, pages_.at(data), bytes - first);
  }

  [[nodiscard]] std::optional<std::span<const std::byte>> raw_sample() const {
    constexpr std::size_t kHead = sizeof(abi::perf_event_raw_sample);
    if (record_.size() < kHead) return {};
    abi::perf_event_raw_sample sample{};
    std::memcpy(&sample, record_.data(), kHead);
    if (sample.size > record_.size() - kHead) return {};
    return std::span(record_).subspan(kHead, sample.size);
  }

  std::unexpected<Error> damaged(std::uint64_t at) const {
    return fail(Code::io, "the perf buffer of CPU {} is damaged at {}", cpu_, at);
  }

  Handle handle_;
  std::uint32_t cpu_;
  kernel::Pages pages_;
  std::uint64_t size_;
  Bytes record_;
};

PerfBuffer::PerfBuffer() = default;
PerfBuffer::PerfBuffer(PerfBuffer&& other) noexcept = default;
PerfBuffer& PerfBuffer::operator=(PerfBuffer&& other) noexcept = default;
PerfBuffer::~PerfBuffer() = default;

Result<PerfBuffer> PerfBuffer::open(const Map& map, std::uint32_t pages) {
  if (map.info().type != MapType::perf_event_array)
    return std::unexpected(
        Error{Code::invalid, EINVAL, text("map {} is not a perf event array", map.info().id)});
  if (!std::has_single_bit(pages) || pages > kMostPages)
    return fail(Code::invalid, "{} pages: not a power of two up to {}", pages, kMostPages);
  Kernel& kernel = map.kernel();
  PerfBuffer buffer;
  buffer.kernel_ = &kernel;
  const std::uint64_t page = kernel::page_bytes();
  const std::uint32_t cpus = std::min(kernel.cpus(), map.info().max_entries);
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
    const long fd = kernel.perf_output(cpu);
    if (fd == -ENODEV) continue;  // possible, but not there now
    if (fd < 0)
      return std::unexpected(kernel::refusal(text("cannot open the output of CPU {}", cpu), fd));
    Handle handle(kernel, static_cast<int>(fd));
    auto mapped = SKEP_TRY(
        kernel::Pages::map(kernel, handle.fd(), page * (1 + std::uint64_t{pages}), true, 0));
    SKEP_TRY(map.set(cpu, handle.fd()));
    buffer.fds_.push_back(handle.fd());
    buffer.rings_.push_back(
        std::make_unique<Ring>(std::move(handle), cpu, std::move(mapped), page * pages));
  }
  return buffer;
}

Result<std::uint64_t> PerfBuffer::consume(const Visit& visit, const OnLost& on_lost) {
  std::uint64_t seen = 0;
  bool more = true;
  for (const auto& ring : rings_) {
    if (!more) break;
    seen += SKEP_TRY(ring->consume(visit, on_lost, more));
  }
  return seen;
}

Result<std::uint64_t> PerfBuffer::poll(std::chrono::milliseconds timeout, const Visit& visit,
                                       const OnLost& on_lost) {
  return kernel::poll_until(*kernel_, fds_, timeout, [&] { return consume(visit, on_lost); });
}

}  // namespace skep
