// SPDX-License-Identifier: Apache-2.0
#include "skep/ring_buffer.h"

#include <bit>
#include <cerrno>

#include "abi/rings.h"
#include "kernel/pages.h"

namespace skep {

using kernel::Pages;

// The file: a page with the consumer's position, a page with the producer's, the data twice in a
// row. The first page is written here, the others by the kernel.
class RingBuffer::Ring {
 public:
  Ring(const Map& map, Pages own, Pages data)
      : kernel_(map.kernel()),
        fd_(map.fd()),
        size_(map.info().max_entries),
        own_(std::move(own)),
        data_(std::move(data)),
        first_(kernel::page_bytes()) {}

  [[nodiscard]] Kernel& kernel() const { return kernel_; }
  [[nodiscard]] std::span<const int> fds() const { return {&fd_, 1}; }

  [[nodiscard]] Result<std::uint64_t> consume(const Visit& visit, std::uint64_t limit) const {
    std::uint64_t position = own_.load<std::uint64_t>(0);
    const std::uint64_t end = data_.load<std::uint64_t>(0);
    std::uint64_t seen = 0;
    if (position % abi::kRingbufAlignment != 0 || end - position > size_) return damaged(position);
    while (position != end && seen < limit) {
      const std::uint64_t at = first_ + (position & (size_ - 1));
      const auto header = data_.load<std::uint32_t>(at);
      if ((header & abi::BPF_RINGBUF_BUSY_BIT) != 0) return seen;
      const std::uint64_t bytes = header & ~abi::BPF_RINGBUF_DISCARD_BIT;
      const std::uint64_t step = (bytes + abi::BPF_RINGBUF_HDR_SZ + 7) & ~std::uint64_t{7};
      if (step > end - position) return damaged(position);
      bool more = true;
      if ((header & abi::BPF_RINGBUF_DISCARD_BIT) == 0) {
        ++seen;
        more = visit({data_.at(at + abi::BPF_RINGBUF_HDR_SZ), bytes});
      }
      position += step;
      own_.store(0, position);
      if (!more) return seen;
    }
    return seen;
  }

 private:
  static std::unexpected<Error> damaged(std::uint64_t position) {
    return fail(Code::io, "the ring buffer is damaged at {}", position);
  }

  Kernel& kernel_;
  int fd_;
  std::uint64_t size_;
  Pages own_;
  Pages data_;
  std::uint64_t first_;
};

RingBuffer::RingBuffer(std::unique_ptr<Ring> ring) : ring_(std::move(ring)) {}
RingBuffer::RingBuffer(RingBuffer&& other) noexcept = default;
RingBuffer& RingBuffer::operator=(RingBuffer&& other) noexcept = default;
RingBuffer::~RingBuffer() = default;

Result<RingBuffer> RingBuffer::open(const Map& map) {
  const std::uint64_t size = map.info().max_entries;
  if (map.info().type != MapType::ringbuf || !std::has_single_bit(size))
    return std::unexpected(
        Error{Code::invalid, EINVAL, text("map {} is not a ring buffer", map.info().id)});
  const std::uint64_t page = kernel::page_bytes();
  auto own = SKEP_TRY(Pages::map(map.kernel(), map.fd(), page, true, 0));
  auto data = SKEP_TRY(Pages::map(map.kernel(), map.fd(), page + 2 * size, false, page));
  return RingBuffer(std::make_unique<Ring>(map, std::move(own), std::move(data)));
}

Result<std::uint64_t> RingBuffer::consume(const Visit& visit, std::uint64_t limit) {
  return ring_->consume(visit, limit);
}

Result<std::uint64_t> RingBuffer::poll(std::chrono::milliseconds timeout, const Visit& visit) {
  return kernel::poll_until(ring_->kernel(), ring_->fds(), timeout, [&] { return consume(visit); });
}

}  // namespace skep
