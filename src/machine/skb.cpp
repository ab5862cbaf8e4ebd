// SPDX-License-Identifier: Apache-2.0
#include "machine/skb.h"

#include <algorithm>
#include <cstring>

#include "machine/checksum.h"

namespace skep::machine {

namespace {

// As much as on Linux, and more of it in the same steps: kUnset tells why that shows.
constexpr std::uint64_t kHeadroom = 64;
constexpr std::uint64_t kTailroom = 320;
constexpr std::uint64_t kSpare =
    64;  // behind the packet: move_bytes may reach a header's length there
constexpr std::uint64_t kMaxBuffer = 4 << 20;  // kernel: KMALLOC_MAX_SIZE

}  // namespace

std::uint32_t protocol_of(std::uint16_t type, std::optional<std::uint16_t> next) {
  if (big_endian(type) >= kSmallestEtherType) return type;
  return next == 0xffff ? kProtocol8023 : kProtocol8022;
}

Skb::Skb(std::span<const std::byte> bytes)
    : buffer_(kHeadroom + bytes.size() + kTailroom),
      begin_(kHeadroom),
      length_(static_cast<std::uint32_t>(bytes.size())),
      mac_(kHeadroom),
      network_(kHeadroom) {
  std::ranges::copy(bytes, buffer_.begin() + begin_);
  refresh();
}

std::optional<std::span<std::byte>> Skb::part(std::int64_t offset, std::uint64_t count) {
  if (offset < -std::int64_t{begin_} || offset > std::int64_t{length_}) return std::nullopt;
  if (count > static_cast<std::uint64_t>(length_ - offset)) return std::nullopt;
  return std::span(buffer_).subspan(static_cast<std::size_t>(begin_ + offset), count);
}

std::optional<std::int64_t> Skb::transport_offset() const {
  if (transport_ == kUnset) return std::nullopt;
  return transport_ - std::int64_t{begin_};
}

void Skb::move_headers(std::int64_t distance) {
  if (transport_ == network_) transport_ = static_cast<std::uint16_t>(transport_ + distance);
  mac_ += distance;
  network_ += distance;
}

bool Skb::make_room(std::uint64_t front, std::uint64_t back) {
  const std::uint64_t behind = buffer_.size() - begin_ - length_;
  const std::uint64_t more_front =
      front > begin_ ? (front - begin_ + kHeadroom - 1) / kHeadroom * kHeadroom : 0;
  const std::uint64_t more_back = back > behind ? back - behind + kTailroom : 0;
  if (more_front == 0 && more_back == 0) return true;
  if (buffer_.size() + more_front + more_back > kMaxBuffer) return false;
  Bytes larger(buffer_.size() + more_front + more_back);
  std::ranges::copy(buffer_, larger.begin() + static_cast<std::ptrdiff_t>(more_front));
  buffer_ = std::move(larger);
  begin_ += static_cast<std::uint32_t>(more_front);
  const auto distance = static_cast<std::int64_t>(more_front);
  mac_ += distance;
  network_ += distance;
  transport_ = static_cast<std::uint16_t>(transport_ + distance);
  return true;
}

bool Skb::push(std::uint32_t count) {
  if (!make_room(count, 0)) return false;
  begin_ -= count;
  length_ += count;
  refresh();
  return true;
}

void Skb::pull(std::uint32_t count) {
  SKEP_ASSERT(count <= length_);
  begin_ += count;
  length_ -= count;
  refresh();
}

bool Skb::resize(std::uint32_t length) {
  if (length > length_) {
    if (!make_room(0, std::uint64_t{length} - length_ + kSpare)) return false;
    std::memset(buffer_.data() + begin_ + length_, 0, length - length_);
  }
  length_ = length;
  refresh();
  return true;
}

void Skb::move_bytes(std::uint32_t to, std::uint32_t from, std::uint32_t count) {
  const std::uint64_t end = std::uint64_t{std::max(to, from)} + count;
  SKEP_ASSERT(begin_ + end <= buffer_.size());
  std::memmove(buffer_.data() + begin_ + to, buffer_.data() + begin_ + from, count);
}

void Skb::set_vlan(std::uint32_t protocol, std::uint16_t tag) {
  seen().vlan_proto = protocol;
  seen().vlan_tci = tag;
  seen().vlan_present = protocol != 0 || tag != 0 ? 1 : 0;
}

void Skb::clear_vlan() { set_vlan(0, 0); }

void Skb::set_hash(std::uint32_t hash) {
  seen().hash = hash;
  has_hash_ = true;
}

void Skb::clear_hash() {
  seen().hash = 0;
  has_hash_ = false;
}

// Two's complement on the way in and out keeps a sum of zero at zero, where one's complement makes
// it the other zero, which folds to another checksum.
void Skb::take_from_sum(std::span<const std::byte> bytes) {
  if (checksum.state != SkbChecksum::State::complete) return;
  checksum.sum = 0 - sum_bytes(bytes, 0 - checksum.sum);
}

void Skb::subtract_from_sum(std::span<const std::byte> bytes, std::uint64_t offset) {
  if (checksum.state != SkbChecksum::State::complete) return;
  checksum.sum = subtract_sums(checksum.sum, shift_sum(sum_bytes(bytes), offset));
}

void Skb::add_to_sum(std::span<const std::byte> bytes, std::uint64_t offset) {
  if (checksum.state != SkbChecksum::State::complete) return;
  checksum.sum = add_sums(checksum.sum, shift_sum(sum_bytes(bytes), offset));
}

void Skb::refresh() {
  context_.seen.len = length_;
  context_.data = reinterpret_cast<std::uint64_t>(buffer_.data() + begin_);
  context_.data_end = context_.data + length_;
  context_.data_meta = context_.data;
  packet_ = view();
}

engine::Packet Skb::view() const {
  const std::int64_t from = std::clamp<std::int64_t>(mac_, 0, begin_);
  const std::int64_t network = std::max(network_, from);
  return {.bytes = std::span(buffer_).subspan(static_cast<std::size_t>(from),
                                              static_cast<std::size_t>(begin_ + length_ - from)),
          .network_offset = static_cast<std::uint32_t>(network - from),
          .start = static_cast<std::uint32_t>(begin_ - from)};
}

}  // namespace skep::machine
