// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "btf/refuse.h"
#include "btf/resolve.h"

namespace skep::btf {

using namespace abi;

namespace {

constexpr std::uint32_t kMaxCopyBits = 128;
constexpr std::uint32_t kEnumBits = 32;  // of a bitfield at most, whatever the enum's size

Status refuse_beyond(const Type& owner, std::uint64_t end) {
  return refuse(EINVAL, "ends at byte {} of {}", end, owner.size());
}

Status check_bits_fit(const Type& owner, std::uint32_t offset, std::uint32_t bits) {
  const std::uint32_t copied = bits + offset % 8;
  if (copied > kMaxCopyBits)
    return refuse(EINVAL, "{} bits from bit {} on, more than {} to copy", bits, offset,
                  kMaxCopyBits);
  const std::uint64_t end = std::uint64_t{offset / 8} + (copied + 7) / 8;
  if (end > owner.size()) return refuse_beyond(owner, end);
  return {};
}

Status check_bytes_fit(const Type& owner, std::uint32_t offset, std::uint32_t bytes) {
  if (offset % 8 != 0) return refuse(EINVAL, "at bit {}, not at a byte", offset);
  const std::uint64_t end = std::uint64_t{offset / 8} + bytes;
  if (end > owner.size()) return refuse_beyond(owner, end);
  return {};
}

Status check_int(const Type& owner, std::uint32_t offset, const Type& member) {
  const std::uint32_t word = member.int_word();
  const std::uint32_t shift = BTF_INT_OFFSET(word);
  if (offset > std::numeric_limits<std::uint32_t>::max() - shift)
    return refuse(EINVAL, "at bit {} and {} more", offset, shift);
  return check_bits_fit(owner, offset + shift, BTF_INT_BITS(word));
}

Status check_width(std::uint32_t offset, std::uint32_t bits, std::uint32_t at_most) {
  if (bits == 0 && offset % 8 != 0) return refuse(EINVAL, "at bit {}, not at a byte", offset);
  if (bits > at_most) return refuse(EINVAL, "{} bits of a type of {}", bits, at_most);
  return {};
}

// Of a struct with kind_flag.
Status check_int_bits(const Type& owner, std::uint32_t offset, std::uint32_t bits,
                      const Type& member) {
  if (!is_regular_int(member)) return refuse(EINVAL, "of an integer that is not whole bytes");
  const std::uint32_t all = BTF_INT_BITS(member.int_word());
  SKEP_TRY(check_width(offset, bits, all));
  return check_bits_fit(owner, offset, bits == 0 ? all : bits);
}

Status check_enum_bits(const Type& owner, std::uint32_t offset, std::uint32_t bits) {
  SKEP_TRY(check_width(offset, bits, kEnumBits));
  const std::uint32_t last = offset + (bits == 0 ? kEnumBits : bits);
  if ((last + 7) / 8 > owner.size()) return refuse_beyond(owner, (last + 7) / 8);
  return {};
}

// Aligned to its size, to 8 bytes at most.
Status check_float(const Type& owner, std::uint32_t offset, const Type& member) {
  const std::uint32_t alignment = std::min<std::uint32_t>(8, member.size());
  if (offset % (alignment * 8) != 0)
    return refuse(EINVAL, "at bit {}, not a multiple of {} bytes", offset, alignment);
  return check_bytes_fit(owner, offset, member.size());
}

}  // namespace

Status check_member_fits(const Type& owner, std::uint32_t offset, const Type& member,
                         std::uint32_t member_bytes) {
  std::uint32_t bits = 0;
  if (owner.kind_flag) {
    bits = BTF_MEMBER_BITFIELD_SIZE(offset);
    offset = BTF_MEMBER_BIT_OFFSET(offset);
  }
  if (member.kind == BTF_KIND_INT)
    return owner.kind_flag ? check_int_bits(owner, offset, bits, member)
                           : check_int(owner, offset, member);
  if (is_enum(member.kind) && owner.kind_flag) return check_enum_bits(owner, offset, bits);
  if (bits != 0)
    return refuse(EINVAL, "a bitfield of {} bits of a {}", bits, kind_name(member.kind));
  if (member.kind == BTF_KIND_FLOAT) return check_float(owner, offset, member);
  if (has_own_size(member.kind) || member.kind == BTF_KIND_PTR || member.kind == BTF_KIND_ARRAY)
    return check_bytes_fit(owner, offset, member_bytes);
  return refuse(EINVAL, "of a {}", kind_name(member.kind));
}

}  // namespace skep::btf
