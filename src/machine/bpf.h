// SPDX-License-Identifier: Apache-2.0
// The commands of bpf(2): one function each, by family in files *_commands.cpp. A command gets a
// copy of bpf_attr whose bytes past its last field are known to be zero, and the caller's own where
// results go. It answers as the system call does: 0 or more, or a negative errno.
#pragma once

#include "abi/bpf_attr.h"
#include "machine/machine.h"

namespace skep::machine {

struct Call {
  Machine& machine;
  const abi::bpf_attr& attr;
  std::uint64_t user_attr;  // address of the caller's bpf_attr
  std::uint32_t user_bytes;

  // Writes a field of bpf_attr back: 0 or -EFAULT. Callers of old knew a shorter one, and get
  // nothing past its end.
  template <class T>
  [[nodiscard]] long write_back(std::size_t offset, const T& value) const {
    return write_bytes(offset, &value, sizeof(value));
  }

 private:
  [[nodiscard]] long write_bytes(std::size_t offset, const void* from, std::size_t bytes) const;
};

long map_create(const Call& call);
long map_lookup(const Call& call);
long map_update(const Call& call);
long map_delete(const Call& call);
long map_next_key(const Call& call);
long map_take(const Call& call);
long map_freeze(const Call& call);

long map_lookup_batch(const Call& call);
long map_take_batch(const Call& call);
long map_update_batch(const Call& call);
long map_delete_batch(const Call& call);

long object_pin(const Call& call);
long object_get(const Call& call);
long object_info(const Call& call);
long program_next_id(const Call& call);
long map_next_id(const Call& call);
long btf_next_id(const Call& call);
long link_next_id(const Call& call);
long program_by_id(const Call& call);
long map_by_id(const Call& call);
long btf_by_id(const Call& call);
long link_by_id(const Call& call);

long raw_tracepoint_open(const Call& call);
long link_create(const Call& call);
long link_update(const Call& call);
long link_detach(const Call& call);
long program_attach(const Call& call);
long program_detach(const Call& call);
long program_query(const Call& call);

long btf_load(const Call& call);

long program_load(const Call& call);
long program_test_run(const Call& call);
long program_bind_map(const Call& call);
long enable_stats(const Call& call);
long stream_read(const Call& call);

}  // namespace skep::machine
