// SPDX-License-Identifier: Apache-2.0
#include "machine/bpf.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "abi/commands.h"
#include "machine/user_memory.h"

namespace skep::machine {

namespace {

struct Handler {
  std::uint32_t command;
  long (*run)(const Call& call);
};

long no_token(const Call&) { return -EOPNOTSUPP; }
long no_descriptors_of_tasks(const Call&) { return -EOPNOTSUPP; }

constexpr auto kHandlers = std::to_array<Handler>({
    {abi::BPF_MAP_CREATE, map_create},
    {abi::BPF_MAP_LOOKUP_ELEM, map_lookup},
    {abi::BPF_MAP_UPDATE_ELEM, map_update},
    {abi::BPF_MAP_DELETE_ELEM, map_delete},
    {abi::BPF_MAP_GET_NEXT_KEY, map_next_key},
    {abi::BPF_PROG_LOAD, program_load},
    {abi::BPF_OBJ_PIN, object_pin},
    {abi::BPF_OBJ_GET, object_get},
    {abi::BPF_PROG_ATTACH, program_attach},
    {abi::BPF_PROG_DETACH, program_detach},
    {abi::BPF_PROG_TEST_RUN, program_test_run},
    {abi::BPF_PROG_GET_NEXT_ID, program_next_id},
    {abi::BPF_MAP_GET_NEXT_ID, map_next_id},
    {abi::BPF_PROG_GET_FD_BY_ID, program_by_id},
    {abi::BPF_MAP_GET_FD_BY_ID, map_by_id},
    {abi::BPF_OBJ_GET_INFO_BY_FD, object_info},
    {abi::BPF_PROG_QUERY, program_query},
    {abi::BPF_RAW_TRACEPOINT_OPEN, raw_tracepoint_open},
    {abi::BPF_BTF_LOAD, btf_load},
    {abi::BPF_BTF_GET_FD_BY_ID, btf_by_id},
    // There is no /proc whose descriptors would be ours.
    {abi::BPF_TASK_FD_QUERY, no_descriptors_of_tasks},
    {abi::BPF_MAP_LOOKUP_AND_DELETE_ELEM, map_take},
    {abi::BPF_MAP_FREEZE, map_freeze},
    {abi::BPF_BTF_GET_NEXT_ID, btf_next_id},
    {abi::BPF_MAP_LOOKUP_BATCH, map_lookup_batch},
    {abi::BPF_MAP_LOOKUP_AND_DELETE_BATCH, map_take_batch},
    {abi::BPF_MAP_UPDATE_BATCH, map_update_batch},
    {abi::BPF_MAP_DELETE_BATCH, map_delete_batch},
    {abi::BPF_LINK_CREATE, link_create},
    {abi::BPF_LINK_UPDATE, link_update},
    {abi::BPF_LINK_GET_FD_BY_ID, link_by_id},
    {abi::BPF_LINK_GET_NEXT_ID, link_next_id},
    {abi::BPF_ENABLE_STATS, enable_stats},
    {abi::BPF_LINK_DETACH, link_detach},
    {abi::BPF_PROG_BIND_MAP, program_bind_map},
    // A token delegates rights that the machine does not ask for.
    {abi::BPF_TOKEN_CREATE, no_token},
    {abi::BPF_PROG_STREAM_READ_BY_FD, stream_read},
});

// kernel: bpf_check_uarg_tail_zero and copy_from_user
long read_attr(abi::bpf_attr& attr, std::uint64_t user, std::uint32_t bytes) {
  if (bytes > abi::kMaxBpfAttrBytes) return -E2BIG;
  std::array<std::byte, abi::kMaxBpfAttrBytes> whole{};
  if (copy_from_user(whole.data(), user, bytes) != 0) return -EFAULT;
  const auto past =
      std::span(whole).first(bytes).subspan(std::min<std::size_t>(bytes, sizeof(attr)));
  if (std::ranges::any_of(past, [](std::byte b) { return b != std::byte{}; })) return -E2BIG;
  std::memcpy(&attr, whole.data(), std::min<std::size_t>(bytes, sizeof(attr)));
  return 0;
}

bool zero_past(const abi::bpf_attr& attr, std::uint32_t last_field_end) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&attr);
  return std::all_of(bytes + last_field_end, bytes + sizeof(attr),
                     [](std::byte b) { return b == std::byte{}; });
}

}  // namespace

long Call::write_bytes(std::size_t offset, const void* from, std::size_t bytes) const {
  if (offset + bytes > user_bytes) return 0;
  return copy_to_user(user_attr + offset, from, bytes);
}

long Machine::bpf(std::uint32_t command, void* attr, std::uint32_t bytes) {
  abi::bpf_attr copy;
  std::memset(&copy, 0, sizeof(copy));
  const auto user = reinterpret_cast<std::uint64_t>(attr);
  if (const long status = read_attr(copy, user, bytes); status != 0) return status;
  const auto handler = std::ranges::find(kHandlers, command, &Handler::command);
  if (handler == kHandlers.end()) return -EINVAL;
  if (!zero_past(copy, abi::kCommands[command].last_field_end)) return -EINVAL;
  return handler->run({*this, copy, user, bytes});
}

}  // namespace skep::machine
