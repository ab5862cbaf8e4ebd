// SPDX-License-Identifier: Apache-2.0
// Dynptrs over packets, and parts and copies of dynptrs.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "machine/dynptr.h"
#include "machine/kfunc_functions.h"
#include "machine/skb.h"
#include "machine/xdp.h"

namespace skep::machine::kfunc {

using u64 = std::uint64_t;
using u32 = std::uint32_t;

namespace {

constexpr std::size_t kChunkBytes = 256;

u32 low(u64 value) { return static_cast<u32>(value); }

// The part itself, or a copy of it in `buffer` when its bytes do not lie side by side.
u64 slice(const Dynptr& of, u32 offset, u64 buffer, u32 bytes) {
  if (!of.holds(offset, bytes)) return 0;
  if (std::byte* part = of.slice(offset, bytes); part != nullptr) return address_of(part);
  if (buffer == 0 || of.read({pointer<std::byte>(buffer), bytes}, offset) != 0) return 0;
  return buffer;
}

// Source and target may be the same memory: from the end on if the target is behind.
long copy(Dynptr& to, u32 to_offset, const Dynptr& from, u32 from_offset, u32 bytes) {
  std::byte* target = to.slice(to_offset, bytes);
  const std::byte* source = from.slice(from_offset, bytes);
  if (target != nullptr && source != nullptr) {
    std::memmove(target, source, bytes);
    return 0;
  }
  std::array<std::byte, kChunkBytes> chunk;
  for (u32 done = 0; done < bytes;) {
    const auto part = std::span(chunk).first(std::min<std::size_t>(bytes - done, chunk.size()));
    if (const long read = from.read(part, from_offset + done); read != 0) return read;
    if (const long written = to.write(to_offset + done, part, 0); written != 0) return written;
    done += static_cast<u32>(part.size());
  }
  return 0;
}

}  // namespace

u64 bpf_dynptr_from_skb(u64, u64 flags, u64 to, u64, u64, void* context) {
  Dynptr& made = Dynptr::at(to);
  Skb* skb = run_of(context).skb;
  made.clear();
  if (flags != 0 || skb == nullptr) return result(-EINVAL);
  made = Dynptr(DynptrKind::skb, skb, skb->length());
  return 0;
}

u64 bpf_dynptr_from_xdp(u64, u64 flags, u64 to, u64, u64, void* context) {
  Dynptr& made = Dynptr::at(to);
  XdpBuffer* xdp = run_of(context).xdp;
  made.clear();
  if (flags != 0 || xdp == nullptr) return result(-EINVAL);
  made = Dynptr(DynptrKind::xdp, xdp, xdp->length());
  return 0;
}

u64 bpf_dynptr_slice(u64 of, u64 offset, u64 buffer, u64 bytes, u64, void*) {
  const Dynptr& source = Dynptr::at(of);
  return source.is_null() ? 0 : slice(source, low(offset), buffer, low(bytes));
}

u64 bpf_dynptr_slice_rdwr(u64 of, u64 offset, u64 buffer, u64 bytes, u64, void*) {
  const Dynptr& source = Dynptr::at(of);
  if (source.is_null() || source.read_only()) return 0;
  return slice(source, low(offset), buffer, low(bytes));
}

u64 bpf_dynptr_adjust(u64 of, u64 begin, u64 end, u64, u64, void*) {
  Dynptr& target = Dynptr::at(of);
  if (target.is_null()) return result(-EINVAL);
  return result(target.adjust(low(begin), low(end)));
}

u64 bpf_dynptr_is_null(u64 of, u64, u64, u64, u64, void*) {
  return Dynptr::at(of).is_null() ? 1 : 0;
}

u64 bpf_dynptr_is_rdonly(u64 of, u64, u64, u64, u64, void*) {
  const Dynptr& source = Dynptr::at(of);
  return !source.is_null() && source.read_only() ? 1 : 0;
}

u64 bpf_dynptr_size(u64 of, u64, u64, u64, u64, void*) {
  const Dynptr& source = Dynptr::at(of);
  return source.is_null() ? low(result(-EINVAL)) : source.bytes();
}

u64 bpf_dynptr_clone(u64 of, u64 to, u64, u64, u64, void*) {
  const Dynptr& source = Dynptr::at(of);
  Dynptr& made = Dynptr::at(to);
  made = source;
  return result(source.is_null() ? -EINVAL : 0);
}

u64 bpf_dynptr_copy(u64 to, u64 to_offset, u64 from, u64 from_offset, u64 bytes, void*) {
  Dynptr& target = Dynptr::at(to);
  const Dynptr& source = Dynptr::at(from);
  if (target.is_null() || source.is_null() || target.read_only()) return result(-EINVAL);
  if (!target.holds(low(to_offset), low(bytes)) || !source.holds(low(from_offset), low(bytes)))
    return result(-E2BIG);
  return result(copy(target, low(to_offset), source, low(from_offset), low(bytes)));
}

u64 bpf_dynptr_memset(u64 of, u64 offset, u64 bytes, u64 value, u64, void*) {
  Dynptr& target = Dynptr::at(of);
  if (target.is_null() || target.read_only()) return result(-EINVAL);
  if (!target.holds(low(offset), low(bytes))) return result(-E2BIG);
  std::array<std::byte, kChunkBytes> chunk;
  chunk.fill(static_cast<std::byte>(value));
  for (u32 done = 0; done < low(bytes);) {
    const auto part =
        std::span(chunk).first(std::min<std::size_t>(low(bytes) - done, chunk.size()));
    if (const long written = target.write(low(offset) + done, part, 0); written != 0)
      return result(written);
    done += static_cast<u32>(part.size());
  }
  return 0;
}

}  // namespace skep::machine::kfunc
