// SPDX-License-Identifier: Apache-2.0
#include "machine/dynptr.h"

#include <bit>
#include <cerrno>
#include <cstring>

#include "machine/skb_bytes.h"
#include "machine/xdp.h"

namespace skep::machine {

Dynptr& Dynptr::at(std::uint64_t address) { return *std::bit_cast<Dynptr*>(address); }

long Dynptr::read(std::span<std::byte> to, std::uint32_t offset) const {
  const std::uint32_t at = offset_ + offset;
  switch (kind()) {
    case DynptrKind::memory:
    case DynptrKind::ringbuf:
      std::memmove(to.data(), static_cast<std::byte*>(data_) + at, to.size());
      return 0;
    case DynptrKind::skb:
      return skb_load_bytes(*static_cast<Skb*>(data_), at, to);
    case DynptrKind::xdp:
      return static_cast<XdpBuffer*>(data_)->load_bytes(at, to);
    default:
      return -EFAULT;
  }
}

long Dynptr::write(std::uint32_t offset, std::span<const std::byte> from, std::uint64_t flags) {
  const std::uint32_t at = offset_ + offset;
  switch (kind()) {
    case DynptrKind::memory:
    case DynptrKind::ringbuf:
      if (flags != 0) return -EINVAL;
      std::memmove(static_cast<std::byte*>(data_) + at, from.data(), from.size());
      return 0;
    case DynptrKind::skb:
      return skb_store_bytes(*static_cast<Skb*>(data_), at, from, flags);
    case DynptrKind::xdp:
      return flags != 0 ? -EINVAL : static_cast<XdpBuffer*>(data_)->store_bytes(at, from);
    default:
      return -EFAULT;
  }
}

std::byte* Dynptr::slice(std::uint32_t offset, std::uint32_t length) const {
  const std::uint32_t at = offset_ + offset;
  switch (kind()) {
    case DynptrKind::memory:
    case DynptrKind::ringbuf:
      return static_cast<std::byte*>(data_) + at;
    case DynptrKind::skb: {
      const auto part = static_cast<Skb*>(data_)->part(at, length);
      return part ? part->data() : nullptr;
    }
    case DynptrKind::xdp: {
      const auto bytes = static_cast<XdpBuffer*>(data_)->linear();
      return at <= bytes.size() && length <= bytes.size() - at ? bytes.data() + at : nullptr;
    }
    default:
      return nullptr;
  }
}

long Dynptr::adjust(std::uint32_t begin, std::uint32_t end) {
  if (begin > end) return -EINVAL;
  if (end > bytes()) return -ERANGE;
  offset_ += begin;
  size_ = (size_ & ~kMaxBytes) | (end - begin);
  return 0;
}

}  // namespace skep::machine
