// SPDX-License-Identifier: Apache-2.0
// The commands of bpf(2), and how much of bpf_attr each of them reads. Linux answers EINVAL when a
// byte of the union past a command's last field is not zero; holes before it are not looked at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "abi/bpf_attr.h"
#include "abi/name_table.h"

namespace skep::abi {

// NOLINTBEGIN(readability-identifier-naming, bugprone-reserved-identifier): the kernel's names

enum bpf_cmd : std::uint32_t {
  BPF_MAP_CREATE = 0,
  BPF_MAP_LOOKUP_ELEM = 1,
  BPF_MAP_UPDATE_ELEM = 2,
  BPF_MAP_DELETE_ELEM = 3,
  BPF_MAP_GET_NEXT_KEY = 4,
  BPF_PROG_LOAD = 5,
  BPF_OBJ_PIN = 6,
  BPF_OBJ_GET = 7,
  BPF_PROG_ATTACH = 8,
  BPF_PROG_DETACH = 9,
  BPF_PROG_TEST_RUN = 10,
  BPF_PROG_GET_NEXT_ID = 11,
  BPF_MAP_GET_NEXT_ID = 12,
  BPF_PROG_GET_FD_BY_ID = 13,
  BPF_MAP_GET_FD_BY_ID = 14,
  BPF_OBJ_GET_INFO_BY_FD = 15,
  BPF_PROG_QUERY = 16,
  BPF_RAW_TRACEPOINT_OPEN = 17,
  BPF_BTF_LOAD = 18,
  BPF_BTF_GET_FD_BY_ID = 19,
  BPF_TASK_FD_QUERY = 20,
  BPF_MAP_LOOKUP_AND_DELETE_ELEM = 21,
  BPF_MAP_FREEZE = 22,
  BPF_BTF_GET_NEXT_ID = 23,
  BPF_MAP_LOOKUP_BATCH = 24,
  BPF_MAP_LOOKUP_AND_DELETE_BATCH = 25,
  BPF_MAP_UPDATE_BATCH = 26,
  BPF_MAP_DELETE_BATCH = 27,
  BPF_LINK_CREATE = 28,
  BPF_LINK_UPDATE = 29,
  BPF_LINK_GET_FD_BY_ID = 30,
  BPF_LINK_GET_NEXT_ID = 31,
  BPF_ENABLE_STATS = 32,
  BPF_ITER_CREATE = 33,
  BPF_LINK_DETACH = 34,
  BPF_PROG_BIND_MAP = 35,
  BPF_TOKEN_CREATE = 36,
  BPF_PROG_STREAM_READ_BY_FD = 37,
  __MAX_BPF_CMD,
  BPF_PROG_RUN = BPF_PROG_TEST_RUN,
  // newer than Linux 6.18
  BPF_PROG_ASSOC_STRUCT_OPS = __MAX_BPF_CMD,
};

// Newer than Linux 6.18: or-ed to a command that comes with two more arguments.
inline constexpr std::uint32_t BPF_COMMON_ATTRS = 1U << 16;

// BPF_ENABLE_STATS
enum bpf_stats_type : std::uint32_t {
  BPF_STATS_RUN_TIME = 0,
};

// BPF_PROG_STREAM_READ_BY_FD
enum bpf_stream_id : std::uint32_t {
  BPF_STDOUT = 1,
  BPF_STDERR = 2,
};

// NOLINTEND(readability-identifier-naming, bugprone-reserved-identifier)

struct Command {
  std::uint32_t number;
  std::string_view name;
  // Where the last field ends that the command may use, in bytes from the start of bpf_attr.
  std::uint32_t last_field_end;
  // Named here for those who meet it; Linux 6.18 answers EINVAL.
  bool newer = false;
};

// Of all kinds of links, this one has the longest argument.
inline constexpr std::uint32_t kLinkCreateEnd =
    offsetof(bpf_attr_link_create, uprobe_multi.pid) + sizeof(bpf_link_create_uprobe_multi::pid);

inline constexpr auto kCommands = std::to_array<Command>({
    {BPF_MAP_CREATE, "MAP_CREATE",
     offsetof(bpf_attr, excl_prog_hash_size) + sizeof(bpf_attr::excl_prog_hash_size)},
    {BPF_MAP_LOOKUP_ELEM, "MAP_LOOKUP_ELEM", offsetof(bpf_attr, flags) + sizeof(bpf_attr::flags)},
    {BPF_MAP_UPDATE_ELEM, "MAP_UPDATE_ELEM", offsetof(bpf_attr, flags) + sizeof(bpf_attr::flags)},
    {BPF_MAP_DELETE_ELEM, "MAP_DELETE_ELEM", offsetof(bpf_attr, key) + sizeof(bpf_attr::key)},
    {BPF_MAP_GET_NEXT_KEY, "MAP_GET_NEXT_KEY",
     offsetof(bpf_attr, next_key) + sizeof(bpf_attr::next_key)},
    {BPF_PROG_LOAD, "PROG_LOAD", offsetof(bpf_attr, keyring_id) + sizeof(bpf_attr::keyring_id)},
    {BPF_OBJ_PIN, "OBJ_PIN", offsetof(bpf_attr, path_fd) + sizeof(bpf_attr::path_fd)},
    {BPF_OBJ_GET, "OBJ_GET", offsetof(bpf_attr, path_fd) + sizeof(bpf_attr::path_fd)},
    {BPF_PROG_ATTACH, "PROG_ATTACH",
     offsetof(bpf_attr, expected_revision) + sizeof(bpf_attr::expected_revision)},
    {BPF_PROG_DETACH, "PROG_DETACH",
     offsetof(bpf_attr, expected_revision) + sizeof(bpf_attr::expected_revision)},
    {BPF_PROG_TEST_RUN, "PROG_TEST_RUN",
     offsetof(bpf_attr_test, batch_size) + sizeof(bpf_attr_test::batch_size)},
    {BPF_PROG_GET_NEXT_ID, "PROG_GET_NEXT_ID",
     offsetof(bpf_attr, next_id) + sizeof(bpf_attr::next_id)},
    {BPF_MAP_GET_NEXT_ID, "MAP_GET_NEXT_ID",
     offsetof(bpf_attr, next_id) + sizeof(bpf_attr::next_id)},
    {BPF_PROG_GET_FD_BY_ID, "PROG_GET_FD_BY_ID",
     offsetof(bpf_attr, prog_id) + sizeof(bpf_attr::prog_id)},
    {BPF_MAP_GET_FD_BY_ID, "MAP_GET_FD_BY_ID",
     offsetof(bpf_attr, open_flags) + sizeof(bpf_attr::open_flags)},
    {BPF_OBJ_GET_INFO_BY_FD, "OBJ_GET_INFO_BY_FD",
     offsetof(bpf_attr_info, info) + sizeof(bpf_attr_info::info)},
    {BPF_PROG_QUERY, "PROG_QUERY",
     offsetof(bpf_attr_query, revision) + sizeof(bpf_attr_query::revision)},
    {BPF_RAW_TRACEPOINT_OPEN, "RAW_TRACEPOINT_OPEN",
     offsetof(bpf_attr_raw_tracepoint, cookie) + sizeof(bpf_attr_raw_tracepoint::cookie)},
    {BPF_BTF_LOAD, "BTF_LOAD", offsetof(bpf_attr, btf_token_fd) + sizeof(bpf_attr::btf_token_fd)},
    {BPF_BTF_GET_FD_BY_ID, "BTF_GET_FD_BY_ID",
     offsetof(bpf_attr, fd_by_id_token_fd) + sizeof(bpf_attr::fd_by_id_token_fd)},
    {BPF_TASK_FD_QUERY, "TASK_FD_QUERY",
     offsetof(bpf_attr_task_fd_query, probe_addr) + sizeof(bpf_attr_task_fd_query::probe_addr)},
    {BPF_MAP_LOOKUP_AND_DELETE_ELEM, "MAP_LOOKUP_AND_DELETE_ELEM",
     offsetof(bpf_attr, flags) + sizeof(bpf_attr::flags)},
    {BPF_MAP_FREEZE, "MAP_FREEZE", offsetof(bpf_attr, map_fd) + sizeof(bpf_attr::map_fd)},
    {BPF_BTF_GET_NEXT_ID, "BTF_GET_NEXT_ID",
     offsetof(bpf_attr, next_id) + sizeof(bpf_attr::next_id)},
    {BPF_MAP_LOOKUP_BATCH, "MAP_LOOKUP_BATCH",
     offsetof(bpf_attr_batch, flags) + sizeof(bpf_attr_batch::flags)},
    {BPF_MAP_LOOKUP_AND_DELETE_BATCH, "MAP_LOOKUP_AND_DELETE_BATCH",
     offsetof(bpf_attr_batch, flags) + sizeof(bpf_attr_batch::flags)},
    {BPF_MAP_UPDATE_BATCH, "MAP_UPDATE_BATCH",
     offsetof(bpf_attr_batch, flags) + sizeof(bpf_attr_batch::flags)},
    {BPF_MAP_DELETE_BATCH, "MAP_DELETE_BATCH",
     offsetof(bpf_attr_batch, flags) + sizeof(bpf_attr_batch::flags)},
    {BPF_LINK_CREATE, "LINK_CREATE", kLinkCreateEnd},
    {BPF_LINK_UPDATE, "LINK_UPDATE",
     offsetof(bpf_attr_link_update, old_prog_fd) + sizeof(bpf_attr_link_update::old_prog_fd)},
    {BPF_LINK_GET_FD_BY_ID, "LINK_GET_FD_BY_ID",
     offsetof(bpf_attr, link_id) + sizeof(bpf_attr::link_id)},
    {BPF_LINK_GET_NEXT_ID, "LINK_GET_NEXT_ID",
     offsetof(bpf_attr, next_id) + sizeof(bpf_attr::next_id)},
    {BPF_ENABLE_STATS, "ENABLE_STATS",
     offsetof(bpf_attr_enable_stats, type) + sizeof(bpf_attr_enable_stats::type)},
    {BPF_ITER_CREATE, "ITER_CREATE",
     offsetof(bpf_attr_iter_create, flags) + sizeof(bpf_attr_iter_create::flags)},
    {BPF_LINK_DETACH, "LINK_DETACH",
     offsetof(bpf_attr_link_detach, link_fd) + sizeof(bpf_attr_link_detach::link_fd)},
    {BPF_PROG_BIND_MAP, "PROG_BIND_MAP",
     offsetof(bpf_attr_prog_bind_map, flags) + sizeof(bpf_attr_prog_bind_map::flags)},
    {BPF_TOKEN_CREATE, "TOKEN_CREATE",
     offsetof(bpf_attr_token_create, bpffs_fd) + sizeof(bpf_attr_token_create::bpffs_fd)},
    {BPF_PROG_STREAM_READ_BY_FD, "PROG_STREAM_READ_BY_FD",
     offsetof(bpf_attr_prog_stream_read, prog_fd) + sizeof(bpf_attr_prog_stream_read::prog_fd)},
    {BPF_PROG_ASSOC_STRUCT_OPS, "PROG_ASSOC_STRUCT_OPS", 0, true},
});
static_assert(is_dense(kCommands, __MAX_BPF_CMD + 1), "a command has no row");
static_assert(kCommands[__MAX_BPF_CMD].newer && !kCommands[__MAX_BPF_CMD - 1].newer);

// Null when there is no such command.
[[nodiscard]] constexpr const Command* find_command(std::uint64_t number) {
  return row_by_number(kCommands, number);
}
[[nodiscard]] constexpr const Command* find_command(std::string_view name) {
  return row_by_name(kCommands, name);
}

}  // namespace skep::abi
