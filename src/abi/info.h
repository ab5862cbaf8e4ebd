// SPDX-License-Identifier: Apache-2.0
// What BPF_OBJ_GET_INFO_BY_FD writes, as of Linux 6.18. Callers may know shorter or longer ones:
// the kernel takes the smaller size, wants what is past its own to be zero (E2BIG), and says how
// much it wrote. Fields that name buffers are read and written.
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi/limits.h"

namespace skep::abi {

// NOLINTBEGIN(readability-identifier-naming): names of the kernel's interface

struct bpf_prog_info {
  std::uint32_t type;
  std::uint32_t id;
  std::uint8_t tag[BPF_TAG_SIZE];
  std::uint32_t jited_prog_len;
  std::uint32_t xlated_prog_len;
  std::uint64_t jited_prog_insns;
  std::uint64_t xlated_prog_insns;
  std::uint64_t load_time;  // ns since boot
  std::uint32_t created_by_uid;
  std::uint32_t nr_map_ids;
  std::uint64_t map_ids;
  char name[BPF_OBJ_NAME_LEN];
  std::uint32_t ifindex;
  std::uint32_t gpl_compatible : 1;
  std::uint64_t netns_dev;
  std::uint64_t netns_ino;
  std::uint32_t nr_jited_ksyms;
  std::uint32_t nr_jited_func_lens;
  std::uint64_t jited_ksyms;
  std::uint64_t jited_func_lens;
  std::uint32_t btf_id;
  std::uint32_t func_info_rec_size;
  std::uint64_t func_info;
  std::uint32_t nr_func_info;
  std::uint32_t nr_line_info;
  std::uint64_t line_info;
  std::uint64_t jited_line_info;
  std::uint32_t nr_jited_line_info;
  std::uint32_t line_info_rec_size;
  std::uint32_t jited_line_info_rec_size;
  std::uint32_t nr_prog_tags;
  std::uint64_t prog_tags;
  std::uint64_t run_time_ns;
  std::uint64_t run_cnt;
  std::uint64_t recursion_misses;
  std::uint32_t verified_insns;
  std::uint32_t attach_btf_obj_id;
  std::uint32_t attach_btf_id;
};
static_assert(offsetof(bpf_prog_info, name) == 64 && offsetof(bpf_prog_info, netns_dev) == 88);
static_assert(offsetof(bpf_prog_info, btf_id) == 128 &&
              offsetof(bpf_prog_info, run_time_ns) == 192);
static_assert(offsetof(bpf_prog_info, attach_btf_id) == 224 && sizeof(bpf_prog_info) == 232);

struct bpf_map_info {
  std::uint32_t type;
  std::uint32_t id;
  std::uint32_t key_size;
  std::uint32_t value_size;
  std::uint32_t max_entries;
  std::uint32_t map_flags;
  char name[BPF_OBJ_NAME_LEN];
  std::uint32_t ifindex;
  std::uint32_t btf_vmlinux_value_type_id;
  std::uint64_t netns_dev;
  std::uint64_t netns_ino;
  std::uint32_t btf_id;
  std::uint32_t btf_key_type_id;
  std::uint32_t btf_value_type_id;
  std::uint32_t btf_vmlinux_id;
  std::uint64_t map_extra;
  std::uint64_t hash;
  std::uint32_t hash_size;
};
static_assert(offsetof(bpf_map_info, name) == 24 && offsetof(bpf_map_info, btf_id) == 64);
static_assert(offsetof(bpf_map_info, hash_size) == 96 && sizeof(bpf_map_info) == 104);

struct bpf_btf_info {
  std::uint64_t btf;
  std::uint32_t btf_size;
  std::uint32_t id;
  std::uint64_t name;
  std::uint32_t name_len;
  std::uint32_t kernel_btf;
};
static_assert(sizeof(bpf_btf_info) == 32);

struct bpf_link_info_raw_tracepoint {
  std::uint64_t tp_name;
  std::uint32_t tp_name_len;
  std::uint64_t cookie;
};

struct bpf_link_info_tracing {
  std::uint32_t attach_type;
  std::uint32_t target_obj_id;
  std::uint32_t target_btf_id;
  std::uint64_t cookie;
};

struct bpf_link_info_cgroup {
  std::uint64_t cgroup_id;
  std::uint32_t attach_type;
};

struct bpf_link_info_iter_map {
  std::uint32_t map_id;
};

struct bpf_link_info_iter_cgroup {
  std::uint64_t cgroup_id;
  std::uint32_t order;
};

struct bpf_link_info_iter_task {
  std::uint32_t tid;
  std::uint32_t pid;
};

// Which of the unions' members is meant, target_name says.
struct bpf_link_info_iter {
  std::uint64_t target_name;
  std::uint32_t target_name_len;
  union {
    bpf_link_info_iter_map map;
  };
  union {
    bpf_link_info_iter_cgroup cgroup;
    bpf_link_info_iter_task task;
  };
};
static_assert(sizeof(bpf_link_info_iter) == 32);

struct bpf_link_info_netns {
  std::uint32_t netns_ino;
  std::uint32_t attach_type;
};

struct bpf_link_info_xdp {
  std::uint32_t ifindex;
};

struct bpf_link_info_struct_ops {
  std::uint32_t map_id;
};

struct bpf_link_info_netfilter {
  std::uint32_t pf;
  std::uint32_t hooknum;
  std::int32_t priority;
  std::uint32_t flags;
};

struct bpf_link_info_kprobe_multi {
  std::uint64_t addrs;
  std::uint32_t count;
  std::uint32_t flags;
  std::uint64_t missed;
  std::uint64_t cookies;
};

struct bpf_link_info_uprobe_multi {
  std::uint64_t path;
  std::uint64_t offsets;
  std::uint64_t ref_ctr_offsets;
  std::uint64_t cookies;
  std::uint32_t path_size;
  std::uint32_t count;
  std::uint32_t flags;
  std::uint32_t pid;
};

struct bpf_link_info_uprobe {
  std::uint64_t file_name;
  std::uint32_t name_len;
  std::uint32_t offset;
  std::uint64_t cookie;
  std::uint64_t ref_ctr_offset;
};

struct bpf_link_info_kprobe {
  std::uint64_t func_name;
  std::uint32_t name_len;
  std::uint32_t offset;
  std::uint64_t addr;
  std::uint64_t missed;
  std::uint64_t cookie;
};

struct bpf_link_info_tracepoint {
  std::uint64_t tp_name;
  std::uint32_t name_len;
  std::uint64_t cookie;
};

struct bpf_link_info_event {
  std::uint64_t config;
  std::uint32_t type;
  std::uint64_t cookie;
};

struct bpf_link_info_perf_event {
  std::uint32_t type;  // bpf_perf_event_type
  union {
    bpf_link_info_uprobe uprobe;
    bpf_link_info_kprobe kprobe;
    bpf_link_info_tracepoint tracepoint;
    bpf_link_info_event event;
  };
};
static_assert(offsetof(bpf_link_info_perf_event, kprobe) == 8);
static_assert(sizeof(bpf_link_info_perf_event) == 48);

struct bpf_link_info_device {
  std::uint32_t ifindex;
  std::uint32_t attach_type;
};

struct bpf_link_info_sockmap {
  std::uint32_t map_id;
  std::uint32_t attach_type;
};

struct bpf_link_info {
  std::uint32_t type;
  std::uint32_t id;
  std::uint32_t prog_id;
  union {
    bpf_link_info_raw_tracepoint raw_tracepoint;
    bpf_link_info_tracing tracing;
    bpf_link_info_cgroup cgroup;
    bpf_link_info_iter iter;
    bpf_link_info_netns netns;
    bpf_link_info_xdp xdp;
    bpf_link_info_struct_ops struct_ops;
    bpf_link_info_netfilter netfilter;
    bpf_link_info_kprobe_multi kprobe_multi;
    bpf_link_info_uprobe_multi uprobe_multi;
    bpf_link_info_perf_event perf_event;
    bpf_link_info_device tcx;
    bpf_link_info_device netkit;
    bpf_link_info_sockmap sockmap;
  };
};
static_assert(offsetof(bpf_link_info, raw_tracepoint) == 16 && sizeof(bpf_link_info) == 64);

// link_create.iter_info
struct bpf_iter_link_info_map {
  std::uint32_t map_fd;
};

struct bpf_iter_link_info_cgroup {
  std::uint32_t order;  // bpf_cgroup_iter_order
  std::uint32_t cgroup_fd;
  std::uint64_t cgroup_id;
};

struct bpf_iter_link_info_task {
  std::uint32_t tid;
  std::uint32_t pid;
  std::uint32_t pid_fd;
};

union bpf_iter_link_info {
  bpf_iter_link_info_map map;
  bpf_iter_link_info_cgroup cgroup;
  bpf_iter_link_info_task task;
};
static_assert(sizeof(bpf_iter_link_info) == 16);

// NOLINTEND(readability-identifier-naming)

}  // namespace skep::abi
