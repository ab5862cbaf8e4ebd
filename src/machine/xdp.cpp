// SPDX-License-Identifier: Apache-2.0
#include "machine/xdp.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "abi/helper_flags.h"
#include "abi/return_codes.h"
#include "base/error.h"
#include "engine/packet.h"

namespace skep::machine {

namespace {

constexpr std::int64_t kFrameBytes = kXdpFrameBytes;
constexpr std::int64_t kShortest = engine::kEthernetHeaderBytes;
constexpr std::uint32_t kMaxOffset = 0xffff;

}  // namespace

XdpBuffer::XdpBuffer(std::span<const std::byte> linear, std::uint32_t metadata_bytes,
                     std::span<const std::byte> fragments)
    : page_(kXdpPageBytes),
      fragments_(fragments.begin(), fragments.end()),
      metadata_(kXdpHeadroom - metadata_bytes),
      begin_(kXdpHeadroom),
      end_(metadata_ + static_cast<std::uint32_t>(linear.size())) {
  SKEP_ASSERT(metadata_bytes <= kXdpHeadroom - kXdpFrameBytes && metadata_bytes <= linear.size());
  SKEP_ASSERT(linear.size() - metadata_bytes <= kXdpMaxLinear);
  SKEP_ASSERT(fragments.size() <= kXdpMaxFragments);
  std::ranges::copy(linear, page_.begin() + metadata_);
  refresh();
}

Bytes XdpBuffer::everything() const {
  Bytes all(page_.begin() + metadata_, page_.begin() + end_);
  all.insert(all.end(), fragments_.begin(), fragments_.end());
  return all;
}

void XdpBuffer::refresh() {
  const auto page = reinterpret_cast<std::uint64_t>(page_.data());
  context_.data = page + begin_;
  context_.data_end = page + end_;
  context_.data_meta = page + metadata_;
}

std::int64_t XdpBuffer::adjust_head(std::int32_t distance) {
  const std::int64_t begin = std::int64_t{begin_} + distance;
  const std::uint32_t metadata = metadata_bytes();
  if (begin < kFrameBytes + metadata || begin > std::int64_t{end_} - kShortest) return -EINVAL;
  const auto moved = static_cast<std::uint32_t>(begin - metadata);
  std::memmove(page_.data() + moved, page_.data() + metadata_, metadata);
  metadata_ = moved;
  begin_ = static_cast<std::uint32_t>(begin);
  refresh();
  return 0;
}

std::int64_t XdpBuffer::adjust_meta(std::int32_t distance) {
  const std::int64_t metadata = std::int64_t{metadata_} + distance;
  if (metadata < kFrameBytes || metadata > begin_) return -EINVAL;
  if (!may_be_metadata(begin_ - metadata)) return -EACCES;
  metadata_ = static_cast<std::uint32_t>(metadata);
  refresh();
  return 0;
}

// Only the last page may have room; none is added.
std::int64_t XdpBuffer::grow_fragments(std::uint32_t count) {
  const std::size_t used = (fragments_.size() - 1) % kXdpPageBytes + 1;
  if (count > kXdpPageBytes - used) return -EINVAL;
  fragments_.resize(fragments_.size() + count);
  return 0;
}

std::int64_t XdpBuffer::shrink_fragments(std::uint32_t count) {
  if (count > std::int64_t{length()} - kShortest) return -EINVAL;
  const std::size_t gone = std::min<std::size_t>(count, fragments_.size());
  fragments_.resize(fragments_.size() - gone);
  end_ -= static_cast<std::uint32_t>(count - gone);
  refresh();
  return 0;
}

std::int64_t XdpBuffer::adjust_tail(std::int32_t distance) {
  if (!fragments_.empty()) {
    if (distance == std::numeric_limits<std::int32_t>::min()) return 0;  // Linux negates it
    const auto count = static_cast<std::uint32_t>(std::abs(distance));
    return distance < 0 ? shrink_fragments(count) : grow_fragments(count);
  }
  const std::int64_t end = std::int64_t{end_} + distance;
  if (end > kXdpPageBytes - kXdpTailroom || end < begin_ + kShortest) return -EINVAL;
  if (distance > 0) std::memset(page_.data() + end_, 0, static_cast<std::size_t>(distance));
  end_ = static_cast<std::uint32_t>(end);
  refresh();
  return 0;
}

std::int64_t XdpBuffer::load_bytes(std::uint32_t offset, std::span<std::byte> to) const {
  if (offset > kMaxOffset || to.size() > kMaxOffset) return -EFAULT;
  if (offset + to.size() > length()) return -EINVAL;
  const std::size_t near =
      std::min<std::size_t>(to.size(), offset < linear_length() ? linear_length() - offset : 0);
  if (near != 0) std::memmove(to.data(), page_.data() + begin_ + offset, near);
  if (near == to.size()) return 0;
  const std::size_t at = offset + near - linear_length();
  std::memmove(to.data() + near, fragments_.data() + at, to.size() - near);
  return 0;
}

std::int64_t XdpBuffer::store_bytes(std::uint32_t offset, std::span<const std::byte> from) {
  if (offset > kMaxOffset || from.size() > kMaxOffset) return -EFAULT;
  if (offset + from.size() > length()) return -EINVAL;
  const std::size_t near =
      std::min<std::size_t>(from.size(), offset < linear_length() ? linear_length() - offset : 0);
  if (near != 0) std::memmove(page_.data() + begin_ + offset, from.data(), near);
  if (near == from.size()) return 0;
  const std::size_t at = offset + near - linear_length();
  std::memmove(fragments_.data() + at, from.data() + near, from.size() - near);
  return 0;
}

std::int64_t xdp_check_mtu(const XdpBuffer& packet, const Devices& devices, std::uint32_t ifindex,
                           std::uint32_t& mtu_length, std::int32_t difference,
                           std::uint64_t flags) {
  if (flags != 0) return -EINVAL;
  const auto device = devices.by_index(ifindex == 0 ? packet.seen().ingress_ifindex : ifindex);
  if (!device) return -ENODEV;
  // In 32 bits and without fragments, as Linux counts.
  const std::uint32_t length =
      (mtu_length != 0 ? mtu_length + device->header_bytes : packet.linear_length()) +
      static_cast<std::uint32_t>(difference);
  const bool fits = static_cast<std::int32_t>(length) <=
                    static_cast<std::int32_t>(device->mtu + device->header_bytes);
  mtu_length = device->mtu;
  return fits ? abi::BPF_MTU_CHK_RET_SUCCESS : abi::BPF_MTU_CHK_RET_FRAG_NEEDED;
}

std::int64_t xdp_redirect(XdpBuffer& packet, std::uint32_t ifindex, std::uint64_t flags) {
  if (flags != 0) return abi::XDP_ABORTED;
  packet.redirect = {.way = Redirect::Way::device, .ifindex = ifindex};
  return abi::XDP_REDIRECT;
}

std::int64_t xdp_redirect_map(XdpBuffer& packet, const RedirectMap& target, std::uint32_t key,
                              std::uint64_t flags) {
  constexpr std::uint64_t kActions = 3;
  constexpr std::uint64_t kToAll = abi::BPF_F_BROADCAST | abi::BPF_F_EXCLUDE_INGRESS;
  if ((flags & ~(kActions | (target.holds_devices ? kToAll : 0))) != 0) return abi::XDP_ABORTED;
  const bool all = (flags & abi::BPF_F_BROADCAST) != 0;
  if (!target.has_key && !all) return static_cast<std::int64_t>(flags & kActions);
  packet.redirect = {
      .way = Redirect::Way::map, .ifindex = key, .flags = flags & kToAll, .map = target.map};
  return abi::XDP_REDIRECT;
}

}  // namespace skep::machine
