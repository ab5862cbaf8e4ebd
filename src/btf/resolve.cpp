// SPDX-License-Identifier: Apache-2.0
#include "btf/resolve.h"

#include <limits>

#include "btf/names.h"
#include "btf/refuse.h"

namespace skep::btf {

using namespace abi;

namespace {

constexpr std::uint32_t kPointerBytes = 8;

bool has_size_or_contents(const Types& types, TypeId id) {
  return types.contains(id) && !has_no_size(types.type(id).kind) &&
         !refers_only(types.type(id).kind);
}

}  // namespace

std::optional<Sized> Resolution::sized(const Types& types, TypeId id) const {
  if (!types.contains(id)) return std::nullopt;
  Type type = types.type(id);
  if (is_modifier(type.kind) || type.kind == BTF_KIND_VAR) {
    id = targets[std::to_underlying(id)];
    type = types.type(id);
  }
  if (has_own_size(type.kind)) return Sized{id, type.size()};
  if (type.kind == BTF_KIND_ARRAY) return Sized{id, array_bytes[std::to_underlying(id)]};
  if (type.kind == BTF_KIND_PTR) return Sized{id, kPointerBytes};
  return std::nullopt;
}

Resolver::Resolver(const Types& types) : types_(types), visits_(types.count(), Visit::none) {
  resolution_.targets.resize(types.count(), kVoid);
  resolution_.array_bytes.resize(types.count(), 0);
}

Result<Resolution> Resolver::run() {
  for (std::uint32_t number = 1; number < types_.count(); ++number) {
    const TypeId id{number};
    const Type here = type(id);
    if (needs_resolving(here)) SKEP_TRY(resolve_once(id));
    if (here.kind == BTF_KIND_FUNC_PROTO) SKEP_TRY(check_proto(id));
  }
  return std::move(resolution_);
}

bool Resolver::needs_resolving(const Type& type) const {
  return is_modifier(type.kind) || is_composite(type.kind) || refers_only(type.kind) ||
         type.kind == BTF_KIND_PTR || type.kind == BTF_KIND_ARRAY || type.kind == BTF_KIND_FUNC;
}

bool Resolver::may_stop_at(const Type& type) const {
  switch (mode_) {
    case Mode::any:
      return !needs_resolving(type);
    case Mode::pointer:
      return !is_modifier(type.kind) && type.kind != BTF_KIND_PTR;
    case Mode::contents:
      return !is_modifier(type.kind) && type.kind != BTF_KIND_ARRAY && !is_composite(type.kind);
  }
  return false;
}

Status Resolver::resolve_once(TypeId id) {
  if (visit(id) == Visit::done) return {};
  return resolve(id);
}

Status Resolver::resolve(TypeId id) {
  mode_ = Mode::any;
  SKEP_TRY(push(id));
  while (depth_ > 0) SKEP_TRY(step());
  return {};
}

Status Resolver::push(TypeId id) {
  if (depth_ == kMaxDepth)
    return refuse(E2BIG, "{}: nested deeper than {}", types_.describe(id), kMaxDepth);
  if (visit(id) != Visit::none) return refuse(EEXIST, "{}: contains itself", types_.describe(id));
  visit(id) = Visit::open;
  stack_[depth_++] = {.id = id, .next = 0};
  if (mode_ == Mode::any) {
    const btf_kind kind = type(id).kind;
    if (kind == BTF_KIND_PTR)
      mode_ = Mode::pointer;
    else if (is_composite(kind) || kind == BTF_KIND_ARRAY)
      mode_ = Mode::contents;
  }
  return {};
}

void Resolver::pop(TypeId target, std::uint32_t array_bytes) {
  const TypeId id = stack_[--depth_].id;
  resolution_.targets[std::to_underlying(id)] = target;
  resolution_.array_bytes[std::to_underlying(id)] = array_bytes;
  visit(id) = Visit::done;
}

Result<bool> Resolver::waits_for(TypeId id) {
  if (may_stop_at(type(id)) || visit(id) == Visit::done) return false;
  SKEP_TRY(push(id));
  return true;
}

// A modifier that was resolved as part of a struct leads to a pointer at most; whoever wants to
// know where a pointer ends goes on from there.
Result<bool> Resolver::waits_for_pointer_behind(TypeId id) {
  if (!is_modifier(type(id).kind)) return false;
  const TypeId behind = resolution_.targets[std::to_underlying(id)];
  if (type(behind).kind != BTF_KIND_PTR) return false;
  return waits_for(behind);
}

Status Resolver::step() {
  const TypeId id = stack_[depth_ - 1].id;
  const Type top = type(id);
  switch (top.kind) {
    case BTF_KIND_ARRAY:
      return step_array(id, top);
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
      return step_composite(id, top);
    case BTF_KIND_DATASEC:
      return step_datasec(id, top);
    case BTF_KIND_FUNC:
      return step_func(id, top);
    case BTF_KIND_DECL_TAG:
      return step_decl_tag(id, top);
    default:
      return step_reference(id, top);
  }
}

// Modifiers, pointers and variables: one target each.
Status Resolver::step_reference(TypeId id, const Type& top) {
  TypeId next = top.target();
  if (!types_.contains(next) || refers_only(type(next).kind))
    return refuse(EINVAL, "{}: refers to {}", types_.describe(id), types_.describe(next));
  bool waits = SKEP_TRY(waits_for(next));
  if (!waits && !is_modifier(top.kind)) waits = SKEP_TRY(waits_for_pointer_behind(next));
  if (waits) return {};

  if (const auto found = sized(next)) {
    pop(found->id);
    return {};
  }
  if (top.kind == BTF_KIND_VAR)
    return refuse(EINVAL, "{}: of {}, which has no size", types_.describe(id),
                  types_.describe(next));
  if (visit(next) == Visit::done) next = resolution_.targets[std::to_underlying(next)];
  const btf_kind kind = type(next).kind;
  if (kind != BTF_KIND_UNKN && kind != BTF_KIND_FWD && kind != BTF_KIND_FUNC_PROTO)
    return refuse(EINVAL, "{}: leads to {}", types_.describe(id), types_.describe(next));
  pop(next);
  return {};
}

Status Resolver::check_index(TypeId id, TypeId index) const {
  const auto found = sized(index);
  if (found && type(found->id).kind == BTF_KIND_INT && is_regular_int(type(found->id))) return {};
  return refuse(EINVAL, "{}: its index is {}, not an integer", types_.describe(id),
                types_.describe(index));
}

Status Resolver::step_array(TypeId id, const Type& top) {
  const btf_array array = top.array();
  const TypeId index{array.index_type};
  const TypeId element{array.type};
  if (!has_size_or_contents(types_, index))
    return refuse(EINVAL, "{}: its index is {}", types_.describe(id), types_.describe(index));
  bool waits = SKEP_TRY(waits_for(index));
  if (waits) return {};
  SKEP_TRY(check_index(id, index));

  if (!has_size_or_contents(types_, element))
    return refuse(EINVAL, "{}: of {}", types_.describe(id), types_.describe(element));
  waits = SKEP_TRY(waits_for(element));
  if (waits) return {};
  const auto found = sized(element);
  if (!found) return refuse(EINVAL, "{}: of {}", types_.describe(id), types_.describe(element));
  const Type element_type = type(found->id);
  if (element_type.kind == BTF_KIND_INT && !is_regular_int(element_type))
    return refuse(EINVAL, "{}: of {}, which is not whole bytes", types_.describe(id),
                  types_.describe(found->id));
  const std::uint64_t bytes = std::uint64_t{found->bytes} * array.nelems;
  if (bytes > std::numeric_limits<std::uint32_t>::max())
    return refuse(EINVAL, "{}: {} elements of {} bytes", types_.describe(id), array.nelems,
                  found->bytes);
  pop(found->id, static_cast<std::uint32_t>(bytes));
  return {};
}

Status Resolver::check_member(TypeId id, const Type& owner, std::uint32_t at) const {
  const btf_member member = owner.members()[at];
  TypeId member_id{member.type};
  const auto found = sized(member_id);
  if (is_modifier(type(member_id).kind)) {
    if (!found)
      return refuse(EINVAL, "{}: member {} of {}", types_.describe(id), at,
                    types_.describe(member_id));
    member_id = found->id;
  }
  auto fits = check_member_fits(owner, member.offset, type(member_id), found ? found->bytes : 0);
  if (fits) return {};
  return in(text("{}: member {}", types_.describe(id), at), std::move(fits));
}

Status Resolver::step_composite(TypeId id, const Type& top) {
  std::uint32_t& next = stack_[depth_ - 1].next;
  if (next > 0) SKEP_TRY(check_member(id, top, next - 1));
  while (next < top.vlen) {
    const TypeId member{top.members()[next].type};
    if (!has_size_or_contents(types_, member))
      return refuse(EINVAL, "{}: member {} of {}", types_.describe(id), next,
                    types_.describe(member));
    ++next;
    const bool waits = SKEP_TRY(waits_for(member));
    if (waits) return {};
    SKEP_TRY(check_member(id, top, next - 1));
  }
  pop(kVoid);
  return {};
}

Status Resolver::step_datasec(TypeId id, const Type& top) {
  std::uint32_t& next = stack_[depth_ - 1].next;
  for (; next < top.vlen; ++next) {
    const btf_var_secinfo record = top.variables()[next];
    const TypeId var{record.type};
    if (type(var).kind != BTF_KIND_VAR)
      return refuse(EINVAL, "{}: entry {} is {}, not a variable", types_.describe(id), next,
                    types_.describe(var));
    const bool waits = SKEP_TRY(waits_for(var));
    // Linux goes on behind the variable that it waited for, whose size it does not compare.
    if (waits) {
      ++stack_[depth_ - 2].next;
      return {};
    }
    const auto found = sized(type(var).target());
    if (!found)
      return refuse(EINVAL, "{}: {} has no size", types_.describe(id), types_.describe(var));
    if (record.size < found->bytes)
      return refuse(EINVAL, "{}: {} bytes for {} of {}", types_.describe(id), record.size,
                    types_.describe(var), found->bytes);
  }
  pop(kVoid);
  return {};
}

Status Resolver::step_func(TypeId id, const Type& top) {
  const Type proto = type(top.target());
  if (proto.kind != BTF_KIND_FUNC_PROTO)
    return refuse(EINVAL, "{}: of {}, not a prototype", types_.describe(id),
                  types_.describe(top.target()));
  for (std::uint32_t at = 0; at < proto.vlen; ++at) {
    const btf_param param = proto.params()[at];
    if (param.name_off == 0 && param.type != 0)
      return refuse(EINVAL, "{}: argument {} has no name", types_.describe(id), at);
  }
  pop(top.target());
  return {};
}

Status Resolver::step_decl_tag(TypeId id, const Type& top) {
  const TypeId target = top.target();
  const Type tagged = type(target);
  if (!is_composite(tagged.kind) && tagged.kind != BTF_KIND_FUNC && tagged.kind != BTF_KIND_VAR &&
      tagged.kind != BTF_KIND_TYPEDEF)
    return refuse(EINVAL, "{}: on {}", types_.describe(id), types_.describe(target));
  const bool waits = SKEP_TRY(waits_for(target));
  if (waits) return {};
  const std::int32_t component = top.decl_tag().component_idx;
  if (component != -1) {
    std::uint32_t parts = 0;
    if (is_composite(tagged.kind)) parts = tagged.vlen;
    if (tagged.kind == BTF_KIND_FUNC) parts = type(tagged.target()).vlen;
    if (static_cast<std::uint32_t>(component) >= parts)
      return refuse(EINVAL, "{}: on part {} of the {} of {}", types_.describe(id), component, parts,
                    types_.describe(target));
  }
  pop(target);
  return {};
}

Status Resolver::check_proto_type(TypeId id, TypeId part) {
  const Type found = type(part);
  if (!types_.contains(part) || refers_only(found.kind))
    return refuse(EINVAL, "{}: takes or returns {}", types_.describe(id), types_.describe(part));
  if (needs_resolving(found)) SKEP_TRY(resolve_once(part));
  if (!sized(part))
    return refuse(EINVAL, "{}: takes or returns {}, which has no size", types_.describe(id),
                  types_.describe(part));
  return {};
}

Status Resolver::check_proto(TypeId id) {
  const Type proto = type(id);
  if (proto.target() != kVoid) SKEP_TRY(check_proto_type(id, proto.target()));
  for (std::uint32_t at = 0; at < proto.vlen; ++at) {
    const btf_param param = proto.params()[at];
    const bool is_varargs = at + 1 == proto.vlen && param.type == 0;
    if (is_varargs && param.name_off == 0) break;
    if (is_varargs || (param.name_off != 0 &&
                       !is_identifier(types_.name_prefix(param.name_off, kMaxNameBytes + 1))))
      return refuse(EINVAL, "{}: argument {} cannot have the name at {}", types_.describe(id), at,
                    param.name_off);
    SKEP_TRY(check_proto_type(id, TypeId{param.type}));
  }
  return {};
}

}  // namespace skep::btf
