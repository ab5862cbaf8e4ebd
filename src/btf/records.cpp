// SPDX-License-Identifier: Apache-2.0
#include "btf/records.h"

#include <algorithm>
#include <bit>

#include "base/position.h"
#include "btf/names.h"
#include "btf/refuse.h"

namespace skep::btf {

using namespace abi;

namespace {

constexpr std::uint32_t kMaxIntBits = 128;

// What one kind asks of its record, beside the rules that only it has.
struct KindRule {
  enum class Name { any, none, identifier, identifier_or_none, section, tag };
  std::uint32_t tail_bytes;  // that follow in any case
  std::uint32_t bytes_each;  // that follow for each of vlen
  Name name;
  bool no_vlen;
  bool no_flag;
};

constexpr KindRule kRules[NR_BTF_KINDS] = {
    /* UNKN */ {},
    /* INT */ {4, 0, KindRule::Name::any, true, true},
    /* PTR */ {0, 0, KindRule::Name::none, true, true},
    /* ARRAY */ {sizeof(btf_array), 0, KindRule::Name::none, true, true},
    /* STRUCT */ {0, sizeof(btf_member), KindRule::Name::identifier_or_none, false, false},
    /* UNION */ {0, sizeof(btf_member), KindRule::Name::identifier_or_none, false, false},
    /* ENUM */ {0, sizeof(btf_enum), KindRule::Name::identifier_or_none, false, false},
    /* FWD */ {0, 0, KindRule::Name::identifier, true, false},
    /* TYPEDEF */ {0, 0, KindRule::Name::identifier, true, true},
    /* VOLATILE */ {0, 0, KindRule::Name::none, true, true},
    /* CONST */ {0, 0, KindRule::Name::none, true, true},
    /* RESTRICT */ {0, 0, KindRule::Name::none, true, true},
    /* FUNC */ {0, 0, KindRule::Name::identifier, false, true},
    /* FUNC_PROTO */ {0, sizeof(btf_param), KindRule::Name::none, false, true},
    /* VAR */ {sizeof(btf_var), 0, KindRule::Name::identifier, true, true},
    /* DATASEC */ {0, sizeof(btf_var_secinfo), KindRule::Name::section, false, true},
    /* FLOAT */ {0, 0, KindRule::Name::any, true, true},
    /* DECL_TAG */ {sizeof(btf_decl_tag), 0, KindRule::Name::tag, true, false},
    /* TYPE_TAG */ {0, 0, KindRule::Name::tag, true, false},
    /* ENUM64 */ {0, sizeof(btf_enum64), KindRule::Name::identifier_or_none, false, false},
};

// Long enough to see that a name is too long.
std::string_view checked_name(const Types& types, std::uint32_t offset) {
  return types.name_prefix(offset, kMaxNameBytes + 1);
}

bool is_name(KindRule::Name rule, std::string_view name, bool has_offset) {
  switch (rule) {
    case KindRule::Name::any:
      return true;
    case KindRule::Name::none:
      return !has_offset;
    case KindRule::Name::identifier:
      return has_offset && is_identifier(name);
    case KindRule::Name::identifier_or_none:
      return !has_offset || is_identifier(name);
    case KindRule::Name::section:
      return has_offset && is_section_name(name);
    case KindRule::Name::tag:
      return !name.empty();
  }
  return false;
}

}  // namespace

template <class... Args>
std::unexpected<Error> RecordReader::wrong(const Type& type, fmt::format_string<Args...> format,
                                           Args&&... args) const {
  return refuse(EINVAL, "type {} ({}): {}", id_, kind_name(type.kind),
                fmt::vformat(format, fmt::make_format_args(args...)));
}

Status RecordReader::read(Types& types, const Layout& layout) {
  types.strings_at_ = layout.strings_at;
  types.string_bytes_ = layout.string_bytes;
  const std::uint64_t end = std::uint64_t{layout.types_at} + layout.type_bytes;
  std::uint32_t id = 1;
  for (std::uint64_t at = layout.types_at; at < end; ++id) {
    const RecordReader reader(types, id, end - at);
    if (end - at < sizeof(btf_type))
      return refuse(EINVAL, "type {}: {} bytes are left for it, fewer than {}", id, end - at,
                    sizeof(btf_type));
    const std::byte* place = types.bytes_.data() + at;
    const auto record = load<btf_type>(place);
    const Type type{.kind = static_cast<btf_kind>(BTF_INFO_KIND(record.info)),
                    .kind_flag = BTF_INFO_KFLAG(record.info),
                    .vlen = BTF_INFO_VLEN(record.info),
                    .name_offset = record.name_off,
                    .size_or_type = record.size,
                    .tail = place + sizeof(record)};
    const std::uint32_t taken = SKEP_TRY(reader.check(record, type));
    // Linux checks the records beyond the largest table, and forgets them.
    if (types.count() < BTF_MAX_TYPE) types.at_.push_back(static_cast<std::uint32_t>(at));
    at += taken;
  }
  return {};
}

Result<std::uint32_t> RecordReader::check(const btf_type& record, const Type& type) const {
  if ((record.info & BTF_INFO_RESERVED) != 0)
    return refuse(EINVAL, "type {}: unknown bits in its info {:#x}", id_, record.info);
  if (type.kind == BTF_KIND_UNKN || type.kind > BTF_KIND_MAX)
    return refuse(EINVAL, "type {}: unknown kind {}", id_, std::to_underlying(type.kind));
  if (type.name_offset >= types_.string_bytes())
    return wrong(type, "name at {} in {} bytes of strings", type.name_offset,
                 types_.string_bytes());
  const KindRule& rule = kRules[type.kind];
  const std::uint64_t taken =
      sizeof(record) + rule.tail_bytes + std::uint64_t{type.vlen} * rule.bytes_each;
  if (taken > left_) return wrong(type, "needs {} bytes, of which {} are there", taken, left_);
  if (rule.no_vlen && type.vlen != 0) return wrong(type, "vlen is {}, must be 0", type.vlen);
  if (rule.no_flag && type.kind_flag) return wrong(type, "kind_flag is set");
  SKEP_TRY(check_name(type));
  SKEP_TRY(check_rules(type));
  return static_cast<std::uint32_t>(taken);
}

Status RecordReader::check_name(const Type& type) const {
  const std::string_view name = checked_name(types_, type.name_offset);
  if (is_name(kRules[type.kind].name, name, type.name_offset != 0)) return {};
  if (type.name_offset == 0) return wrong(type, "has no name");
  return wrong(type, "cannot be called '{}'", printable(name));
}

Status RecordReader::check_rules(const Type& type) const {
  switch (type.kind) {
    case BTF_KIND_INT:
      return check_int(type);
    case BTF_KIND_ARRAY:
      return check_array(type);
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
      return check_composite(type);
    case BTF_KIND_ENUM:
    case BTF_KIND_ENUM64:
      return check_values(type);
    case BTF_KIND_VAR:
      return check_var(type);
    case BTF_KIND_DATASEC:
      return check_datasec(type);
    case BTF_KIND_FLOAT:
      return check_float(type);
    case BTF_KIND_DECL_TAG:
      return check_decl_tag(type);
    case BTF_KIND_FWD:
      if (type.size_or_type != 0) return wrong(type, "type is {}, must be 0", type.size_or_type);
      return {};
    case BTF_KIND_FUNC:
      if (type.vlen > BTF_FUNC_GLOBAL) return wrong(type, "linkage {}", type.vlen);
      return {};
    case BTF_KIND_FUNC_PROTO:
      return {};
    default:
      if (type.size_or_type > BTF_MAX_TYPE)
        return wrong(type, "refers to type {}, above {}", type.size_or_type, BTF_MAX_TYPE);
      return {};
  }
}

Status RecordReader::check_int(const Type& type) const {
  const std::uint32_t word = type.int_word();
  // Bits 8 to 15 mean nothing and are let through.
  if ((word & 0xf000'0000) != 0) return wrong(type, "unknown bits in {:#010x}", word);
  const std::uint32_t bits = BTF_INT_BITS(word) + BTF_INT_OFFSET(word);
  if (bits > kMaxIntBits) return wrong(type, "ends at bit {}, after {}", bits, kMaxIntBits);
  if ((bits + 7) / 8 > type.size())
    return wrong(type, "ends at bit {}, and has {} bytes", bits, type.size());
  const std::uint32_t encoding = BTF_INT_ENCODING(word);
  if (encoding > BTF_INT_BOOL || std::popcount(encoding) > 1)
    return refuse(ENOTSUPP, "type {} (INT): encoding {}", id_, encoding);
  return {};
}

Status RecordReader::check_array(const Type& type) const {
  if (type.size_or_type != 0) return wrong(type, "size is {}, must be 0", type.size_or_type);
  const btf_array array = type.array();
  if (array.type == 0 || array.type > BTF_MAX_TYPE)
    return wrong(type, "of elements of type {}", array.type);
  if (array.index_type == 0 || array.index_type > BTF_MAX_TYPE)
    return wrong(type, "with an index of type {}", array.index_type);
  return {};
}

Status RecordReader::check_composite(const Type& type) const {
  std::uint32_t last = 0;
  for (std::uint32_t at = 0; at < type.vlen; ++at) {
    const Member member = member_of(type, at);
    if (member.name_offset >= types_.string_bytes() ||
        (member.name_offset != 0 && !is_identifier(checked_name(types_, member.name_offset))))
      return wrong(type, "member {} cannot be called '{}' (name at {})", at,
                   printable(checked_name(types_, member.name_offset)), member.name_offset);
    const std::uint32_t member_type = std::to_underlying(member.type);
    if (member_type == 0 || member_type > BTF_MAX_TYPE)
      return wrong(type, "member {} of type {}", at, member_type);
    const std::uint32_t offset = member.bit_offset;
    if (type.kind == BTF_KIND_UNION && offset != 0)
      return wrong(type, "member {} at bit {}, must be at 0", at, offset);
    if (offset < last)
      return wrong(type, "member {} at bit {}, before the one in front of it at {}", at, offset,
                   last);
    if ((std::uint64_t{offset} + 7) / 8 > type.size())
      return wrong(type, "member {} at bit {} of {} bytes", at, offset, type.size());
    last = offset;
  }
  return {};
}

Status RecordReader::check_values(const Type& type) const {
  if (type.size() > 8 || !std::has_single_bit(type.size()))
    return wrong(type, "of {} bytes", type.size());
  for (std::uint32_t at = 0; at < type.vlen; ++at) {
    const std::uint32_t name_offset =
        type.kind == BTF_KIND_ENUM ? type.enums()[at].name_off : type.enums64()[at].name_off;
    SKEP_TRY(check_value_name(type, at, name_offset));
  }
  return {};
}

Status RecordReader::check_value_name(const Type& type, std::uint32_t at,
                                      std::uint32_t name_offset) const {
  if (name_offset != 0 && is_identifier(checked_name(types_, name_offset))) return {};
  return wrong(type, "value {} cannot be called '{}' (name at {})", at,
               printable(checked_name(types_, name_offset)), name_offset);
}

Status RecordReader::check_var(const Type& type) const {
  if (type.size_or_type == 0 || type.size_or_type > BTF_MAX_TYPE)
    return wrong(type, "of type {}", type.size_or_type);
  const std::uint32_t linkage = type.var().linkage;
  if (linkage != BTF_VAR_STATIC && linkage != BTF_VAR_GLOBAL_ALLOCATED)
    return wrong(type, "linkage {}", linkage);
  return {};
}

Status RecordReader::check_datasec(const Type& type) const {
  if (type.size() == 0) return wrong(type, "of 0 bytes");
  std::uint64_t sum = 0;
  std::uint32_t end = 0;
  for (std::uint32_t at = 0; at < type.vlen; ++at) {
    const btf_var_secinfo var = type.variables()[at];
    if (var.type == 0 || var.type > BTF_MAX_TYPE)
      return wrong(type, "variable {} of type {}", at, var.type);
    if (var.offset < end || var.offset >= type.size())
      return wrong(type, "variable {} at {}, after {} and in {} bytes", at, var.offset, end,
                   type.size());
    if (var.size == 0 || var.size > type.size())
      return wrong(type, "variable {} of {} bytes in {}", at, var.size, type.size());
    // In 32 bits, as Linux adds them: the end of a variable may lie before its begin, and whoever
    // uses the offsets checks them against the section again.
    end = var.offset + var.size;
    if (end > type.size())
      return wrong(type, "variable {} ends at {} of {} bytes", at, end, type.size());
    sum += var.size;
  }
  if (sum > type.size()) return wrong(type, "{} bytes of variables in {}", sum, type.size());
  return {};
}

Status RecordReader::check_float(const Type& type) const {
  constexpr std::uint32_t kSizes[] = {2, 4, 8, 12, 16};
  if (std::ranges::find(kSizes, type.size()) == std::end(kSizes))
    return wrong(type, "of {} bytes", type.size());
  return {};
}

Status RecordReader::check_decl_tag(const Type& type) const {
  const std::int32_t component = type.decl_tag().component_idx;
  if (component < -1) return wrong(type, "of component {}", component);
  return {};
}

}  // namespace skep::btf
