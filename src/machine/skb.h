// SPDX-License-Identifier: Apache-2.0
// A packet of the machine: one buffer with room in front and behind, where its headers begin, and
// the context that programs see. Owns the bytes; whatever moves them calls refresh, after which a
// program's packet pointers are stale, as the verifier has it. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/hex.h"
#include "engine/packet.h"
#include "machine/context_packet.h"
#include "machine/skb_redirect.h"

namespace skep::machine {

inline constexpr std::uint32_t kMaxSkbBytes = 16064;  // kernel: SKB_MAX_ALLOC
inline constexpr std::uint32_t kVlanBytes = 4;
inline constexpr std::uint32_t kIpv4Bytes = 20;
inline constexpr std::uint32_t kIpv6Bytes = 40;

// EtherTypes as they lie in memory, which is how a context holds a protocol.
inline constexpr std::uint32_t kProtocolIpv4 = big_endian<std::uint16_t>(0x0800);
inline constexpr std::uint32_t kProtocolIpv6 = big_endian<std::uint16_t>(0x86dd);
inline constexpr std::uint32_t kProtocolVlan = big_endian<std::uint16_t>(0x8100);
inline constexpr std::uint32_t kProtocolOuterVlan = big_endian<std::uint16_t>(0x88a8);
inline constexpr std::uint32_t kProtocol8023 = big_endian<std::uint16_t>(0x0001);
inline constexpr std::uint32_t kProtocol8022 = big_endian<std::uint16_t>(0x0004);
inline constexpr std::uint16_t kSmallestEtherType = 0x0600;

[[nodiscard]] constexpr bool is_vlan(std::uint32_t protocol) {
  return protocol == kProtocolVlan || protocol == kProtocolOuterVlan;
}

// What follows a MAC address pair or a VLAN tag: `type` is the next two bytes, `next` the two
// behind them, which tell the old 802.3 from 802.2.
[[nodiscard]] std::uint32_t protocol_of(std::uint16_t type, std::optional<std::uint16_t> next);

struct SkbChecksum {
  enum class State : std::uint8_t { none, unnecessary, complete };
  State state = State::none;
  std::uint32_t sum = 0;    // of everything from the network header on, when complete
  std::uint32_t level = 0;  // checksums beyond the first that are known to be right
};

class Skb {
 public:
  // All headers begin with the first byte.
  explicit Skb(std::span<const std::byte> bytes);
  Skb(const Skb&) = delete;  // the context points into the buffer
  Skb& operator=(const Skb&) = delete;
  Skb(Skb&&) = default;
  Skb& operator=(Skb&&) = default;
  ~Skb() = default;

  [[nodiscard]] SkbContext& context() { return context_; }
  [[nodiscard]] abi::__sk_buff& seen() { return context_.seen; }
  [[nodiscard]] const abi::__sk_buff& seen() const { return context_.seen; }

  [[nodiscard]] std::uint32_t length() const { return length_; }
  [[nodiscard]] std::span<std::byte> bytes() { return {buffer_.data() + begin_, length_}; }
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return {buffer_.data() + begin_, length_};
  }
  // [offset, offset + count) of the packet, offset counted from where the program's view begins;
  // nothing when any of it lies outside. A header may begin in front of the view.
  [[nodiscard]] std::optional<std::span<std::byte>> part(std::int64_t offset, std::uint64_t count);

  // Offsets from where the program's view begins.
  [[nodiscard]] std::int64_t mac_offset() const { return mac_ - std::int64_t{begin_}; }
  [[nodiscard]] std::int64_t network_offset() const { return network_ - std::int64_t{begin_}; }
  [[nodiscard]] std::optional<std::int64_t> transport_offset() const;
  [[nodiscard]] std::int64_t mac_header_bytes() const { return network_ - mac_; }
  void set_mac_offset(std::int64_t offset) { mac_ = begin_ + offset; }
  void set_network_offset(std::int64_t offset) { network_ = begin_ + offset; }
  void set_transport_offset(std::int64_t offset) {
    transport_ = static_cast<std::uint16_t>(begin_ + offset);
  }
  // Moves the MAC and network headers by so many bytes.
  void move_headers(std::int64_t distance);

  // Adds bytes in front, with any content; false when that is more memory than a packet may have.
  [[nodiscard]] bool push(std::uint32_t count);
  // Takes bytes away in front; no more than there are.
  void pull(std::uint32_t count);
  // Cuts, or appends zeros; false as with push.
  [[nodiscard]] bool resize(std::uint32_t length);
  // Copies inside the packet's memory, with the room around it.
  void move_bytes(std::uint32_t to, std::uint32_t from, std::uint32_t count);

  void set_vlan(std::uint32_t protocol, std::uint16_t tag);
  void clear_vlan();
  void set_hash(std::uint32_t hash);
  void clear_hash();
  [[nodiscard]] bool has_hash() const { return has_hash_; }
  [[nodiscard]] bool is_gso() const { return context_.seen.gso_size != 0; }

  // The sum follows bytes of a header that leave the packet, at an even place.
  void take_from_sum(std::span<const std::byte> bytes);
  // The sum follows bytes that are overwritten or join the packet at `offset`.
  void subtract_from_sum(std::span<const std::byte> bytes, std::uint64_t offset);
  void add_to_sum(std::span<const std::byte> bytes, std::uint64_t offset);

  // Brings the context's length and pointers up to date.
  void refresh();

  // For LD_ABS and LD_IND; follows the packet through `refresh`.
  [[nodiscard]] const engine::Packet& packet() const { return packet_; }

  SkbChecksum checksum{};
  std::uint32_t mac_bytes = 0;  // kernel: skb->mac_len, which lags behind mac_header_bytes
  bool encapsulated = false;
  bool has_gso_kind = false;  // a test run gives segments a size and no kind
  Redirect redirect{};

 private:
  [[nodiscard]] engine::Packet view() const;
  [[nodiscard]] bool make_room(std::uint64_t front, std::uint64_t back);

  Bytes buffer_;
  std::uint32_t begin_;
  std::uint32_t length_;
  // From the start of the buffer; signed, since a header may be moved in front of it.
  std::int64_t mac_;
  std::int64_t network_;
  // Linux keeps 16 bits and adds to them when the packet moves, even when nobody had set them: what
  // was unset is then an offset, and bpf_skb_change_tail may look at it.
  static constexpr std::uint16_t kUnset = 0xffff;
  std::uint16_t transport_ = kUnset;
  bool has_hash_ = false;
  SkbContext context_{};
  engine::Packet packet_{};
};

}  // namespace skep::machine
