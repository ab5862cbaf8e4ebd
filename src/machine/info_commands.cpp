// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "abi/info.h"
#include "abi/link_types.h"
#include "abi/program_types.h"
#include "machine/bpf.h"
#include "machine/btf_object.h"
#include "machine/link_object.h"
#include "machine/map_object.h"
#include "machine/program.h"
#include "machine/program_records.h"
#include "machine/user_memory.h"

namespace skep::machine {

namespace {

// The caller's struct, shorter or longer than ours: what both know is read and written back.
template <class Info>
class InfoExchange {
 public:
  InfoExchange(const Call& call, Info& info) : call_(call), info_(info) {}

  [[nodiscard]] long read() {
    const std::uint32_t given = call_.attr.info.info_len;
    constexpr std::uint32_t kMost = 4096;  // kernel: PAGE_SIZE, in bpf_check_uarg_tail_zero
    if (given > kMost) return -E2BIG;
    std::array<std::byte, kMost> whole{};
    if (copy_from_user(whole.data(), call_.attr.info.info, given) != 0) return -EFAULT;
    const auto past =
        std::span(whole).first(given).subspan(std::min<std::size_t>(given, sizeof(Info)));
    if (std::ranges::any_of(past, [](std::byte b) { return b != std::byte{}; })) return -E2BIG;
    bytes_ = std::min<std::uint32_t>(given, sizeof(Info));
    std::memcpy(static_cast<void*>(&info_), whole.data(), bytes_);
    return 0;
  }
  [[nodiscard]] long write() {
    if (copy_to_user(call_.attr.info.info, &info_, bytes_) != 0) return -EFAULT;
    return call_.write_back(offsetof(abi::bpf_attr, info.info_len), bytes_);
  }

 private:
  const Call& call_;
  Info& info_;
  std::uint32_t bytes_ = 0;
};

// An array that the caller has room for: writes what fits, says how many there are.
template <class Element>
long give_array(std::span<const Element> all, std::uint64_t user, std::uint32_t& count) {
  const auto room = std::min<std::size_t>(count, all.size());
  count = static_cast<std::uint32_t>(all.size());
  if (room == 0 || user == 0) return 0;
  return copy_to_user(user, all.data(), room * sizeof(Element));
}

long map_info(const Call& call, const MapObject& object) {
  abi::bpf_map_info info{};
  InfoExchange exchange(call, info);
  if (const long status = exchange.read(); status != 0) return status;
  const MapRecord& record = object.record();
  const maps::MapSpec& spec = object.map().spec();
  const std::uint64_t hash = info.hash;
  const std::uint32_t hash_size = info.hash_size;
  info = {};
  info.hash = hash;
  info.hash_size = hash_size;
  info.type = spec.type;
  info.id = object.id();
  info.key_size = spec.key_bytes;
  info.value_size = spec.value_bytes;
  info.max_entries = spec.max_entries;
  info.map_flags = spec.flags;
  info.map_extra = spec.extra;
  std::memcpy(info.name, record.name.data(), sizeof(info.name));
  info.btf_id = record.btf_id;
  info.btf_key_type_id = record.btf_key_type;
  info.btf_value_type_id = record.btf_value_type;
  return exchange.write();
}

long btf_info(const Call& call, const BtfObject& object) {
  abi::bpf_btf_info info{};
  InfoExchange exchange(call, info);
  if (const long status = exchange.read(); status != 0) return status;
  const auto bytes = object.types().bytes();
  const std::size_t room = std::min<std::size_t>(info.btf_size, bytes.size());
  if (copy_to_user(info.btf, bytes.data(), room) != 0) return -EFAULT;
  info.btf_size = static_cast<std::uint32_t>(bytes.size());
  info.id = object.id();
  info.kernel_btf = 0;
  // Only the kernel's own BTF have names.
  if (info.name_len != 0 && info.name != 0 && copy_to_user(info.name, "", 1) != 0) return -EFAULT;
  if ((info.name == 0) != (info.name_len == 0)) return -EINVAL;
  info.name_len = 0;
  return exchange.write();
}

// As bpf(2) shows it: a map is named by its id, and only those who may see addresses see them.
// A call says which function it means, and keeps the distance as its offset.
Bytes shown_program(const Program& program) {
  isa::Program insns = program.spec().insns;
  const auto starts = function_starts(insns);
  const auto index_of = [&](std::int64_t start) {
    const auto found = std::ranges::find(starts, start);
    return static_cast<std::int32_t>(found - starts.begin());
  };
  for (std::size_t i = 0; i < insns.size(); ++i) {
    isa::Insn& insn = insns[i];
    const std::int64_t target = static_cast<std::int64_t>(i) + 1 + insn.imm;
    if (insn.code == 0x85 && insn.src == abi::BPF_PSEUDO_CALL) {
      insn.offset = static_cast<std::int16_t>(insn.imm);
      insn.imm = index_of(target);
    }
    if (!isa::is_imm64(insn)) continue;
    if (insn.src == abi::BPF_PSEUDO_FUNC) insns[i + 1].imm = index_of(target);
    ++i;
  }
  return isa::encode(insns);
}

long program_arrays(const Program& program, abi::bpf_prog_info& info) {
  const ProgramSpec& spec = program.spec();
  const Bytes xlated = shown_program(program);
  if (give_array(std::span<const std::byte>(xlated), info.xlated_prog_insns,
                 info.xlated_prog_len) != 0)
    return -EFAULT;
  std::vector<std::uint32_t> ids;
  for (const auto& map : program.maps()) ids.push_back(map->id());
  if (give_array(std::span<const std::uint32_t>(ids), info.map_ids, info.nr_map_ids) != 0)
    return -EFAULT;
  const auto give_records = [](const Bytes& records, std::uint32_t size, std::uint64_t user,
                               std::uint32_t& count) {
    const auto room = std::min<std::size_t>(count, records.size() / size) * size;
    count = static_cast<std::uint32_t>(records.size() / size);
    return user == 0 ? 0 : copy_to_user(user, records.data(), room);
  };
  info.func_info_rec_size = sizeof(abi::bpf_func_info);
  info.line_info_rec_size = sizeof(abi::bpf_line_info);
  if (give_records(spec.func_info, sizeof(abi::bpf_func_info), info.func_info, info.nr_func_info) !=
          0 ||
      give_records(spec.line_info, sizeof(abi::bpf_line_info), info.line_info, info.nr_line_info) !=
          0)
    return -EFAULT;
  return 0;
}

long program_info(const Call& call, const Program& program) {
  abi::bpf_prog_info info{};
  InfoExchange exchange(call, info);
  if (const long status = exchange.read(); status != 0) return status;
  const ProgramRecord& record = program.record();
  info.type = program.spec().type;
  info.id = program.id();
  std::memcpy(info.tag, record.tag.data(), sizeof(info.tag));
  std::memcpy(info.name, program.spec().name.data(), sizeof(info.name));
  info.load_time = record.loaded_ns;
  info.created_by_uid = record.user_id;
  info.gpl_compatible = program.gpl() ? 1 : 0;
  info.btf_id = program.spec().btf_id;
  info.attach_btf_id = program.spec().attach_btf_id;
  info.run_time_ns = record.run_ns.load();
  info.run_cnt = record.run_count.load();
  info.recursion_misses = record.recursion_misses.load();
  // Nothing is compiled to machine code.
  info.jited_prog_len = 0;
  info.nr_jited_ksyms = 0;
  info.nr_jited_func_lens = 0;
  info.nr_jited_line_info = 0;
  info.jited_line_info_rec_size = sizeof(std::uint64_t);
  std::uint32_t tags = info.nr_prog_tags;
  if (give_array(std::span<const std::array<std::uint8_t, 8>>(&record.tag, 1), info.prog_tags,
                 tags) != 0)
    return -EFAULT;
  info.nr_prog_tags = tags;
  if (const long status = program_arrays(program, info); status != 0) return status;
  return exchange.write();
}

// A text into a buffer of the caller, cut if need be: its length with the zero goes to `bytes`.
long give_text(std::string_view from, std::uint64_t user, std::uint32_t& bytes) {
  const std::uint32_t room = bytes;
  bytes = static_cast<std::uint32_t>(from.size()) + 1;
  if ((user == 0) != (room == 0)) return -EINVAL;
  if (user == 0) return 0;
  const std::size_t shown = std::min<std::size_t>(room - 1, from.size());
  if (copy_to_user(user, from.data(), shown) != 0 || copy_to_user(user + shown, "", 1) != 0)
    return -EFAULT;
  return shown < from.size() ? -ENOSPC : 0;
}

long raw_tracepoint_info(const LinkRecord& record, abi::bpf_link_info& info) {
  const std::string hook = record.hook_name();
  const std::string_view name = std::string_view(hook).substr(hook.find('/') + 1);
  info.raw_tracepoint.cookie = record.cookie;
  return give_text(name, info.raw_tracepoint.tp_name, info.raw_tracepoint.tp_name_len);
}

long link_info(const Call& call, const LinkObject& link) {
  abi::bpf_link_info info{};
  InfoExchange exchange(call, info);
  if (const long status = exchange.read(); status != 0) return status;
  const LinkRecord& record = link.record();
  info.type = record.type;
  info.id = link.id();
  // The link keeps its program when it has lost its place.
  info.prog_id = record.program.load();
  const std::uint32_t ifindex = record.detached.load() != 0 ? 0 : record.target;
  switch (record.type) {
    case abi::BPF_LINK_TYPE_RAW_TRACEPOINT:
      if (const long status = raw_tracepoint_info(record, info); status != 0) return status;
      break;
    case abi::BPF_LINK_TYPE_CGROUP:
      info.cgroup.cgroup_id = record.cgroup;
      info.cgroup.attach_type = record.attach_type;
      break;
    case abi::BPF_LINK_TYPE_NETNS:
      info.netns.netns_ino = record.target;
      info.netns.attach_type = record.attach_type;
      break;
    case abi::BPF_LINK_TYPE_XDP:
      info.xdp.ifindex = ifindex;
      break;
    case abi::BPF_LINK_TYPE_TCX:
      info.tcx.ifindex = ifindex;
      info.tcx.attach_type = record.attach_type;
      break;
    case abi::BPF_LINK_TYPE_NETKIT:
      info.netkit.ifindex = ifindex;
      info.netkit.attach_type = record.attach_type;
      break;
    case abi::BPF_LINK_TYPE_NETFILTER:
      info.netfilter.pf = record.family;
      info.netfilter.hooknum = record.hook_number;
      info.netfilter.priority = record.priority;
      info.netfilter.flags = record.flags;
      break;
    default:
      break;
  }
  return exchange.write();
}

}  // namespace

long object_info(const Call& call) {
  const auto file = call.machine.files().get(static_cast<int>(call.attr.info.bpf_fd));
  // The kernel's word for a bad descriptor is another one here.
  if (file == nullptr)
    return bad_descriptor(static_cast<int>(call.attr.info.bpf_fd)) == -EBADF ? -EBADFD : -EINVAL;
  if (file->object == nullptr) return -EINVAL;
  switch (file->object->kind()) {
    case ObjectKind::map:
      return map_info(call, static_cast<const MapObject&>(*file->object));
    case ObjectKind::btf:
      return btf_info(call, static_cast<const BtfObject&>(*file->object));
    case ObjectKind::program:
      return program_info(call, static_cast<const Program&>(*file->object));
    case ObjectKind::link:
      return link_info(call, static_cast<const LinkObject&>(*file->object));
  }
  return -EINVAL;
}

}  // namespace skep::machine
