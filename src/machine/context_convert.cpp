// SPDX-License-Identifier: Apache-2.0
#include "machine/context_convert.h"

#include <bit>

namespace skep::machine {

namespace {

constexpr std::uint8_t kClassMask = 0x07;
constexpr std::uint8_t kClassLoad = 0x01;
constexpr std::uint8_t kClassStoreReg = 0x03;
constexpr std::uint8_t kSizeMask = 0x18;
constexpr std::uint8_t kSizeHalf = 0x08;
constexpr std::uint8_t kLoad64 = 0x79;
constexpr std::uint8_t kJumpAlways = 0x05;
constexpr std::uint8_t kJumpGreaterEqual = 0x35;

isa::Insn narrowed(const Field& field, isa::Insn store) {
  store.code = static_cast<std::uint8_t>((store.code & ~kSizeMask) | kSizeHalf);
  if constexpr (std::endian::native == std::endian::big)
    store.offset = static_cast<std::int16_t>(store.offset + field.bytes - field.kept_bytes);
  return store;
}

// A value from `ignored_from` on leaves the field as it is.
void append_store(const Field& field, const isa::Insn& store, std::vector<isa::Insn>& out) {
  const bool from_register = (store.code & kClassMask) == kClassStoreReg;
  if (field.ignored_from != 0) {
    if (from_register) {
      out.push_back({.code = kJumpGreaterEqual,
                     .dst = store.src,
                     .offset = 1,
                     .imm = static_cast<std::int32_t>(field.ignored_from)});
    } else if (store.imm >= static_cast<std::int32_t>(field.ignored_from)) {
      out.push_back({.code = kJumpAlways});
      return;
    }
  }
  out.push_back(narrowed(field, store));
}

std::uint32_t size_of(const isa::Insn& insn) {
  switch (insn.code & kSizeMask) {
    case 0x10:
      return 1;
    case kSizeHalf:
      return 2;
    case 0x00:
      return 4;
    default:
      return 8;
  }
}

// Pointers stand elsewhere; a load in the middle of what Linux keeps in fewer bytes is one from the
// field's beginning.
isa::Insn converted_load(const Field& field, isa::Insn load) {
  if (field.pointer_at != 0)
    return {.code = kLoad64,
            .dst = load.dst,
            .src = load.src,
            .offset = static_cast<std::int16_t>(field.pointer_at)};
  if (size_of(load) >= field.kept_bytes) load.offset = static_cast<std::int16_t>(field.offset);
  return load;
}

// The field that needs more than the instruction itself, if there is one at this place.
const Field* find_kept_apart(const ProgramType& type, std::int64_t offset) {
  if (type.fields == nullptr) return nullptr;
  for (const Field& field : type.fields()) {
    const bool inside = offset >= field.offset && offset < std::int64_t{field.offset} + field.bytes;
    if (inside && (field.pointer_at != 0 || field.kept_bytes != 0)) return &field;
  }
  return nullptr;
}

}  // namespace

void convert_access(const ProgramType& type, const isa::Insn& insn, std::vector<isa::Insn>& out) {
  const Field* field = find_kept_apart(type, insn.offset);
  if (field == nullptr)
    out.push_back(insn);
  else if ((insn.code & kClassMask) == kClassLoad)
    out.push_back(converted_load(*field, insn));
  else
    append_store(*field, insn, out);
}

}  // namespace skep::machine
