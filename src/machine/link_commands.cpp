// SPDX-License-Identifier: Apache-2.0
// Attaching: links, and programs attached without one.
#include <algorithm>
#include <bit>
#include <cerrno>
#include <vector>

#include "abi/attach_types.h"
#include "abi/link_types.h"
#include "abi/map_types.h"
#include "abi/program_types.h"
#include "machine/attach_point.h"
#include "machine/bpf.h"
#include "machine/link_object.h"
#include "machine/user_memory.h"

namespace skep::machine {

namespace {

constexpr std::uint32_t kTracepointNameBytes = 128;
constexpr std::uint32_t kXdpModes = 2 | 4 | 8;
constexpr std::uint32_t kSides = abi::BPF_F_BEFORE | abi::BPF_F_AFTER;
constexpr unsigned kMostOrdered = 64;  // kernel: BPF_MPROG_MAX, BPF_CGROUP_MAX_PROGS

long program_of(const Call& call, std::uint32_t fd, std::shared_ptr<Program>& program) {
  std::shared_ptr<const File> file;
  return object_of(call.machine, static_cast<int>(fd), file, program);
}

// The neighbour that flags and `relative` name: 0 or a negative errno.
long find_neighbour(const Call& call, std::uint32_t flags, std::uint32_t relative, Place& place) {
  const bool by_id = (flags & abi::BPF_F_ID) != 0;
  const bool link = (flags & abi::BPF_F_LINK) != 0;
  if (by_id) {
    (link ? place.link : place.program) = relative;
    return 0;
  }
  std::shared_ptr<const File> file;
  if (link) {
    std::shared_ptr<LinkObject> neighbour;
    const long status = object_of(call.machine, static_cast<int>(relative), file, neighbour);
    if (status == 0) place.link = neighbour->id();
    return status;
  }
  std::shared_ptr<Program> neighbour;
  const long status = object_of(call.machine, static_cast<int>(relative), file, neighbour);
  if (status == 0) place.program = neighbour->id();
  return status;
}

// kernel: bpf_mprog_attach
long find_place(const Call& call, std::uint32_t flags, std::uint32_t relative,
                std::uint64_t revision, Place& place) {
  place.room = kMostOrdered;
  if (revision != 0) place.revision = revision;
  const std::uint32_t side = flags & kSides;
  if (side == kSides) return -EINVAL;
  const bool named =
      relative != 0 || (flags & abi::BPF_F_ID) != 0 || (flags & abi::BPF_F_LINK) != 0;
  if (!named) {
    if (side == abi::BPF_F_BEFORE) place.side = Place::Side::begin;
    return 0;
  }
  if (side == 0) return -EINVAL;
  place.side = side == abi::BPF_F_BEFORE ? Place::Side::before : Place::Side::after;
  return find_neighbour(call, flags, relative, place);
}

// Of the list, where the neighbour stands: -ENOENT if nowhere, and before or after all of them when
// none is named.
long position(const std::vector<Attachment>& there, const Place& neighbour, bool after) {
  const auto count = static_cast<long>(there.size());
  if (neighbour.link == 0 && neighbour.program == 0) return after ? count : -1;
  for (long i = 0; i < count; ++i) {
    const Attachment& one = there[static_cast<std::size_t>(i)];
    if (neighbour.link != 0 ? one.link == neighbour.link : one.program == neighbour.program)
      return after ? i + 1 : i - 1;
  }
  return -ENOENT;
}

struct Wish {
  std::uint32_t flags = 0;
  std::uint32_t relative = 0;
  std::uint64_t revision = 0;
  std::uint32_t program = 0;
};

// What the list of an interface refuses. kernel: bpf_mprog_attach, in its order
long check_order(const Call& call, std::string_view hook, const Wish& wish) {
  Hooks& hooks = call.machine.hooks();
  if (wish.revision != 0 && wish.revision != hooks.revision(hook)) return -ESTALE;
  const auto there = hooks.list(hook);
  if (std::ranges::find(there, wish.program, &Attachment::program) != there.end()) return -EEXIST;
  Place neighbour;
  const bool named =
      wish.relative != 0 || (wish.flags & (abi::BPF_F_ID | std::uint32_t{abi::BPF_F_LINK})) != 0;
  if (named)
    if (const long status = find_neighbour(call, wish.flags, wish.relative, neighbour); status != 0)
      return status;
  // A link takes nobody's place.
  if ((wish.flags & abi::BPF_F_REPLACE) != 0) return -ENOENT;
  constexpr long kNowhere = -2;
  long at = kNowhere;
  for (const std::uint32_t side : {abi::BPF_F_BEFORE, abi::BPF_F_AFTER}) {
    if ((wish.flags & side) == 0) continue;
    const long found = position(there, neighbour, side == abi::BPF_F_AFTER);
    if (found < -1) return found;
    if (at != kNowhere && found != at) return -ERANGE;
    at = found;
  }
  return at == kNowhere && (named || wish.flags != 0) ? -EINVAL : 0;
}

long finish_link(const Call& call, LinkBirth birth) {
  auto link = make_link(call.machine, std::move(birth));
  if (!link) return -link.error().sys;
  return call.machine.files().add({.object = std::move(*link)});
}

long create_ordered(const Call& call, LinkBirth birth) {
  const auto& attr = call.attr.link_create;
  constexpr std::uint32_t kKnown =
      kSides | abi::BPF_F_ID | std::uint32_t{abi::BPF_F_LINK} | abi::BPF_F_PREORDER;
  if (birth.cgroup != 0 && (attr.flags & ~kKnown) != 0) return -EINVAL;
  if (birth.cgroup == 0)
    if (const long status = check_order(call, birth.attachment.hook,
                                        {.flags = attr.flags,
                                         .relative = attr.tcx.relative_fd,
                                         .revision = attr.tcx.expected_revision,
                                         .program = birth.attachment.program});
        status != 0)
      return status;
  if (const long status = find_place(call, attr.flags, attr.tcx.relative_fd,
                                     attr.tcx.expected_revision, birth.place);
      status != 0)
    return status;
  return finish_link(call, std::move(birth));
}

// kernel: bpf_nf_link_attach
long create_netfilter(const Call& call, const Program& program) {
  const auto& attr = call.attr.link_create;
  constexpr std::uint32_t kIpv4 = 2;
  constexpr std::uint32_t kIpv6 = 10;
  constexpr std::uint32_t kHooks = 5;
  if (attr.flags != 0 || (attr.netfilter.flags & ~abi::BPF_F_NETFILTER_IP_DEFRAG) != 0)
    return -EINVAL;
  if (attr.netfilter.pf != kIpv4 && attr.netfilter.pf != kIpv6) return -EAFNOSUPPORT;
  if (attr.netfilter.hooknum >= kHooks) return -EPROTO;
  if (attr.netfilter.priority == INT32_MIN || attr.netfilter.priority == INT32_MAX) return -ERANGE;
  LinkBirth birth;
  birth.type = abi::BPF_LINK_TYPE_NETFILTER;
  birth.attach_type = abi::BPF_NETFILTER;
  birth.family = attr.netfilter.pf;
  birth.hook_number = attr.netfilter.hooknum;
  birth.place.side = Place::Side::by_priority;
  birth.attachment = {.hook = text("netfilter/{}/{}", birth.family, birth.hook_number),
                      .program = program.id(),
                      .flags = attr.netfilter.flags,
                      .priority = attr.netfilter.priority};
  return finish_link(call, std::move(birth));
}

bool is_traced(std::uint32_t type) {
  return type == abi::BPF_PROG_TYPE_TRACEPOINT || type == abi::BPF_PROG_TYPE_KPROBE ||
         type == abi::BPF_PROG_TYPE_PERF_EVENT;
}

// Of an interface: without a program it is the last one. kernel: bpf_mprog_detach
long detach_ordered(const Call& call, std::string_view hook, std::uint32_t program) {
  Hooks& hooks = call.machine.hooks();
  const auto there = hooks.list(hook);
  if (there.empty()) return -ENOENT;
  const auto found =
      program == 0 ? there.end() - 1 : std::ranges::find(there, program, &Attachment::program);
  if (found == there.end()) return -ENOENT;
  return found->link != 0 ? -EBUSY : hooks.detach(hook, found->program, 0);
}

struct QueryAnswer {
  std::vector<std::uint32_t> programs;
  std::vector<std::uint32_t> program_flags;
  std::vector<std::uint32_t> links;
};

long write_answer(const Call& call, const QueryAnswer& answer, std::uint64_t revision) {
  const auto& attr = call.attr.query;
  const auto count = static_cast<std::uint32_t>(answer.programs.size());
  const std::uint32_t shown = std::min(attr.count, count);
  const auto give = [&](std::uint64_t user, const std::vector<std::uint32_t>& from) {
    return user == 0 ? 0 : copy_to_user(user, from.data(), shown * sizeof(std::uint32_t));
  };
  if (call.write_back(offsetof(abi::bpf_attr, query.attach_flags), std::uint32_t{0}) != 0 ||
      call.write_back(offsetof(abi::bpf_attr, query.revision), revision) != 0 ||
      call.write_back(offsetof(abi::bpf_attr, query.count), count) != 0)
    return -EFAULT;
  if (attr.count == 0 || attr.prog_ids == 0 || count == 0) return 0;
  if (give(attr.prog_ids, answer.programs) != 0 ||
      give(attr.prog_attach_flags, answer.program_flags) != 0 ||
      give(attr.link_ids, answer.links) != 0)
    return -EFAULT;
  return shown < count ? -ENOSPC : 0;
}

}  // namespace

long raw_tracepoint_open(const Call& call) {
  const auto& attr = call.attr.raw_tracepoint;
  std::shared_ptr<Program> program;
  if (const long status = program_of(call, attr.prog_fd, program); status != 0) return status;
  const std::uint32_t type = program->spec().type;
  if (type != abi::BPF_PROG_TYPE_RAW_TRACEPOINT &&
      type != abi::BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE)
    return -EINVAL;
  std::string name;
  if (const long status = string_from_user(name, attr.name, kTracepointNameBytes, 0); status != 0)
    return status;
  if (name.empty()) return -ENOENT;
  LinkBirth birth;
  birth.type = abi::BPF_LINK_TYPE_RAW_TRACEPOINT;
  birth.attachment = {
      .hook = raw_tracepoint_hook(name), .program = program->id(), .cookie = attr.cookie};
  birth.place.room = kMaxAttachments;
  return finish_link(call, std::move(birth));
}

long link_create(const Call& call) {
  const auto& attr = call.attr.link_create;
  if (attr.attach_type == abi::BPF_STRUCT_OPS) return -EOPNOTSUPP;
  std::shared_ptr<Program> program;
  if (const long status = program_of(call, attr.prog_fd, program); status != 0) return status;
  if (attr.attach_type == abi::BPF_NETFILTER)
    return program->spec().type == abi::BPF_PROG_TYPE_NETFILTER ? create_netfilter(call, *program)
                                                                : -EINVAL;
  // Perf events, functions and BTF of a kernel are not there to attach to.
  if (is_traced(program->spec().type)) return -EOPNOTSUPP;
  if (const long status = check_attach(*program, attr.attach_type); status != 0) return status;
  AttachPoint point;
  if (const long status = find_attach_point(
          {.attach_type = attr.attach_type, .fd_or_ifindex = attr.target_fd}, point);
      status != 0)
    return status;
  LinkBirth birth;
  birth.type = point.link_type;
  birth.attach_type = attr.attach_type;
  birth.target = point.target;
  birth.cgroup = point.cgroup;
  birth.attachment = {.hook = point.hook, .program = program->id()};
  if (point.ordered) return create_ordered(call, std::move(birth));
  // XDP: one of the modes generic, native and offloaded.
  const std::uint32_t modes = attr.attach_type == abi::BPF_XDP ? kXdpModes : 0;
  if ((attr.flags & ~modes) != 0 || std::popcount(attr.flags) > 1) return -EINVAL;
  if (point.single) birth.place.room = 1;
  return finish_link(call, std::move(birth));
}

long link_update(const Call& call) {
  const auto& attr = call.attr.link_update;
  if ((attr.flags & ~std::uint32_t{abi::BPF_F_REPLACE}) != 0) return -EINVAL;
  const bool replace = (attr.flags & abi::BPF_F_REPLACE) != 0;
  std::shared_ptr<const File> file;
  std::shared_ptr<LinkObject> link;
  if (const long status = object_of(call.machine, static_cast<int>(attr.link_fd), file, link);
      status != 0)
    return status;
  std::shared_ptr<Program> program;
  if (const long status = program_of(call, attr.new_prog_fd, program); status != 0) return status;
  std::shared_ptr<Program> before;
  if (replace)
    if (const long status = program_of(call, attr.old_prog_fd, before); status != 0) return status;
  if (!replace && attr.old_prog_fd != 0) return -EINVAL;
  if (link->record().type == abi::BPF_LINK_TYPE_RAW_TRACEPOINT) return -EINVAL;
  if (link->record().detached.load() != 0) return -ENOLINK;
  const auto current = call.machine.program(link->record().program.load());
  if (current == nullptr || current->spec().type != program->spec().type) return -EINVAL;
  const long status = call.machine.hooks().replace(
      link->record().hook_name(), link->id(), before == nullptr ? 0 : before->id(), program->id());
  if (status == 0) link->record().program = program->id();
  return status;
}

long link_detach(const Call& call) {
  std::shared_ptr<const File> file;
  std::shared_ptr<LinkObject> link;
  if (const long status =
          object_of(call.machine, static_cast<int>(call.attr.link_detach.link_fd), file, link);
      status != 0)
    return status;
  if (link->record().type == abi::BPF_LINK_TYPE_RAW_TRACEPOINT) return -EOPNOTSUPP;
  if (link->record().detached.exchange(1) != 0) return 0;
  return call.machine.hooks().detach(link->record().hook_name(), 0, link->id());
}

long program_attach(const Call& call) {
  const abi::bpf_attr& attr = call.attr;
  constexpr std::uint32_t kBase =
      abi::BPF_F_ALLOW_OVERRIDE | abi::BPF_F_ALLOW_MULTI | abi::BPF_F_REPLACE | abi::BPF_F_PREORDER;
  constexpr std::uint32_t kPlacing = kSides | abi::BPF_F_ID | std::uint32_t{abi::BPF_F_LINK};
  const auto kind = attach_kind(attr.attach_type);
  if (kind == AttachKind::none) return -EINVAL;
  const std::uint32_t known = kind == AttachKind::interface ? kPlacing | abi::BPF_F_REPLACE
                              : kind == AttachKind::cgroup  ? kBase | kPlacing
                                                            : kBase;
  if ((attr.attach_flags & ~known) != 0) return -EINVAL;
  if (kind == AttachKind::other && (attr.relative_fd != 0 || attr.expected_revision != 0))
    return -EINVAL;
  std::shared_ptr<Program> program;
  if (const long status = program_of(call, attr.attach_bpf_fd, program); status != 0) return status;
  if (const long status = check_attach(*program, attr.attach_type); status != 0) return status;
  AttachPoint point;
  if (const long status = find_attach_point(
          {.attach_type = attr.attach_type, .fd_or_ifindex = attr.target_fd}, point);
      status != 0)
    return status;
  Hooks& hooks = call.machine.hooks();
  const auto there = hooks.list(point.hook);
  const bool interface =
      point.link_type == abi::BPF_LINK_TYPE_TCX || point.link_type == abi::BPF_LINK_TYPE_NETKIT;
  if (interface && (attr.attach_flags & abi::BPF_F_REPLACE) == 0)
    if (const long status = check_order(call, point.hook,
                                        {.flags = attr.attach_flags,
                                         .relative = attr.relative_fd,
                                         .revision = attr.expected_revision,
                                         .program = program->id()});
        status != 0)
      return status;
  const bool here = std::ranges::any_of(
      there, [&](const Attachment& a) { return a.link == 0 && a.program == program->id(); });
  if ((attr.attach_flags & abi::BPF_F_REPLACE) != 0) {
    std::shared_ptr<Program> old;
    if (const long status = program_of(call, attr.replace_bpf_fd, old); status != 0) return status;
    const auto held = std::ranges::find(there, old->id(), &Attachment::program);
    if (interface && held != there.end() && held->link != 0) return -EBUSY;
    return hooks.replace(point.hook, 0, old->id(), program->id());
  }
  const bool multi = (attr.attach_flags & abi::BPF_F_ALLOW_MULTI) != 0;
  if (here) return point.cgroup != 0 && !multi ? 0 : point.cgroup != 0 ? -EINVAL : -EEXIST;
  Place place;
  if (const long status = find_place(call, attr.attach_flags & kPlacing, attr.relative_fd,
                                     attr.expected_revision, place);
      status != 0)
    return status;
  // Without MULTI a cgroup has one program, and a second takes its place.
  if (point.cgroup != 0 && !multi && !there.empty()) {
    if (there.front().link != 0) return -EPERM;
    return hooks.replace(point.hook, 0, there.front().program, program->id());
  }
  return hooks.attach({.hook = point.hook, .program = program->id(), .flags = attr.attach_flags},
                      place);
}

long program_detach(const Call& call) {
  const abi::bpf_attr& attr = call.attr;
  const AttachKind kind = attach_kind(attr.attach_type);
  if (kind == AttachKind::none) return -EINVAL;
  const bool ordered = kind == AttachKind::interface;
  std::shared_ptr<Program> program;
  if (ordered && attr.attach_bpf_fd != 0)
    if (const long status = program_of(call, attr.attach_bpf_fd, program); status != 0)
      return status;
  AttachPoint point;
  if (const long status = find_attach_point(
          {.attach_type = attr.attach_type, .fd_or_ifindex = attr.target_fd}, point);
      status != 0)
    return status;
  if (ordered) return detach_ordered(call, point.hook, program == nullptr ? 0 : program->id());
  const auto there = call.machine.hooks().list(point.hook);
  if (attr.attach_bpf_fd != 0 || there.size() != 1)
    if (const long status = program_of(call, attr.attach_bpf_fd, program); status != 0)
      return there.empty() ? -ENOENT : status;
  const std::uint32_t id = program != nullptr ? program->id() : there.front().program;
  return call.machine.hooks().detach(point.hook, id, 0);
}

long program_query(const Call& call) {
  const auto& attr = call.attr.query;
  if ((attr.query_flags & ~abi::BPF_F_QUERY_EFFECTIVE) != 0) return -EINVAL;
  if (attr.attach_type == abi::BPF_XDP) return -EINVAL;
  AttachPoint point;
  if (const long status = find_attach_point(
          {.attach_type = attr.attach_type, .fd_or_ifindex = attr.target_fd}, point);
      status != 0)
    return status;
  QueryAnswer answer;
  for (const Attachment& attachment : call.machine.hooks().list(point.hook)) {
    answer.programs.push_back(attachment.program);
    answer.program_flags.push_back(attachment.flags);
    answer.links.push_back(attachment.link);
  }
  return write_answer(call, answer, call.machine.hooks().revision(point.hook));
}

}  // namespace skep::machine
