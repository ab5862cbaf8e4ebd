// SPDX-License-Identifier: Apache-2.0
// What all classes over bpf(2) need: a command with an error in words, descriptors by id and by
// pin, infos. Owns nothing. Any thread.
#pragma once

#include <cstring>
#include <string>

#include "abi/bpf_attr.h"
#include "abi/commands.h"
#include "base/error.h"
#include "skep/kernel.h"

namespace skep::kernel {

[[nodiscard]] inline std::uint64_t address(const void* of) {
  return reinterpret_cast<std::uint64_t>(of);
}

// All of it zero, holes included, since kernels look at every byte.
[[nodiscard]] inline abi::bpf_attr fresh_attr() {
  abi::bpf_attr attr;
  std::memset(&attr, 0, sizeof(attr));
  return attr;
}

// A negative errno of a Kernel in words.
[[nodiscard]] Error refusal(std::string_view what, long status);

// A result of 0 or more.
[[nodiscard]] Result<long> call(Kernel& kernel, abi::bpf_cmd command, abi::bpf_attr& attr,
                                std::string_view what);
[[nodiscard]] Result<Handle> open(Kernel& kernel, abi::bpf_cmd command, abi::bpf_attr& attr,
                                  std::string_view what);
[[nodiscard]] Result<Handle> open_id(Kernel& kernel, abi::bpf_cmd command, std::uint32_t id,
                                     std::uint32_t flags, std::string_view what);
[[nodiscard]] Result<std::vector<std::uint32_t>> all_ids(Kernel& kernel, abi::bpf_cmd command);

enum class Kind : std::uint8_t { map, program, link };
// A pin says nothing of what it holds, so that is asked by a command only one kind takes.
[[nodiscard]] Result<Handle> open_pin(Kernel& kernel, Kind kind, const std::string& path,
                                      std::uint32_t flags);
[[nodiscard]] Status pin(const Handle& handle, const std::string& path);

// A name for bpf_attr. Fails where the kernel would cut it.
[[nodiscard]] Status set_name(char (&to)[abi::BPF_OBJ_NAME_LEN], std::string_view name);
// The name in an info.
[[nodiscard]] std::string name_of(const char (&name)[abi::BPF_OBJ_NAME_LEN]);

// `info` may name buffers and has the answer afterwards; gives its length.
[[nodiscard]] Result<std::uint32_t> read_info(const Handle& handle, void* info,
                                              std::uint32_t bytes);

}  // namespace skep::kernel
