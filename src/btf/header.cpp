// SPDX-License-Identifier: Apache-2.0
#include "btf/header.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "abi/btf.h"
#include "btf/refuse.h"

namespace skep::btf {

using namespace abi;

namespace {

// A header shorter than ours reads as if zeros followed it; a longer one must have zeros there.
Result<btf_header> read_header(std::span<const std::byte> bytes) {
  constexpr std::size_t kKnownFirst = offsetof(btf_header, type_off);
  if (bytes.size() < kKnownFirst)
    return refuse(EINVAL, "{} bytes are too few for a BTF header", bytes.size());
  btf_header header{};
  std::memcpy(&header, bytes.data(), kKnownFirst);
  const std::uint32_t length = header.hdr_len;
  // The length is checked first, as Linux does; swapped it is almost always too large.
  if (length > bytes.size() && header.magic == std::byteswap(BTF_MAGIC))
    return refuse(EINVAL, "BTF of the other byte order (magic {:#06x})", header.magic);
  if (length > bytes.size())
    return refuse(EINVAL, "header of {} bytes in {} bytes of BTF", length, bytes.size());
  if (length > sizeof(header)) {
    const auto extension = bytes.subspan(sizeof(header), length - sizeof(header));
    if (std::ranges::any_of(extension, [](std::byte b) { return b != std::byte{0}; }))
      return refuse(E2BIG, "header of {} bytes says something beyond the {} known ones", length,
                    sizeof(header));
  }
  header = {};
  std::memcpy(&header, bytes.data(), std::min<std::size_t>(length, sizeof(header)));
  // A header too short for its own length field has the length 0, which is what counts from here.
  return header;
}

Status check_header(const btf_header& header, std::size_t size) {
  if (header.magic != BTF_MAGIC)
    return refuse(EINVAL, "not BTF: magic is {:#06x}, expected {:#06x}", header.magic, BTF_MAGIC);
  if (header.version != BTF_VERSION)
    return refuse(ENOTSUPP, "BTF version {}, expected {}", header.version, BTF_VERSION);
  if (header.flags != 0) return refuse(ENOTSUPP, "unknown flags {:#x}", header.flags);
  if (header.hdr_len == size) return refuse(EINVAL, "nothing follows the header");
  return {};
}

struct Section {
  const char* name;
  std::uint32_t offset;
  std::uint32_t length;
};

Status check_sections(const btf_header& header, std::uint64_t left) {
  std::array<Section, 2> sections = {
      {{"types", header.type_off, header.type_len}, {"strings", header.str_off, header.str_len}}};
  if (sections[1].offset < sections[0].offset ||
      (sections[1].offset == sections[0].offset && sections[1].length < sections[0].length))
    std::swap(sections[0], sections[1]);
  std::uint64_t end = 0;
  for (const Section& section : sections) {
    if (section.offset != end)
      return refuse(EINVAL, "section of {} at {}, expected at {}: {}", section.name, section.offset,
                    end, section.offset < end ? "overlap" : "gap");
    if (section.length > left - end)
      return refuse(EINVAL, "section of {} at {} with {} bytes, of which {} are there",
                    section.name, section.offset, section.length, left - end);
    end += section.length;
  }
  if (end != left) return refuse(EINVAL, "{} bytes follow the last section", left - end);
  return {};
}

Status check_strings(const btf_header& header, std::span<const std::byte> sections) {
  const std::uint64_t end = std::uint64_t{header.str_off} + header.str_len;
  if (end != sections.size())
    return refuse(EINVAL, "strings end at {}, not at the end, {}", end, sections.size());
  if (header.str_len == 0) return refuse(EINVAL, "no strings, not even the empty one");
  if (header.str_len - 1 > BTF_MAX_NAME_OFFSET)
    return refuse(EINVAL, "{} bytes of strings, more than {}", header.str_len,
                  BTF_MAX_NAME_OFFSET + 1);
  if (sections[header.str_off] != std::byte{0} || sections.back() != std::byte{0})
    return refuse(EINVAL, "strings must begin and end with NUL");
  return {};
}

}  // namespace

Result<Layout> read_layout(std::span<const std::byte> bytes) {
  if (bytes.size() > kMaxBtfBytes)
    return refuse(E2BIG, "{} bytes of BTF, more than {}", bytes.size(), kMaxBtfBytes);
  const btf_header header = SKEP_TRY(read_header(bytes));
  SKEP_TRY(check_header(header, bytes.size()));
  const auto sections = bytes.subspan(header.hdr_len);
  SKEP_TRY(check_sections(header, sections.size()));
  SKEP_TRY(check_strings(header, sections));
  if (header.type_off % sizeof(std::uint32_t) != 0)
    return refuse(EINVAL, "types at {}, not a multiple of 4", header.type_off);
  if (header.type_len == 0) return refuse(EINVAL, "no types");
  return Layout{.types_at = header.hdr_len + header.type_off,
                .type_bytes = header.type_len,
                .strings_at = header.hdr_len + header.str_off,
                .string_bytes = header.str_len};
}

}  // namespace skep::btf
