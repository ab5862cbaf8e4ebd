// SPDX-License-Identifier: Apache-2.0
// The argument of bpf(2) as of Linux 6.18: one struct a command, all at offset 0 of one union.
// Which command reads which of them, and where its last field ends, is in commands.h. Pointers are
// 64-bit numbers, and holes between fields are never looked at.
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi/limits.h"

namespace skep::abi {

// NOLINTBEGIN(readability-identifier-naming): names of the kernel's interface

// The structs that the kernel leaves without a name are `struct` members of the union.

struct bpf_attr_batch {
  std::uint64_t in_batch;
  std::uint64_t out_batch;
  std::uint64_t keys;
  std::uint64_t values;
  std::uint32_t count;
  std::uint32_t map_fd;
  std::uint64_t elem_flags;
  std::uint64_t flags;
};
static_assert(sizeof(bpf_attr_batch) == 56);

struct bpf_attr_test {
  std::uint32_t prog_fd;
  std::uint32_t retval;
  std::uint32_t data_size_in;
  std::uint32_t data_size_out;
  std::uint64_t data_in;
  std::uint64_t data_out;
  std::uint32_t repeat;
  std::uint32_t duration;  // ns, the mean of a run
  std::uint32_t ctx_size_in;
  std::uint32_t ctx_size_out;
  std::uint64_t ctx_in;
  std::uint64_t ctx_out;
  std::uint32_t flags;
  std::uint32_t cpu;
  std::uint32_t batch_size;
};
static_assert(offsetof(bpf_attr_test, batch_size) == 72 && sizeof(bpf_attr_test) == 80);

struct bpf_attr_info {
  std::uint32_t bpf_fd;
  std::uint32_t info_len;
  std::uint64_t info;
};
static_assert(sizeof(bpf_attr_info) == 16);

struct bpf_attr_query {
  union {
    std::uint32_t target_fd;
    std::uint32_t target_ifindex;
  };
  std::uint32_t attach_type;
  std::uint32_t query_flags;
  std::uint32_t attach_flags;
  std::uint64_t prog_ids;
  union {
    std::uint32_t prog_cnt;
    std::uint32_t count;
  };
  std::uint64_t prog_attach_flags;
  std::uint64_t link_ids;
  std::uint64_t link_attach_flags;
  std::uint64_t revision;
};
static_assert(offsetof(bpf_attr_query, revision) == 56 && sizeof(bpf_attr_query) == 64);

struct bpf_attr_raw_tracepoint {
  std::uint64_t name;
  std::uint32_t prog_fd;
  std::uint64_t cookie;
};
static_assert(sizeof(bpf_attr_raw_tracepoint) == 24);

struct bpf_attr_task_fd_query {
  std::uint32_t pid;
  std::uint32_t fd;
  std::uint32_t flags;
  std::uint32_t buf_len;
  std::uint64_t buf;
  std::uint32_t prog_id;
  std::uint32_t fd_type;
  std::uint64_t probe_offset;
  std::uint64_t probe_addr;
};
static_assert(sizeof(bpf_attr_task_fd_query) == 48);

struct bpf_link_create_perf_event {
  std::uint64_t bpf_cookie;
};

struct bpf_link_create_kprobe_multi {
  std::uint32_t flags;
  std::uint32_t cnt;
  std::uint64_t syms;
  std::uint64_t addrs;
  std::uint64_t cookies;
};

struct bpf_link_create_tracing {
  std::uint32_t target_btf_id;
  std::uint64_t cookie;
};

struct bpf_link_create_netfilter {
  std::uint32_t pf;
  std::uint32_t hooknum;
  std::int32_t priority;
  std::uint32_t flags;
};

// tcx, netkit and cgroup have the same one: where among the others the program goes.
struct bpf_link_create_ordered {
  union {
    std::uint32_t relative_fd;
    std::uint32_t relative_id;
  };
  std::uint64_t expected_revision;
};

struct bpf_link_create_uprobe_multi {
  std::uint64_t path;
  std::uint64_t offsets;
  std::uint64_t ref_ctr_offsets;
  std::uint64_t cookies;
  std::uint32_t cnt;
  std::uint32_t flags;
  std::uint32_t pid;
};

struct bpf_attr_link_create {
  union {
    std::uint32_t prog_fd;
    std::uint32_t map_fd;  // struct_ops
  };
  union {
    std::uint32_t target_fd;
    std::uint32_t target_ifindex;
  };
  std::uint32_t attach_type;
  std::uint32_t flags;
  __extension__ union {
    std::uint32_t target_btf_id;
    struct {
      std::uint64_t iter_info;
      std::uint32_t iter_info_len;
    };
    bpf_link_create_perf_event perf_event;
    bpf_link_create_kprobe_multi kprobe_multi;
    bpf_link_create_tracing tracing;
    bpf_link_create_netfilter netfilter;
    bpf_link_create_ordered tcx;
    bpf_link_create_uprobe_multi uprobe_multi;
    bpf_link_create_ordered netkit;
    bpf_link_create_ordered cgroup;
  };
};
static_assert(offsetof(bpf_attr_link_create, iter_info_len) == 24);
static_assert(offsetof(bpf_attr_link_create, kprobe_multi.cookies) == 40);
static_assert(offsetof(bpf_attr_link_create, uprobe_multi.pid) == 56);
static_assert(sizeof(bpf_attr_link_create) == 64);

struct bpf_attr_link_update {
  std::uint32_t link_fd;
  union {
    std::uint32_t new_prog_fd;
    std::uint32_t new_map_fd;
  };
  std::uint32_t flags;
  union {
    std::uint32_t old_prog_fd;
    std::uint32_t old_map_fd;
  };
};
static_assert(sizeof(bpf_attr_link_update) == 16);

struct bpf_attr_link_detach {
  std::uint32_t link_fd;
};

struct bpf_attr_enable_stats {
  std::uint32_t type;
};

struct bpf_attr_iter_create {
  std::uint32_t link_fd;
  std::uint32_t flags;
};

struct bpf_attr_prog_bind_map {
  std::uint32_t prog_fd;
  std::uint32_t map_fd;
  std::uint32_t flags;
};

struct bpf_attr_token_create {
  std::uint32_t flags;
  std::uint32_t bpffs_fd;
};

struct bpf_attr_prog_stream_read {
  std::uint64_t stream_buf;
  std::uint32_t stream_buf_len;
  std::uint32_t stream_id;
  std::uint32_t prog_fd;
};
static_assert(offsetof(bpf_attr_prog_stream_read, prog_fd) == 16);

union bpf_attr {
  // First, so that {} makes all of it zero.
  std::uint8_t whole[168];
  // BPF_MAP_CREATE
  __extension__ struct {
    std::uint32_t map_type;
    std::uint32_t key_size;
    std::uint32_t value_size;
    std::uint32_t max_entries;
    std::uint32_t map_flags;
    std::uint32_t inner_map_fd;
    std::uint32_t numa_node;
    char map_name[BPF_OBJ_NAME_LEN];
    std::uint32_t map_ifindex;
    std::uint32_t btf_fd;
    std::uint32_t btf_key_type_id;
    std::uint32_t btf_value_type_id;
    std::uint32_t btf_vmlinux_value_type_id;
    std::uint64_t map_extra;
    std::int32_t value_type_btf_obj_fd;
    std::int32_t map_token_fd;
    std::uint64_t excl_prog_hash;
    std::uint32_t excl_prog_hash_size;
  };
  // BPF_MAP_*_ELEM, BPF_MAP_GET_NEXT_KEY, BPF_MAP_FREEZE
  __extension__ struct {
    std::uint32_t map_fd;
    std::uint64_t key;
    union {
      std::uint64_t value;
      std::uint64_t next_key;
    };
    std::uint64_t flags;
  };
  bpf_attr_batch batch;
  // BPF_PROG_LOAD
  __extension__ struct {
    std::uint32_t prog_type;
    std::uint32_t insn_cnt;
    std::uint64_t insns;
    std::uint64_t license;
    std::uint32_t log_level;
    std::uint32_t log_size;
    std::uint64_t log_buf;
    std::uint32_t kern_version;
    std::uint32_t prog_flags;
    char prog_name[BPF_OBJ_NAME_LEN];
    std::uint32_t prog_ifindex;
    std::uint32_t expected_attach_type;
    std::uint32_t prog_btf_fd;
    std::uint32_t func_info_rec_size;
    std::uint64_t func_info;
    std::uint32_t func_info_cnt;
    std::uint32_t line_info_rec_size;
    std::uint64_t line_info;
    std::uint32_t line_info_cnt;
    std::uint32_t attach_btf_id;
    union {
      std::uint32_t attach_prog_fd;
      std::uint32_t attach_btf_obj_fd;
    };
    std::uint32_t core_relo_cnt;
    std::uint64_t fd_array;
    std::uint64_t core_relos;
    std::uint32_t core_relo_rec_size;
    std::uint32_t log_true_size;  // written back
    std::int32_t prog_token_fd;
    std::uint32_t fd_array_cnt;
    std::uint64_t signature;
    std::uint32_t signature_size;
    std::int32_t keyring_id;
  };
  // BPF_OBJ_PIN, BPF_OBJ_GET
  __extension__ struct {
    std::uint64_t pathname;
    std::uint32_t bpf_fd;
    std::uint32_t file_flags;
    std::int32_t path_fd;
  };
  // BPF_PROG_ATTACH, BPF_PROG_DETACH
  __extension__ struct {
    union {
      std::uint32_t target_fd;
      std::uint32_t target_ifindex;
    };
    std::uint32_t attach_bpf_fd;
    std::uint32_t attach_type;
    std::uint32_t attach_flags;
    std::uint32_t replace_bpf_fd;
    union {
      std::uint32_t relative_fd;
      std::uint32_t relative_id;
    };
    std::uint64_t expected_revision;
  };
  bpf_attr_test test;
  // BPF_*_GET_NEXT_ID, BPF_*_GET_FD_BY_ID
  __extension__ struct {
    union {
      std::uint32_t start_id;
      std::uint32_t prog_id;
      std::uint32_t map_id;
      std::uint32_t btf_id;
      std::uint32_t link_id;
    };
    std::uint32_t next_id;
    std::uint32_t open_flags;
    std::int32_t fd_by_id_token_fd;
  };
  bpf_attr_info info;
  bpf_attr_query query;
  bpf_attr_raw_tracepoint raw_tracepoint;
  // BPF_BTF_LOAD
  __extension__ struct {
    std::uint64_t btf;
    std::uint64_t btf_log_buf;
    std::uint32_t btf_size;
    std::uint32_t btf_log_size;
    std::uint32_t btf_log_level;
    std::uint32_t btf_log_true_size;  // written back
    std::uint32_t btf_flags;
    std::int32_t btf_token_fd;
  };
  bpf_attr_task_fd_query task_fd_query;
  bpf_attr_link_create link_create;
  bpf_attr_link_update link_update;
  bpf_attr_link_detach link_detach;
  bpf_attr_enable_stats enable_stats;
  bpf_attr_iter_create iter_create;
  bpf_attr_prog_bind_map prog_bind_map;
  bpf_attr_token_create token_create;
  bpf_attr_prog_stream_read prog_stream_read;
};

// NOLINTEND(readability-identifier-naming)

// Who gives more bytes than this must leave the rest zero, or has E2BIG.
inline constexpr std::size_t kBpfAttrBytes = 168;
// And nobody may give more than this: E2BIG.
inline constexpr std::size_t kMaxBpfAttrBytes = 4096;
static_assert(sizeof(bpf_attr) == kBpfAttrBytes && alignof(bpf_attr) == 8);
static_assert(offsetof(bpf_attr, map_name) == 28 && offsetof(bpf_attr, map_extra) == 64);
static_assert(offsetof(bpf_attr, map_token_fd) == 76);
static_assert(offsetof(bpf_attr, excl_prog_hash_size) == 88);
static_assert(offsetof(bpf_attr, key) == 8 && offsetof(bpf_attr, flags) == 24);
static_assert(offsetof(bpf_attr, prog_name) == 48 && offsetof(bpf_attr, func_info) == 80);
static_assert(offsetof(bpf_attr, line_info) == 96 && offsetof(bpf_attr, fd_array) == 120);
static_assert(offsetof(bpf_attr, log_true_size) == 140 && offsetof(bpf_attr, keyring_id) == 164);
static_assert(offsetof(bpf_attr, path_fd) == 16 && offsetof(bpf_attr, expected_revision) == 24);
static_assert(offsetof(bpf_attr, fd_by_id_token_fd) == 12);
static_assert(offsetof(bpf_attr, btf_log_true_size) == 28 &&
              offsetof(bpf_attr, btf_token_fd) == 36);

}  // namespace skep::abi
