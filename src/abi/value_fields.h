// SPDX-License-Identifier: Apache-2.0
// What stands in map values and on a program's stack and is the kernel's to write: the verifier
// knows these structs by name and size, programs may not look inside. And the layouts that some map
// types give to their keys and values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "abi/limits.h"
#include "abi/name_table.h"

namespace skep::abi {

// NOLINTBEGIN(readability-identifier-naming): names of the kernel's interface

struct bpf_spin_lock {
  std::uint32_t val;
};

struct bpf_res_spin_lock {
  std::uint32_t val;
};

struct alignas(8) bpf_timer {
  std::uint64_t opaque[2];
};

struct alignas(8) bpf_wq {
  std::uint64_t opaque[2];
};

struct alignas(8) bpf_task_work {
  std::uint64_t opaque;
};

struct alignas(8) bpf_dynptr {
  std::uint64_t opaque[2];
};

struct alignas(8) bpf_list_head {
  std::uint64_t opaque[2];
};

struct alignas(8) bpf_list_node {
  std::uint64_t opaque[3];
};

struct alignas(8) bpf_rb_root {
  std::uint64_t opaque[2];
};

struct alignas(8) bpf_rb_node {
  std::uint64_t opaque[4];
};

struct bpf_refcount {
  std::uint32_t opaque[1];
};

// BPF_MAP_TYPE_LPM_TRIE: `prefixlen` counts bits of the data behind it.
struct bpf_lpm_trie_key_hdr {
  std::uint32_t prefixlen;
};

// BPF_MAP_TYPE_CGROUP_STORAGE
struct bpf_cgroup_storage_key {
  std::uint64_t cgroup_inode_id;
  std::uint32_t attach_type;
};
static_assert(sizeof(bpf_cgroup_storage_key) == 16);

// BPF_MAP_TYPE_DEVMAP: a file descriptor going in, an id coming out, and 4-byte values have none.
struct bpf_devmap_val {
  std::uint32_t ifindex;
  union {
    std::int32_t fd;
    std::uint32_t id;
  } bpf_prog;
};
static_assert(sizeof(bpf_devmap_val) == 8);

// BPF_MAP_TYPE_CPUMAP
struct bpf_cpumap_val {
  std::uint32_t qsize;
  union {
    std::int32_t fd;
    std::uint32_t id;
  } bpf_prog;
};
static_assert(sizeof(bpf_cpumap_val) == 8);

// BPF_MAP_TYPE_STACK_TRACE with BPF_F_STACK_BUILD_ID, bpf_get_stack with BPF_F_USER_BUILD_ID
struct bpf_stack_build_id {
  std::int32_t status;
  std::uint8_t build_id[BPF_BUILD_ID_SIZE];
  union {
    std::uint64_t offset;
    std::uint64_t ip;
  };
};
static_assert(sizeof(bpf_stack_build_id) == 32);

enum bpf_stack_build_id_status : std::int32_t {
  BPF_STACK_BUILD_ID_EMPTY = 0,
  BPF_STACK_BUILD_ID_VALID = 1,
  BPF_STACK_BUILD_ID_IP = 2,
};

// bpf_snprintf_btf, bpf_seq_printf_btf
struct btf_ptr {
  std::uint64_t ptr;
  std::uint32_t type_id;
  std::uint32_t flags;
};
static_assert(sizeof(btf_ptr) == 16);

// NOLINTEND(readability-identifier-naming)

struct OpaqueType {
  std::string_view name;
  std::uint32_t bytes;
  std::uint32_t alignment;
};

// Structs of map values, by the name that BTF gives them.
inline constexpr auto kValueFields = std::to_array<OpaqueType>({
    {"bpf_spin_lock", sizeof(bpf_spin_lock), 4},
    {"bpf_res_spin_lock", sizeof(bpf_res_spin_lock), 4},
    {"bpf_timer", sizeof(bpf_timer), 8},
    {"bpf_wq", sizeof(bpf_wq), 8},
    {"bpf_task_work", sizeof(bpf_task_work), 8},
    {"bpf_list_head", sizeof(bpf_list_head), 8},
    {"bpf_list_node", sizeof(bpf_list_node), 8},
    {"bpf_rb_root", sizeof(bpf_rb_root), 8},
    {"bpf_rb_node", sizeof(bpf_rb_node), 8},
    {"bpf_refcount", sizeof(bpf_refcount), 4},
});

// Iterators on a program's stack, by the name that BTF gives them.
inline constexpr auto kIterators = std::to_array<OpaqueType>({
    {"bpf_iter_num", 8, 8},
    {"bpf_iter_bits", 16, 8},
    {"bpf_iter_task", 24, 8},
    {"bpf_iter_task_vma", 8, 8},
    {"bpf_iter_css", 24, 8},
    {"bpf_iter_css_task", 8, 8},
    {"bpf_iter_kmem_cache", 8, 8},
    {"bpf_iter_dmabuf", 8, 8},
});

// Null when `name` is none of them.
[[nodiscard]] constexpr const OpaqueType* find_value_field(std::string_view name) {
  return row_by_name(kValueFields, name);
}
[[nodiscard]] constexpr const OpaqueType* find_iterator(std::string_view name) {
  return row_by_name(kIterators, name);
}

}  // namespace skep::abi
