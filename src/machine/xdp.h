// SPDX-License-Identifier: Apache-2.0
// A packet as XDP programs have it: a page with room in front, what does not fit in fragments that
// programs reach by helpers alone, and these helpers. They return what the helper of the same name
// returns on Linux 6.18. Owns the memory; one thread at a time. Kernel: net/core/filter.c,
// include/net/xdp.h.
#pragma once

#include "base/hex.h"
#include "machine/context_packet.h"
#include "machine/skb_redirect.h"

namespace skep::machine {

inline constexpr std::uint32_t kXdpPageBytes = 4096;
inline constexpr std::uint32_t kXdpHeadroom = 256;
inline constexpr std::uint32_t kXdpTailroom = 320;  // kernel: struct skb_shared_info
inline constexpr std::uint32_t kXdpMaxLinear = kXdpPageBytes - kXdpHeadroom - kXdpTailroom;
inline constexpr std::uint32_t kXdpMaxFragments = 17 * kXdpPageBytes;
inline constexpr std::uint32_t kXdpFrameBytes =
    40;  // kernel: struct xdp_frame, where the page begins

class XdpBuffer {
 public:
  // The first `metadata_bytes` of `linear` are metadata, the packet follows. All must fit.
  XdpBuffer(std::span<const std::byte> linear, std::uint32_t metadata_bytes,
            std::span<const std::byte> fragments = {});
  XdpBuffer(const XdpBuffer&) = delete;  // the context points into the page
  XdpBuffer& operator=(const XdpBuffer&) = delete;
  XdpBuffer(XdpBuffer&&) = default;
  XdpBuffer& operator=(XdpBuffer&&) = default;
  ~XdpBuffer() = default;

  [[nodiscard]] XdpContext& context() { return context_; }
  [[nodiscard]] abi::xdp_md& seen() { return context_.seen; }
  [[nodiscard]] const abi::xdp_md& seen() const { return context_.seen; }

  // bpf_xdp_get_buff_len.
  [[nodiscard]] std::uint32_t length() const {
    return linear_length() + static_cast<std::uint32_t>(fragments_.size());
  }
  [[nodiscard]] std::uint32_t linear_length() const { return end_ - begin_; }
  [[nodiscard]] std::uint32_t metadata_bytes() const { return begin_ - metadata_; }
  [[nodiscard]] std::span<std::byte> linear() { return {page_.data() + begin_, linear_length()}; }
  [[nodiscard]] std::span<const std::byte> linear_with_metadata() const {
    return {page_.data() + metadata_, end_ - metadata_};
  }
  // Metadata, linear part, fragments.
  [[nodiscard]] Bytes everything() const;

  [[nodiscard]] std::int64_t adjust_head(std::int32_t distance);
  [[nodiscard]] std::int64_t adjust_meta(std::int32_t distance);
  [[nodiscard]] std::int64_t adjust_tail(std::int32_t distance);
  [[nodiscard]] std::int64_t load_bytes(std::uint32_t offset, std::span<std::byte> to) const;
  [[nodiscard]] std::int64_t store_bytes(std::uint32_t offset, std::span<const std::byte> from);

  Redirect redirect{};

 private:
  void refresh();
  [[nodiscard]] std::int64_t grow_fragments(std::uint32_t count);
  [[nodiscard]] std::int64_t shrink_fragments(std::uint32_t count);

  Bytes page_;
  Bytes fragments_;  // pages, all full but for the last
  std::uint32_t metadata_;
  std::uint32_t begin_;
  std::uint32_t end_;
  XdpContext context_{};
};

[[nodiscard]] std::int64_t xdp_check_mtu(const XdpBuffer& packet, const Devices& devices,
                                         std::uint32_t ifindex, std::uint32_t& mtu_length,
                                         std::int32_t difference, std::uint64_t flags);
[[nodiscard]] std::int64_t xdp_redirect(XdpBuffer& packet, std::uint32_t ifindex,
                                        std::uint64_t flags);
// The lowest bits of the flags say what to return when the map lacks the key. Maps of devices may
// send to all they have.
struct RedirectMap {
  const void* map = nullptr;
  bool has_key = false;
  bool holds_devices = false;
};
[[nodiscard]] std::int64_t xdp_redirect_map(XdpBuffer& packet, const RedirectMap& target,
                                            std::uint32_t key, std::uint64_t flags);

// How far metadata may reach: a multiple of 4 up to what one byte can count.
[[nodiscard]] constexpr bool may_be_metadata(std::int64_t bytes) {
  return bytes >= 0 && bytes % 4 == 0 && bytes <= 0xff;
}

}  // namespace skep::machine
