// SPDX-License-Identifier: Apache-2.0
#include "skep/link.h"

#include <array>
#include <cerrno>
#include <cstring>

#include "abi/attach_types.h"
#include "abi/info.h"
#include "abi/link_types.h"
#include "apps/skep/machine_objects.h"

namespace skep::cli {

namespace {

constexpr std::string_view kGrammar = "LINK := { id N | pinned PATH }\n";

Result<Link> find_link(Request& request) {
  Words& words = request.words;
  if (words.take("id"))
    return Link::by_id(request.kernel, SKEP_TRY(words.number32("the id of a link")));
  if (words.take("pinned"))
    return Link::pinned(request.kernel, SKEP_TRY(words.next("the path of a pin")));
  return words.mistake("expected id or pinned");
}

// The attach type, where the link's type says one.
std::optional<std::string_view> attach_type(const LinkInfo& info) {
  abi::bpf_link_info known{};
  constexpr std::size_t kHead = offsetof(abi::bpf_link_info, raw_tracepoint);
  std::memcpy(reinterpret_cast<std::byte*>(&known) + kHead, info.more.data(),
              std::min(info.more.size(), sizeof(known) - kHead));
  std::uint32_t type = 0;
  switch (info.type) {
    case abi::BPF_LINK_TYPE_TRACING:
      type = known.tracing.attach_type;
      break;
    case abi::BPF_LINK_TYPE_CGROUP:
      type = known.cgroup.attach_type;
      break;
    case abi::BPF_LINK_TYPE_NETNS:
      type = known.netns.attach_type;
      break;
    case abi::BPF_LINK_TYPE_TCX:
      type = known.tcx.attach_type;
      break;
    default:
      return {};
  }
  const auto* row = abi::row_by_number(abi::kAttachTypes, type);
  return row == nullptr ? std::optional<std::string_view>() : row->name;
}

Status show(Request& request, const Link& link) {
  const LinkInfo info = SKEP_TRY(link.info());
  const auto* row = abi::row_by_number(abi::kLinkTypes, info.type);
  const std::string type = row == nullptr ? text("type {}", info.type) : std::string(row->name);
  const auto attach = attach_type(info);
  if (!request.json) {
    append_text(request.out, "{}: {}  prog {}\n", info.id, type, info.program_id);
    if (attach) append_text(request.out, "\tattach_type {}\n", *attach);
    return {};
  }
  request.writer.begin_object();
  request.writer.member("id", info.id);
  request.writer.member("type", type);
  request.writer.member("prog_id", info.program_id);
  if (attach) request.writer.member("attach_type", *attach);
  request.writer.end_object();
  return {};
}

Status show_links(Request& request) {
  if (!request.words.empty()) {
    const Link link = SKEP_TRY(find_link(request));
    SKEP_TRY(request.words.end());
    return show(request, link);
  }
  if (request.json) request.writer.begin_array();
  const auto ids = SKEP_TRY(Link::ids(request.kernel));
  for (const std::uint32_t id : ids) {
    const auto link = Link::by_id(request.kernel, id);
    if (link) SKEP_TRY(show(request, *link));
    if (!link && link.error().sys != ENOENT) return std::unexpected(link.error());
  }
  if (request.json) request.writer.end_array();
  return {};
}

Status pin_link(Request& request) {
  const Link link = SKEP_TRY(find_link(request));
  const std::string path = SKEP_TRY(request.words.next("the path to pin it to"));
  SKEP_TRY(request.words.end());
  return link.pin(path);
}

Status detach_link(Request& request) {
  const Link link = SKEP_TRY(find_link(request));
  SKEP_TRY(request.words.end());
  return link.detach();
}

constexpr auto kActions = std::to_array<Action>({
    {"show|list", "[LINK]", show_links},
    {"pin", "LINK PATH", pin_link},
    {"detach", "LINK", detach_link},
});

}  // namespace

int run_link(const Arguments& arguments) {
  return run_action("link", arguments, kActions, kGrammar);
}

}  // namespace skep::cli
